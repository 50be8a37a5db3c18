"""Data sets that are downloaded once and kept: where they are found, and how their files are read.

A download that breaks off goes on where it was. Nothing is read that is not the original, by its
SHA-256, and nothing is unpacked onto the disk.
"""

import gzip
import hashlib
import math
import os
import struct
import tarfile
import zlib
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnnlib import checks


class Source(NamedTuple):
    """Where a data set is found: mirrors in the order they are tried; and its files.

    hashes: of each file, the SHA-256 as it is downloaded. Of those of MNIST, which may be unpacked
    already, `contents` has the SHA-256 of the content and `shapes` the shape of the array.
    """

    name: str
    mirrors: tuple[str, ...]
    hashes: dict[str, str]
    contents: tuple[str, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ((60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,))


FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)

MNIST = Source(
    "mnist",
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    {
        FILES[0]: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        FILES[1]: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        FILES[2]: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        FILES[3]: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)
FASHION_MNIST = Source(
    "fashion-mnist",
    (
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    {
        FILES[0]: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        FILES[1]: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        FILES[2]: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        FILES[3]: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)
CIFAR10 = Source(
    "cifar-10",
    (
        "https://www.cs.toronto.edu/~kriz/",
        "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
    ),
    {"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
)
# In the archive of CIFAR-10: five files to train with, and one to test.
BATCHES = tuple(
    f"cifar-10-batches-bin/{name}.bin"
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
)


def find(source: Source, name: str, progress: bool) -> Path:
    """The file on this machine, downloaded if need be.

    Raises FileNotFoundError when the folder that CNNLIB_DATA names lacks it, ConnectionError when
    no mirror delivers it.
    """
    folder = os.environ.get("CNNLIB_DATA")
    if folder is None:
        return download(source, name, progress)
    path = checks.path(source.name, "CNNLIB_DATA", folder, "folder") / source.name / name
    for file in (path, path.with_suffix("")) if source.contents else (path,):
        if file.is_file():
            return file
    raise FileNotFoundError(f"{source.name}: CNNLIB_DATA is {folder}; expected {path}")


def download(source: Source, name: str, progress: bool) -> Path:
    """The file in the cache, fetched from the first mirror that delivers it undamaged.

    pooch moves it here once its hash is right, so the cache never holds a wrong file.
    """
    import pooch

    folder = pooch.os_cache("cnnlib") / source.name
    fetch = partial(fetch_rest, folder / f"{name}.part", progress)
    problems = []
    for mirror in source.mirrors:
        try:
            path = pooch.retrieve(
                mirror + name, source.hashes[name], name, folder, downloader=fetch
            )
            return Path(path)
        except (OSError, ValueError) as error:  # no answer, a wrong one, or a wrong hash
            problems.append(f"{mirror}: {error}")
    raise ConnectionError(
        f"{source.name}: no mirror delivered {name}; download it by hand into a folder "
        f"{source.name} and set CNNLIB_DATA to the folder around it\n" + "\n".join(problems)
    )


def fetch_rest(part: Path, progress: bool, url: str, output_file: str, _pooch: object) -> None:
    """Download into the file `part`, after what it has from an earlier try; then move it.

    A server that cannot begin in the middle sends all, and all is taken.
    """
    import requests
    from tqdm import tqdm

    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=30) as response:
        if response.status_code == 416:  # no file is so long: this was of another one
            part.unlink()
        response.raise_for_status()
        if response.status_code != 206:
            have = 0
        total = have + int(response.headers.get("Content-Length", 0))
        bar = tqdm(
            initial=have, total=total, unit="B", unit_scale=True, disable=not progress, ncols=79
        )
        with bar, part.open("ab" if have else "wb") as file:
            for chunk in response.iter_content(1 << 14):
                file.write(chunk)
                bar.update(len(chunk))
    part.replace(output_file)


def read_idx(path: Path, shape: tuple[int, ...], known: str) -> np.ndarray:
    """The array of bytes, of this shape, in an IDX file, the format of MNIST, gzipped or not.

    Two zero bytes, the type (8: bytes), the number of axes, each axis as four bytes, high byte
    first; then the numbers. known: the SHA-256 of all that. Raises ValueError, naming the file,
    when it is anything else. No more is unpacked than belongs there, and one byte.
    """
    head = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
    length = len(head) + math.prod(shape)
    try:
        with open(path, "rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            content = (gzip.GzipFile(fileobj=raw) if packed else raw).read(length + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path}: not a whole gzip file: {error}") from error
    found = f"{path}: not an IDX file of shape {shape}, its head is {content[: len(head)].hex()}"
    checks.require(head.startswith(content[: len(head)]), found)
    found = f"{path}: ends after {len(content):,} of {length:,} bytes"
    checks.require(len(content) >= length, found)
    checks.require(len(content) == length, f"{path}: holds more than {length:,} bytes")
    same = hashlib.sha256(content).hexdigest() == known
    checks.require(same, f"{path}: as long as the original, but with other content")
    return np.frombuffer(content, np.uint8, offset=len(head)).reshape(shape)


def read_cifar10(path: Path, known: str) -> tuple[np.ndarray, np.ndarray]:
    """The archive of CIFAR-10: bytes of all images, (60000, 3, 32, 32), and their labels.

    An image is a byte with the label, then 32 x 32 bytes each of red, green and blue.
    known: the SHA-256 of the archive. Raises ValueError, naming the file, when it is another.
    """
    with open(path, "rb") as file:
        same = hashlib.file_digest(file, "sha256").hexdigest() == known
    checks.require(same, f"{path}: not the original archive, by its SHA-256")
    parts: dict[str, bytes] = {}
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content and member.name in BATCHES:
                parts[member.name] = content.read()
    records = np.frombuffer(b"".join(parts[name] for name in BATCHES), np.uint8)
    records = records.reshape(-1, 1 + 3 * 32 * 32)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]
