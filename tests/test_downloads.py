import gzip
import hashlib
import io
import re
import struct
import tarfile
import threading
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

import cnnlib
from cnnlib import downloads


def idx(array):
    """The bytes of an IDX file, before gzip."""
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


def small_arrays():
    """A data set with 3 training and 2 test images of 4x5."""
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 256, (3, 4, 5)), np.array([1, 0, 9])]
    arrays += [rng.integers(0, 256, (2, 4, 5)), np.array([7, 7])]
    return dict(zip(downloads.FILES, arrays, strict=True))


def small_files():
    return {name: gzip.compress(idx(array), mtime=0) for name, array in small_arrays().items()}


def small_source(name, urls=()):
    arrays = small_arrays().values()
    return downloads.Source(
        name,
        tuple(urls),
        {name: hashlib.sha256(content).hexdigest() for name, content in small_files().items()},
        tuple(hashlib.sha256(idx(array)).hexdigest() for array in arrays),
        tuple(array.shape for array in arrays),
    )


@pytest.fixture
def local(tmp_path, monkeypatch):
    """A folder that CNNLIB_DATA names, for small files."""
    monkeypatch.setenv("CNNLIB_DATA", str(tmp_path))
    monkeypatch.setattr(downloads, "MNIST", small_source("mnist"))
    monkeypatch.setattr(downloads, "FASHION_MNIST", small_source("fashion-mnist"))
    return tmp_path


def write_small_files(folder):
    folder.mkdir()
    for name, content in small_files().items():
        (folder / name).write_bytes(content)


class Mirrors:
    """A server on localhost. Folders:

    good; missing; truncated; broken, which hangs up half-way; ranged, which begins where it is
    asked to; other, which serves something else and hangs up half-way.
    """

    def __init__(self, files):
        self.files, self.requests, self.sent = files, [], []
        requests, sent = self.requests, self.sent

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                _, kind, name = self.path.split("/")
                requests.append((kind, name))
                content = files[name]
                if kind == "missing":
                    return self.send_error(404)
                if kind == "other":
                    content = bytes(3 * len(content))
                start = 0
                if kind == "ranged" and "Range" in self.headers:
                    start = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])
                    if start >= len(content):
                        return self.send_error(416)
                half = kind in ("truncated", "broken", "other")
                body = content[: len(content) // 2] if half else content[start:]
                self.send_response(206 if start else 200)
                length = len(body) if kind == "truncated" else len(content) - start
                self.send_header("Content-Length", str(length))
                self.end_headers()
                sent.append(len(body))  # before a client has all and looks
                self.wfile.write(body)
                return None

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, kind):
        return f"http://127.0.0.1:{self.server.server_port}/{kind}/"


@pytest.fixture
def mirrors(tmp_path, monkeypatch):
    monkeypatch.delenv("CNNLIB_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / project)
    mirrors = Mirrors(small_files())
    yield mirrors
    mirrors.server.shutdown()
    mirrors.server.server_close()


def use(monkeypatch, mirrors, *kinds):
    monkeypatch.setattr(downloads, "MNIST", small_source("mnist", map(mirrors.url, kinds)))


def cached(tmp_path):
    return sorted(path.name for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("first", ["missing", "truncated", "broken"])
def test_a_mirror_that_fails_is_followed_by_the_next(mirrors, monkeypatch, tmp_path, first):
    use(monkeypatch, mirrors, first, "good")
    train, test = cnnlib.mnist(progress=False)
    assert train.images.shape == (3, 1, 4, 5)
    assert train.images.dtype == np.float32
    assert test.labels.tolist() == [7, 7]
    first_pixel = gzip.decompress(small_files()[downloads.FILES[0]])[16]
    assert train.images[0, 0, 0, 0] == np.float32(first_pixel) / 255
    assert cached(tmp_path) == sorted(downloads.FILES)
    count = len(mirrors.requests)
    cnnlib.mnist(progress=False)
    assert len(mirrors.requests) == count


@pytest.mark.parametrize("kind", ["missing", "truncated", "broken"])
def test_when_every_mirror_fails_the_error_says_what_to_do_and_no_wrong_file_is_left(
    mirrors, monkeypatch, tmp_path, kind
):
    use(monkeypatch, mirrors, kind)
    with pytest.raises(ConnectionError, match=r"no mirror delivered .* set CNNLIB_DATA") as error:
        cnnlib.mnist(progress=False)
    assert mirrors.url(kind) in str(error.value)
    # What came before the line broke is kept, to go on from there; here it is too little.
    parts = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in parts] == [f"{downloads.FILES[0]}.part"] * (kind == "broken")
    assert sum(path.stat().st_size for path in parts) == 0


def test_a_download_that_was_interrupted_fetches_only_what_is_missing(mirrors, monkeypatch):
    use(monkeypatch, mirrors, "good")
    cnnlib.mnist(progress=False)
    mirrors.requests.clear()
    path = downloads.find(downloads.MNIST, downloads.FILES[2], progress=False)
    path.write_bytes(path.read_bytes()[:-3])
    cnnlib.mnist(progress=False)
    assert mirrors.requests == [("good", downloads.FILES[2])]


def test_the_download_shows_a_bar(mirrors, monkeypatch, capsys):
    use(monkeypatch, mirrors, "good")
    cnnlib.mnist()
    assert "100%" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("load", "inside"), [("mnist", "mnist"), ("fashion_mnist", "fashion-mnist")]
)
def test_a_local_folder_needs_no_network(local, load, inside):
    write_small_files(local / inside)
    train, _ = getattr(cnnlib, load)()
    assert train.labels.tolist() == [1, 0, 9]


