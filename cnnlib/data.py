"""Data sets: two that come with scikit-learn, three that are downloaded once, and your own.

Images are float32 in [0, 1], (N, channels, rows, columns); labels are whole numbers (N,).
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnnlib import checks, downloads
from cnnlib.records import small_photographs

if TYPE_CHECKING:
    from PIL import Image


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


FASHION_CLASSES = tuple(
    "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot".split(",")
)

CIFAR10_CLASSES = tuple("airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck".split(","))


def digits() -> Split:
    """The 1797 handwritten digits of scikit-learn, (1797, 1, 8, 8)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return Split(bunch.images[:, None].astype(np.float32) / 16, bunch.target)


def photographs(small: bool = False) -> dict[str, np.ndarray]:
    """The two photographs of scikit-learn, "china" and "flower", in color, (3, 427, 640).

    small: cut around their middle and scaled, (3, 240, 320), as the widget PhotoKernel shows them.
    """
    if checks.flag("photographs", "small", small):
        return small_photographs()
    from sklearn.datasets import load_sample_images

    bunch = load_sample_images()
    return {
        Path(name).stem: image.transpose(2, 0, 1).astype(np.float32) / 255
        for name, image in zip(bunch.filenames, bunch.images, strict=True)
    }


PARTS = set(
    "train training test testing val valid validate validation dev eval evaluation holdout "
    "unlabeled pred".split()
)


def image_folder(
    path: str | os.PathLike, size: int | tuple[int, int], channels: int = 3, report: bool = True
) -> Folder:
    """Your own pictures: a folder with one folder for each class, path/cat/1.jpg, path/dog/2.png.

    A picture is turned as its camera noted, cut around its middle to the shape of `size` (rows,
    columns) and scaled to it, on white where it is transparent; of an animation, the first frame.
    White is the largest number of 8, 12 or 16 bits, and 1 in a picture of floats.
    channels: 3 for color, 1 for gray. report: print how many there are, and each file that is
    skipped because no picture can be read from it. What is hidden, in `__MACOSX` or begins with a
    dot, does not count. Images are in the order of classes and files; what cannot be printed in
    the names of classes and skipped files is written as Python writes it in a text.
    Raises FileNotFoundError without the folder, ValueError for fewer than 2 classes, for a class
    of which nothing can be read, or when the folders are parts of a data set, train and test.
    """
    folder = checks.path("image_folder", "path", path, "folder")
    size = checks.pair("image_folder", "size", size, 1)
    channels = checks.integer("image_folder", "channels", channels, 1)
    checks.require(channels in (1, 3), f"image_folder: channels is {channels}; expected 1 or 3")
    checks.flag("image_folder", "report", report)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"image_folder: path is {folder}; there is no such folder")
    inside = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not _hidden(entry))
    classes = tuple(_printable(entry.name) for entry in inside)
    found, names = f"image_folder: path is {folder}", ", ".join(classes)
    several = f"{found}; expected a folder in it for each class, 2 or more, it has {len(classes)}"
    checks.require(len(classes) > 1, f"{several}: {names}" if names else several)
    words = [PARTS.intersection(_words(name)) for name in classes]
    parts = all(words) and len(set().union(*words)) > 1  # steam_train and freight_train are none
    checks.require(not parts, f"{found}, with {names}, not classes; give the path of one of them")
    images, labels, files, skipped = [], [], [], {}
    for label, entry in enumerate(inside):
        why = "it has no files"
        for file in _files(entry):
            name = file.relative_to(folder).as_posix()
            try:
                images.append(_picture(file, size, channels))
            except Exception as error:  # Pillow raises whatever a damaged file makes it stumble on
                why = skipped[_printable(name)] = _reason(file, error)
            else:
                labels.append(label)
                files.append(name)
        found = f"image_folder: no picture can be read in {_printable(str(entry))}"
        checks.require(label in labels, f"{found}: {why}")
    if report:
        print(f"{len(files)} images of {len(classes)} classes, {len(skipped)} files skipped")
        print(*(f"  {key}: {reason}\n" for key, reason in skipped.items()), sep="", end="")
    return Folder(np.stack(images), np.array(labels), classes, tuple(files), skipped)


