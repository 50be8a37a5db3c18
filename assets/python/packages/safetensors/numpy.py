"""Files of arrays; the format is https://github.com/huggingface/safetensors#format."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "I8": "|i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip


def load(content: bytes) -> dict[str, np.ndarray]:
    """The arrays in the content of a file."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    data = memoryview(content)[8 + length :]
    return {
        name: np.frombuffer(data[slice(*one["data_offsets"])], TYPES[one["dtype"]])
        .reshape(one["shape"])
        .copy()
        for name, one in header.items()
    }


def load_file(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of a file."""
    return load(Path(path).read_bytes())


def save(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> bytes:
    """The content of a file that holds the arrays."""
    names = {np.dtype(kind): name for name, kind in TYPES.items()}
    header: dict = {"__metadata__": dict(metadata)} if metadata else {}
    data = b""
    # The library's order: wide types first, then names.
    for name, array in sorted(arrays.items(), key=lambda one: (-one[1].itemsize, one[0])):
        part = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": names[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(part)],
        }
        data += part
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def save_file(arrays: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Write the arrays to a file."""
    Path(path).write_bytes(save(arrays))