@pytest.mark.parametrize("keep_name", [False, True])  # some programs unpack and leave the name
def test_files_that_are_unpacked_already_are_read(local, keep_name, monkeypatch):
    monkeypatch.setenv("HOME", str(local))
    monkeypatch.setenv("USERPROFILE", str(local))
    monkeypatch.setenv("CNNLIB_DATA", "~")
    (local / "mnist").mkdir()
    for name, array in small_arrays().items():
        file = name if keep_name else name.removesuffix(".gz")
        (local / "mnist" / file).write_bytes(idx(array))
    train, test = cnnlib.mnist()
    arrays = small_arrays()
    np.testing.assert_array_equal(train.images[:, 0] * 255, arrays[downloads.FILES[0]])
    assert test.labels.tolist() == [7, 7]


def test_a_local_folder_without_the_files_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNLIB_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"CNNLIB_DATA is .*; expected .*train-images"):
        cnnlib.mnist()
    monkeypatch.setenv("CNNLIB_DATA", "~no_user")
    with pytest.raises(FileNotFoundError, match="mnist: CNNLIB_DATA is '~no_user'; there is no su"):
        cnnlib.mnist()


def test_the_digits_are_never_taken_for_the_clothes_of_the_same_file_names(tmp_path, monkeypatch):
    write_small_files(tmp_path / "mnist")
    monkeypatch.setenv("CNNLIB_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"expected .*fashion-mnist"):
        cnnlib.fashion_mnist()


GOOD = idx(np.zeros((2, 3)))
HASH = hashlib.sha256(GOOD).hexdigest()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "ends after 0 of 18 bytes"),
        (b"<html>404</html>", "not an IDX file of shape"),
        (GOOD[:-1], "ends after 17 of 18 bytes"),
        (GOOD + b"x", "holds more than 18 bytes"),
        (GOOD[:-1] + b"x", "other content"),
        (idx(np.zeros((3, 2))), "not an IDX file of shape"),
        (gzip.compress(GOOD, mtime=0)[:-9], "not a whole gzip file"),
        (gzip.compress(GOOD, mtime=0)[:12], "not a whole gzip file"),
        (gzip.compress(GOOD, mtime=0)[:-4] + b"abcd", "not a whole gzip file"),
        (gzip.compress(GOOD[:-1], mtime=0), "ends after 17 of 18 bytes"),
        (gzip.compress(GOOD[:6], mtime=0), "ends after 6 of 18 bytes"),
        (gzip.compress(GOOD + b"x", mtime=0), "holds more than 18 bytes"),
        (gzip.compress(GOOD[:-1] + b"x", mtime=0), "other content"),
        (gzip.compress(b"\1" + GOOD[1:], mtime=0), "not an IDX file of shape"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(tmp_path, content, message):
    path = tmp_path / "file.gz"
    for right in (GOOD, gzip.compress(GOOD)):
        path.write_bytes(right)
        assert downloads.read_idx(path, (2, 3), HASH).tolist() == [[0, 0, 0], [0, 0, 0]]
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"file.gz.*{message}") as error:
        downloads.read_idx(path, (2, 3), HASH)
    assert "\n" not in str(error.value)