def _words(name: str) -> list[str]:
    """The words in a name such as test_set, train2017 or ValImages."""
    return [word.casefold() for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", name)]


def _hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name == "__MACOSX"


def _files(folder: Path) -> Iterator[Path]:
    """The files in a folder and all below it, in order, without what is hidden."""
    for entry in sorted(folder.iterdir()):
        if not _hidden(entry):
            if entry.is_file():
                yield entry
            elif entry.is_dir() and not entry.is_symlink():  # which could lead back here
                yield from _files(entry)


def _printable(text: str) -> str:
    escaped = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return "".join(escaped)


def _reason(file: Path, error: Exception) -> str:
    """Why no picture could be read from the file, in one line."""
    head = b""
    if os.access(file, os.R_OK):
        with file.open("rb") as opened:
            head = opened.read(12)
    if head[4:].startswith((b"ftyphei", b"ftyphev", b"ftypmif1", b"ftypmsf1")):
        return (
            "a HEIC picture, which Pillow does not read: save it as JPEG, or install pillow-heif "
            "and call pillow_heif.register_heif_opener() first"
        )
    text = str(error).replace(f"{str(file)!r}", "").strip()
    return _printable(text) or type(error).__name__


def _picture(file: Path, size: tuple[int, int], channels: int) -> np.ndarray:
    """The picture in the file as (channels, rows, columns)."""
    from PIL import Image, ImageOps

    with Image.open(file) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode[0] in "IF":
            image = _in_8_bits(image, opened.format, getattr(opened, "tag_v2", {}))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    image = ImageOps.fit(image.convert("RGB" if channels == 3 else "L"), size[::-1])
    return np.asarray(image, np.float32).reshape(*size, channels).transpose(2, 0, 1) / 255


def _in_8_bits(image: "Image.Image", kind: str | None, tags: dict[int, Any]) -> "Image.Image":
    """A gray picture of more bits in 8: Pillow's own conversion would cut off the top.

    Raises ValueError when nothing says which of its numbers is white.
    """
    from PIL import Image

    values, bits = np.asarray(image), int(np.max(tags.get(258, 16)))  # TIFF has them in a tag
    if image.mode == "F":
        found = f"its floats go from {values.min():g} to {values.max():g}; expected 0 to 1"
        checks.require(bool(0 <= values.min() and values.max() <= 1), found)
        values = np.round(values * 255)
    else:
        found = "nothing says which of its whole numbers is white; save it with 8 or 16 bits"
        checks.require(image.mode != "I" or kind in ("PNG", "PPM"), found)
        values = np.where(values == image.info.get("transparency", -1), 65_535, values)
        values = np.clip(values // 2 ** (bits - 8), 0, 255)
    values = 255 - values if tags.get(262) == 0 else values  # 0 is white, as in a fax
    return Image.fromarray(values.astype(np.uint8))


def mnist(progress: bool = True) -> tuple[Split, Split]:
    """70,000 handwritten digits: (training of 60,000, test of 10,000), each (N, 1, 28, 28).

    The first call downloads 12 MB into the user's cache; later calls read it. The environment
    variable CNNLIB_DATA may name a folder that has the four files, packed as .gz or unpacked, in a
    folder "mnist". Their contents must be those of the original, by their SHA-256.
    progress: show a bar.
    Raises ConnectionError when no mirror delivers, ValueError when a file is damaged.
    LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition"
    (1998).
    """
    return _mnist(downloads.MNIST, progress)


def fashion_mnist(progress: bool = True) -> tuple[Split, Split]:
    """70,000 pieces of clothing in the form of `mnist`, classes as in FASHION_CLASSES; 31 MB.

    In CNNLIB_DATA, the four files are in a folder "fashion-mnist".
    Xiao, Rasul and Vollgraf, "Fashion-MNIST" (2017).
    """
    return _mnist(downloads.FASHION_MNIST, progress)


def _mnist(source: downloads.Source, progress: bool) -> tuple[Split, Split]:
    checks.flag(source.name, "progress", progress)
    arrays = [
        downloads.read_idx(downloads.find(source, name, progress), shape, known)
        for name, shape, known in zip(source.hashes, source.shapes, source.contents, strict=True)
    ]
    return _split(arrays[0][:, None], arrays[1]), _split(arrays[2][:, None], arrays[3])


def cifar10(progress: bool = True) -> tuple[Split, Split]:
    """60,000 small color photographs of ten classes, CIFAR10_CLASSES: (training of 50,000, test).

    Images are (N, 3, 32, 32). The first call downloads 170 MB into the user's cache, and goes on
    where an earlier one broke off; later calls read it, in a few seconds. All images in float32
    are 740 MB of memory. CNNLIB_DATA may name a folder that has cifar-10-binary.tar.gz in a folder
    "cifar-10".
    progress: show a bar.
    Raises ConnectionError when no mirror delivers, ValueError when the file is not the original.
    Krizhevsky, "Learning multiple layers of features from tiny images" (2009).
    """
    source = downloads.CIFAR10
    checks.flag("cifar10", "progress", progress)
    [(name, known)] = source.hashes.items()
    images, labels = downloads.read_cifar10(downloads.find(source, name, progress), known)
    test = len(images) // 6  # the sixth and last of the archive's files
    return _split(images[:-test], labels[:-test]), _split(images[-test:], labels[-test:])


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    return Split(images.astype(np.float32) / 255, labels.astype(np.int64))


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
