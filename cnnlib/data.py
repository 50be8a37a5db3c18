"""Data sets: two that come with scikit-learn, two that are downloaded once and kept, your own.

Images are float32 in [0, 1], (N, channels, rows, columns); labels are whole numbers (N,).
"""

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cnnlib import checks


class Split(NamedTuple):
    """Images (N, C, H, W) and their labels (N,)."""

    images: np.ndarray
    labels: np.ndarray


class Folder(NamedTuple):
    """What `image_folder` read: `files[i]` became `images[i]`, of class `classes[labels[i]]`."""

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    files: tuple[str, ...]
    skipped: dict[str, str]  # each file that could not be read, and why


class Source(NamedTuple):
    """Where a data set is found: mirrors in the order they are tried, SHA-256 of each of FILES."""

    name: str
    mirrors: tuple[str, ...]
    hashes: tuple[str, str, str, str]


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
    (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
)
FASHION_MNIST = Source(
    "fashion-mnist",
    (
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
)
FASHION_CLASSES = tuple(
    "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot".split(",")
)


def digits() -> Split:
    """The 1797 handwritten digits of scikit-learn, (1797, 1, 8, 8)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return Split(bunch.images[:, None].astype(np.float32) / 16, bunch.target)


def photographs() -> dict[str, np.ndarray]:
    """The two photographs of scikit-learn, "china" and "flower", in color, (3, 427, 640)."""
    from sklearn.datasets import load_sample_images

    bunch = load_sample_images()
    return {
        Path(name).stem: image.transpose(2, 0, 1).astype(np.float32) / 255
        for name, image in zip(bunch.filenames, bunch.images, strict=True)
    }


def image_folder(
    path: str | os.PathLike, size: int | tuple[int, int], channels: int = 3, report: bool = True
) -> Folder:
    """Your own pictures: a folder with one folder for each class, path/cat/1.jpg, path/dog/2.png.

    A picture is turned as its camera noted, cut around its middle to the shape of `size` (rows,
    columns) and scaled to it, on white where it is transparent; of an animation, the first frame.
    channels: 3 for color, 1 for gray. report: print how many there are, and each file that is
    skipped because no picture can be read from it. Files whose names begin with a dot do not count.
    Images are in the order of classes and files. Raises FileNotFoundError without the folder,
    ValueError for fewer than 2 classes or a class of which nothing can be read.
    """
    folder, size = Path(path), checks.pair("image_folder", "size", size, 1)
    checks.require(channels in (1, 3), f"image_folder: channels is {channels!r}; expected 1 or 3")
    if not folder.is_dir():
        raise FileNotFoundError(f"image_folder: path is {folder}; there is no such folder")
    classes = sorted(entry.name for entry in folder.glob("[!.]*") if entry.is_dir())
    found = f"image_folder: path is {folder}; expected a folder in it for each class"
    checks.require(len(classes) > 1, f"{found}, 2 or more, it has {len(classes)}")
    images, labels, files, skipped = [], [], [], {}
    for label, name in enumerate(classes):
        for file in sorted(f for f in (folder / name).rglob("[!.]*") if f.is_file()):
            key = file.relative_to(folder).as_posix()
            try:
                images.append(_picture(file, size, channels))
            except Exception as error:  # Pillow raises whatever a damaged file makes it stumble on
                skipped[key] = str(error).replace(f"{str(file)!r}", "").strip()
            else:
                labels.append(label)
                files.append(key)
        checks.require(label in labels, f"image_folder: no picture can be read in {folder / name}")
    if report:
        print(f"{len(files)} images of {len(classes)} classes, {len(skipped)} files skipped")
        print(*(f"  {key}: {reason}\n" for key, reason in skipped.items()), sep="", end="")
    return Folder(np.stack(images), np.array(labels), tuple(classes), tuple(files), skipped)


def _picture(file: Path, size: tuple[int, int], channels: int) -> np.ndarray:
    """The picture in the file as (channels, rows, columns)."""
    from PIL import Image, ImageOps

    with Image.open(file) as opened:
        image = ImageOps.exif_transpose(opened)
    if image.mode[0] == "I":  # 16 bits, of which Pillow's own conversion would cut off the top
        image = Image.fromarray(np.clip(np.asarray(image) // 256, 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    image = ImageOps.fit(image.convert("RGB" if channels == 3 else "L"), size[::-1])
    return np.asarray(image, np.float32).reshape(*size, channels).transpose(2, 0, 1) / 255


def mnist(progress: bool = True) -> tuple[Split, Split]:
    """70,000 handwritten digits: (training of 60,000, test of 10,000), each (N, 1, 28, 28).

    The first call downloads 12 MB into the user's cache; later calls read it. The environment
    variable CNNLIB_DATA may name a folder that has the four files in a folder "mnist".
    progress: show a bar.
    Raises ConnectionError when no mirror delivers, ValueError when a file is damaged.
    LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition"
    (1998).
    """
    return _load(MNIST, progress)


def fashion_mnist(progress: bool = True) -> tuple[Split, Split]:
    """70,000 pieces of clothing in the form of `mnist`, classes as in FASHION_CLASSES; 31 MB.

    In CNNLIB_DATA, the four files are in a folder "fashion-mnist".
    Xiao, Rasul and Vollgraf, "Fashion-MNIST" (2017).
    """
    return _load(FASHION_MNIST, progress)


def _load(source: Source, progress: bool) -> tuple[Split, Split]:
    checks.flag(source.name, "progress", progress)
    arrays = [read_idx(_find(source, name, progress)) for name in FILES]
    for images, labels, name in zip(arrays[::2], arrays[1::2], FILES[::2], strict=True):
        found = f"{source.name}: {name} has shape {images.shape}, its labels {labels.shape}"
        checks.require(images.ndim == 3 and labels.shape == images.shape[:1], found)
    pictures = [images[:, None].astype(np.float32) / 255 for images in arrays[::2]]
    labels = [labels.astype(np.int64) for labels in arrays[1::2]]
    return Split(pictures[0], labels[0]), Split(pictures[1], labels[1])


def _find(source: Source, name: str, progress: bool) -> Path:
    """The file on this machine, downloaded if need be."""
    folder = os.environ.get("CNNLIB_DATA")
    if folder is None:
        return _download(source, name, progress)
    path = Path(folder) / source.name / name
    if not path.is_file():
        raise FileNotFoundError(f"{source.name}: CNNLIB_DATA is {folder}; expected {path}")
    return path


def _download(source: Source, name: str, progress: bool) -> Path:
    """The file in the cache, fetched from the first mirror that delivers it undamaged.

    pooch downloads to a temporary file and moves it here once its hash is right, so the cache
    never holds a part of a file, and a second try fetches only what is missing.
    """
    import pooch

    folder, known = pooch.os_cache("cnnlib") / source.name, source.hashes[FILES.index(name)]
    downloader = pooch.HTTPDownloader(progressbar=progress, timeout=30)
    problems = []
    for mirror in source.mirrors:
        try:
            return Path(pooch.retrieve(mirror + name, known, name, folder, downloader=downloader))
        except (OSError, ValueError) as error:  # no answer, a wrong one, or a wrong hash
            problems.append(f"{mirror}: {error}")
    raise ConnectionError(
        f"{source.name}: no mirror delivered {name}; download it by hand into a folder "
        f"{source.name} and set CNNLIB_DATA to the folder around it\n" + "\n".join(problems)
    )


def center_digit(drawing: np.ndarray) -> np.ndarray:
    """Bring a drawing into the form of MNIST's images: (H, W), 0 without ink, to (28, 28).

    The ink's box is scaled, its proportions kept, until its longer side is 20 pixels; each new
    pixel is the mean of what it covers. The box is then placed so that its center of mass lies in
    pixel (14, 14), to the nearest whole pixel and as far as the frame allows. Without ink: zeros.
    LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition"
    (1998), section III.A; pixel (14, 14) is where MNIST's own images have it.
    """
    checks.array("center_digit", "drawing", drawing, 2)
    found = f"center_digit: drawing holds {drawing.min():g}"
    checks.require(drawing.min() >= 0, f"{found}; expected 0 without ink, more where there is some")
    image = np.zeros((28, 28), drawing.dtype)
    if not drawing.any():
        return image
    for _ in range(2):  # cut to the rows, then, turned, to the columns that have ink
        inked = np.flatnonzero(drawing.any(axis=1))
        drawing = drawing[inked[0] : inked[-1] + 1].T
    sizes = [max(1, int(side * 20 / max(drawing.shape) + 0.5)) for side in drawing.shape]
    rows, columns = map(_means, drawing.shape, sizes)
    small = (rows @ drawing @ columns.T).astype(image.dtype)
    starts = []
    for axis, size in enumerate(sizes):
        center = small.sum(1 - axis, dtype=float) @ np.arange(size) / small.sum(dtype=float)
        starts.append(min(max(int(np.floor(14.5 - center)), 0), 28 - size))
    (row, column), (height, width) = starts, sizes
    image[row : row + height, column : column + width] = small
    return image


def _means(size: int, parts: int) -> np.ndarray:
    """The matrix that cuts `size` numbers into equal parts and takes the mean of each."""
    edges, places = np.linspace(0, size, parts + 1)[:, None], np.arange(size)
    overlap = np.minimum(edges[1:], places + 1) - np.maximum(edges[:-1], places)
    return np.maximum(overlap, 0) * parts / size


def read_idx(path: str | os.PathLike) -> np.ndarray:
    """The array of bytes in a gzipped IDX file, the format of MNIST.

    Two zero bytes, the type (8: bytes), the number of axes, each axis as four bytes, high byte
    first; then the numbers. Raises ValueError, naming the file, when it is anything else. No more
    is unpacked than the file says it holds.
    """
    try:
        with gzip.open(path, "rb") as file:
            zeros, kind, axes = np.frombuffer(_exactly(file, 4, path), ">u2,u1,u1")[0].tolist()
            right = zeros == 0 and kind == 8 and 1 <= axes <= 4
            checks.require(right, f"{path}: not an IDX file of bytes, its head is wrong")
            shape = np.frombuffer(_exactly(file, 4 * axes, path), ">u4").tolist()
            size = math.prod(shape)
            checks.require(size <= 1 << 30, f"{path}: says it holds {size} bytes, more than 1 GiB")
            content = _exactly(file, size, path)
            checks.require(not file.read(1), f"{path}: holds more than the {size} bytes it says")
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path}: not a whole gzip file: {error}") from error
    return np.frombuffer(content, np.uint8).reshape(shape)


def _exactly(file: gzip.GzipFile, count: int, path: str | os.PathLike) -> bytes:
    content = file.read(count)
    found = len(content)
    checks.require(found == count, f"{path}: ends after {found} of {count} bytes")
    return content