def test_no_more_is_unpacked_than_belongs_there(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(GOOD + bytes(1 << 28)))
    tracemalloc.start()
    with pytest.raises(ValueError, match="holds more than 18 bytes"):
        downloads.read_idx(path, (2, 3), HASH)
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


def test_the_files_of_one_data_set_are_not_taken_for_those_of_another(local, monkeypatch):
    write_small_files(local / "mnist")
    other = np.zeros((3, 4, 5))
    (local / "mnist" / downloads.FILES[0]).write_bytes(gzip.compress(idx(other)))
    with pytest.raises(ValueError, match=r"train-images.*: as long as .* other content"):
        cnnlib.mnist()


LONG = np.random.default_rng(0).bytes(200_000)


@pytest.fixture
def long(mirrors, monkeypatch):
    """long(*kinds): a file of 200,000 bytes, asked for from such mirrors."""
    mirrors.files["long"] = LONG

    def find(*kinds):
        hashes = {"long": hashlib.sha256(LONG).hexdigest()}
        source = downloads.Source("long", tuple(map(mirrors.url, kinds)), hashes)
        return downloads.find(source, "long", progress=False).read_bytes()

    return find


def test_a_download_that_broke_off_goes_on_where_it_was(mirrors, long, tmp_path):
    with pytest.raises(ConnectionError):
        long("broken")
    (part,) = tmp_path.rglob("long.part")
    kept = part.stat().st_size
    assert 50_000 < kept <= 100_000
    mirrors.sent.clear()
    assert long("ranged") == LONG
    assert mirrors.sent == [200_000 - kept]
    assert cached(tmp_path) == ["long"]


@pytest.mark.parametrize("second", ["good", "ranged"])
def test_the_next_mirror_goes_on_too_or_sends_all_again(mirrors, long, second):
    assert long("broken", second) == LONG
    assert (mirrors.sent[-1] == 200_000) == (second == "good")


def test_a_beginning_that_was_of_another_file_is_not_kept(long, tmp_path):
    with pytest.raises(ConnectionError):
        long("other")  # whose half is longer than the whole file
    with pytest.raises(ConnectionError, match="416"):
        long("ranged")
    assert long("ranged") == LONG


def cifar10_archive(records, *others):
    """A gzipped archive of these files by their names, and their bytes."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in (*records.items(), *others):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture
def cifar10(tmp_path, monkeypatch):
    """Six files of two images each as CNNLIB_DATA has them, and the bytes of the images."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 3, 32, 32), np.uint8)
    labels = np.arange(12) % 10
    records = [
        bytes([label]) + image.tobytes() for label, image in zip(labels, pixels, strict=True)
    ]
    pairs = [b"".join(records[start : start + 2]) for start in range(0, 12, 2)]
    files = dict(reversed(list(zip(downloads.BATCHES, pairs, strict=True))))  # in any order
    archive = cifar10_archive(files, ("cifar-10-batches-bin/readme.html", b"text"), ("../x", b"y"))
    name, folder = "cifar-10-binary.tar.gz", tmp_path / "data" / "cifar-10"
    source = downloads.CIFAR10._replace(hashes={name: hashlib.sha256(archive).hexdigest()})
    monkeypatch.setattr(downloads, "CIFAR10", source)
    monkeypatch.setenv("CNNLIB_DATA", str(folder.parent))
    folder.mkdir(parents=True)
    (folder / name).write_bytes(archive)
    return folder / name, pixels


def test_cifar10_is_read_from_its_archive_and_nothing_is_unpacked(cifar10, tmp_path):
    path, pixels = cifar10
    train, test = cnnlib.cifar10(progress=False)
    assert train.images.dtype == np.float32
    np.testing.assert_array_equal(train.images, pixels[:10].astype(np.float32) / 255)
    np.testing.assert_array_equal(test.images, pixels[10:].astype(np.float32) / 255)
    assert train.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert test.labels.tolist() == [0, 1]
    assert cached(tmp_path) == [path.name]
    assert len(cnnlib.data.CIFAR10_CLASSES) == 10


def test_another_archive_is_not_taken_for_that_of_cifar10(cifar10):
    path, _ = cifar10
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"cifar-10-binary\.tar\.gz: not the original archive"):
        cnnlib.cifar10(progress=False)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"cifar-10: CNNLIB_DATA is .*cifar-10-binary"):
        cnnlib.cifar10(progress=False)
    with pytest.raises(TypeError, match="cifar10: progress is"):
        cnnlib.cifar10(progress=1)
