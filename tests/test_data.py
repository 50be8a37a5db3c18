import os
import struct

import numpy as np
import PIL
import pytest
from PIL import Image

import cnnlib
from cnnlib.records import mnist_examples


def test_the_bundled_digits_and_photographs():
    images, labels = cnnlib.digits()
    assert images.shape == (1797, 1, 8, 8)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1)
    assert labels.shape == (1797,)
    photographs = cnnlib.photographs()
    assert sorted(photographs) == ["china", "flower"]
    assert photographs["china"].shape == (3, 427, 640)
    assert 0 <= photographs["flower"].min() < photographs["flower"].max() <= 1


def test_small_photographs_are_the_middle_of_the_large_ones():
    small = cnnlib.photographs(small=True)
    for name, image in cnnlib.photographs().items():
        assert small[name].shape == (3, 240, 320)
        assert small[name].dtype == np.float32
        middle = image[:, :, 36:-36]
        means = [one.mean(axis=(1, 2)) for one in (small[name], middle)]
        np.testing.assert_allclose(*means, atol=0.01)
    with pytest.raises(TypeError, match="photographs: small is a str; expected True or False"):
        cnnlib.photographs(small="yes")


def test_a_centered_digit_has_a_box_of_20_pixels_and_its_mass_in_the_middle():
    drawing = np.zeros((90, 70))
    drawing[5:35, 40:46] = 1  # a post of 30 x 6, to be 20 x 4
    drawing[5:11, 22:46] = 0.5  # and a beam of 6 x 24 across its top, to be 4 x 16
    image = cnnlib.center_digit(drawing)
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert (len(rows), len(columns)) == (20, 16)
    assert image.sum() == pytest.approx(drawing.sum() * (20 / 30) ** 2)
    center = np.array([np.arange(28) @ image.sum(axis=axis) for axis in (1, 0)]) / image.sum()
    assert np.all(np.abs(center - 14) <= 0.5)


def test_mnists_own_images_are_centered_already():
    images = mnist_examples().images[:, 0]
    for image in images:
        np.testing.assert_allclose(cnnlib.center_digit(image), image, atol=1e-6)


def test_a_drawing_is_centered_the_same_wherever_it_lies():
    drawing = np.random.default_rng(4).random((31, 17)).astype(np.float32)
    here, there = np.zeros((2, 80, 60), np.float32)
    here[:31, :17] = there[40:71, 30:47] = drawing
    np.testing.assert_array_equal(cnnlib.center_digit(here), cnnlib.center_digit(there))
    np.testing.assert_array_equal(cnnlib.center_digit(here), cnnlib.center_digit(drawing))


def test_a_dot_fills_the_box_and_no_ink_is_no_digit():
    drawing = np.zeros((28, 28))
    assert not cnnlib.center_digit(drawing).any()
    drawing[3, 20] = 0.25
    image = cnnlib.center_digit(drawing)
    # The middle of a box of 20 is between its pixels 9 and 10, and 4.5 + 9.5 = 14.
    expected = np.zeros((28, 28))
    expected[5:25, 5:25] = 0.25
    np.testing.assert_allclose(image, expected)


def test_what_is_no_drawing_cannot_be_centered():
    with pytest.raises(ValueError, match="center_digit: drawing holds -1; expected 0 without ink"):
        cnnlib.center_digit(np.array([[0.0, -1.0]]))
    with pytest.raises(ValueError, match="center_digit: drawing has shape"):
        cnnlib.center_digit(np.zeros((1, 28, 28)))


def pixels(rows, columns, *channels, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, *channels), np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Two classes with one picture each, of 6x4 pixels, and a place for one more in the first."""
    for number, name in enumerate(["cat", "dog"]):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels(6, 4, 3, seed=number)).save(tmp_path / name / "first.png")
    return tmp_path


def test_a_folder_of_pictures_becomes_images_labels_and_names(folder, capsys):
    (folder / "dog" / "phone").mkdir()
    Image.fromarray(pixels(6, 4, 3, seed=2)).save(folder / "dog" / "phone" / "second.bmp")
    (folder / "dog" / ".DS_Store").write_bytes(b"hidden")
    (folder / ".cache").mkdir()
    (folder / "readme.txt").write_text("not in a class")
    images, labels, classes, files, skipped = cnnlib.image_folder(folder, (6, 4))
    assert images.dtype == np.float32
    expected = [pixels(6, 4, 3, seed=number).transpose(2, 0, 1) for number in range(3)]
    np.testing.assert_array_equal(images, np.array(expected, np.float32) / 255)
    assert labels.tolist() == [0, 1, 1]
    assert classes == ("cat", "dog")
    assert files == ("cat/first.png", "dog/first.png", "dog/phone/second.bmp")
    assert skipped == {}
    assert capsys.readouterr().out == "3 images of 2 classes, 0 files skipped\n"


def first(folder, channels=3, size=(6, 4)):
    """The picture that stands before first.png in the first class."""
    read = cnnlib.image_folder(folder, size, channels, report=False)
    assert read.skipped == {}
    assert read.images.shape[1:] == (channels, *size)
    return read.images[0]


YCBCR = pytest.param(
    "YCbCr",
    marks=pytest.mark.skipif(PIL.__version__ < "13", reason="Pillow before 13 cannot"),
)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", YCBCR])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_pixel_is_read(folder, mode, channels):
    gray = Image.fromarray(np.repeat(np.array([[0], [255]], np.uint8), 4, 1))
    gray.resize((4, 6), Image.Resampling.NEAREST).convert(mode).save(folder / "cat" / "a.tiff")
    image = first(folder, channels)
    np.testing.assert_allclose(image[:, :3], 0, atol=0.01)
    np.testing.assert_allclose(image[:, 3:], 1, atol=0.01)


def test_sixteen_bits_are_scaled_and_not_cut_off(folder):
    values = np.arange(24, dtype=np.uint16).reshape(6, 4) * 2800
    Image.fromarray(values).save(folder / "cat" / "a.png")
    np.testing.assert_allclose(first(folder, 1)[0], values / 65535, atol=1 / 255)


def tiff(rows, columns, bits, content, photometric=1, sample_format=1):
    """The bytes of an uncompressed gray TIFF."""
    tags = {256: columns, 257: rows, 258: bits, 259: 1, 262: photometric, 277: 1, 278: rows}
    tags |= {273: 8 + 2 + 12 * 10 + 4, 279: len(content), 339: sample_format}
    entries = [struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags)]
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + b"".join(entries) + bytes(4) + content


DEEP = np.arange(24).reshape(6, 4) * 178  # up to 4,094


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [12, 16])
def test_the_bits_of_a_tiff_say_what_is_white(folder, bits, photometric):
    values = DEEP.flatten() * (16 if bits == 16 else 1)
    content = values.astype("<u2").tobytes()
    if bits == 12:  # two numbers in three bytes
        pairs = values.reshape(-1, 2)
        content = b"".join(int(a << 12 | b).to_bytes(3, "big") for a, b in pairs)
    (folder / "cat" / "a.tif").write_bytes(tiff(6, 4, bits, content, photometric))
    if bits == 12 and photometric == 0:
        assert "cat/a.tif" in cnnlib.image_folder(folder, 4, report=False).skipped
        return
    expected = DEEP / 4095 if photometric else 1 - DEEP / 4095
    np.testing.assert_allclose(first(folder, 1)[0], expected, atol=1.5 / 255)


@pytest.mark.parametrize("photometric", [0, 1])
def test_in_a_picture_of_floats_1_is_white(folder, photometric):
    values = (DEEP / 4094).astype("<f4")
    (folder / "cat" / "a.tif").write_bytes(tiff(6, 4, 32, values.tobytes(), photometric, 3))
    expected = values if photometric else 1 - values
    np.testing.assert_allclose(first(folder, 1)[0], expected, atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.float32(DEEP), "its floats go from 0 to 4094; expected 0 to 1"),
        (np.float32(DEEP) / 4094 - 0.5, "its floats go from -0.5 to 0.5; expected 0 to 1"),
        (np.where(DEEP, np.float32(0.5), np.nan).astype(np.float32), "go from nan to nan"),
        (DEEP.astype(np.int32), "nothing says which of its whole numbers is white"),
    ],
)
def test_when_nothing_says_what_is_white_the_picture_is_skipped(folder, values, reason):
    Image.fromarray(values).save(folder / "cat" / "a.tif")
    assert reason in cnnlib.image_folder(folder, 4, report=False).skipped["cat/a.tif"]


def test_sixteen_bits_of_other_formats_and_their_transparent_gray(folder):
    values = (DEEP * 16).astype(np.uint16)
    head = b"P5 4 6 65535\n"
    (folder / "cat" / "a.pgm").write_bytes(head + values.astype(">u2").tobytes())
    np.testing.assert_allclose(first(folder, 1)[0], values / 65535, atol=1 / 255)
    (folder / "cat" / "a.pgm").unlink()
    Image.fromarray(values).save(folder / "cat" / "a.png", transparency=0)
    expected = np.where(values == 0, 1, values / 65535)
    np.testing.assert_allclose(first(folder, 1)[0], expected, atol=1 / 255)


def test_what_is_hidden_does_not_count_at_any_depth(folder):
    picture = (folder / "cat" / "first.png").read_bytes()
    for hidden in ("__MACOSX/cat", "cat/__MACOSX", "cat/.thumbnails", ".git/x", "dog/deep/.x/y"):
        (folder / hidden).mkdir(parents=True)
        (folder / hidden / "a.png").write_bytes(picture)
    (folder / "cat" / "._first.png").write_bytes(b"of a Mac")
    read = cnnlib.image_folder(folder, 4, report=False)
    assert read.classes == ("cat", "dog")
    assert read.files == ("cat/first.png", "dog/first.png")
    assert read.skipped == {}


@pytest.mark.parametrize(
    "names",
    [
        ("train", "test"),
        ("Training", "VAL"),
        ("test", "val", "train"),
        ("training_set", "test_set"),
        ("seg_pred", "seg_test", "seg_train"),
        ("train_images", "test_images"),
        ("train", "test", "dev"),
        ("train", "validate"),
        ("train", "eval"),
        ("train", "holdout"),
        ("train", "unlabeled"),
        ("train2017", "val2017"),
        ("TrainSet", "TestSet"),
        ("trainA", "testA"),
    ],
)
def test_the_parts_of_a_data_set_are_no_classes(tmp_path, names):
    for name in (*names, "__MACOSX"):
        (tmp_path / name / "cat").mkdir(parents=True)
        Image.fromarray(pixels(6, 4)).save(tmp_path / name / "cat" / "a.png")
    with pytest.raises(ValueError, match=r"not classes; give the path of one of them"):
        cnnlib.image_folder(tmp_path, 4)


def test_a_class_may_be_called_train_among_others(folder):
    (folder / "cat").rename(folder / "train")
    assert cnnlib.image_folder(folder, 4, report=False).classes == ("dog", "train")


@pytest.mark.parametrize(
    "names",
    [("freight_train", "steam_train"), ("contest", "valley"), ("test_negative", "test_positive")],
)
def test_classes_may_have_such_a_word_in_their_names(folder, names):
    for old, new in zip(("cat", "dog"), names, strict=True):
        (folder / old).rename(folder / new)
    assert cnnlib.image_folder(folder, 4, report=False).classes == names


def test_names_can_be_printed_whatever_bytes_they_have(folder, capsys):
    strange = os.fsdecode(b"caf\xe9\n")
    (folder / "cat").rename(folder / strange)
    (folder / strange / os.fsdecode(b"\xff.txt")).write_text("no picture")
    read = cnnlib.image_folder(folder, 4)
    printed = capsys.readouterr().out
    printed.encode("utf-8")
    assert read.classes == ("caf\\udce9\\n", "dog")
    assert list(read.skipped) == ["caf\\udce9\\n/\\udcff.txt"]
    assert len(printed.splitlines()) == 2
    assert (folder / read.files[0]).is_file()


def test_a_picture_of_a_phone_that_cannot_be_read_says_how_to_convert_it(folder):
    (folder / "cat" / "a.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    reason = cnnlib.image_folder(folder, 4, report=False).skipped["cat/a.jpg"]
    assert reason.startswith("a HEIC picture, which Pillow does not read: save it as JPEG")
    (folder / "cat" / "first.png").unlink()
    with pytest.raises(ValueError, match=r"no picture can be read in .*cat: a HEIC picture"):
        cnnlib.image_folder(folder, 4)


def test_a_home_folder_is_found_and_one_folder_around_all_is_named(folder, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(folder.parent))
    assert len(cnnlib.image_folder(f"~/{folder.name}", 4, report=False).files) == 2
    (folder / "my_photos").mkdir()
    for name in ("cat", "dog"):
        (folder / name).rename(folder / "my_photos" / name)
    with pytest.raises(ValueError, match="2 or more, it has 1: my_photos"):
        cnnlib.image_folder(folder, 4)


def test_what_is_transparent_is_white(folder):
    values = np.zeros((6, 4, 4), np.uint8)
    values[:3, :, 3] = 255
    Image.fromarray(values).save(folder / "cat" / "a.png")
    image = first(folder)
    assert image[:, :3].max() == 0
    assert image[:, 3:].min() == 1


def test_of_an_animation_the_first_frame_is_read(folder):
    frames = [Image.new("L", (4, 6), gray) for gray in (51, 255)]
    frames[0].save(folder / "cat" / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(first(folder), 51 / 255)


def test_a_picture_is_turned_as_its_camera_noted(folder):
    lying = Image.fromarray(pixels(4, 6, 3, seed=5))
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees to the right to see me"
    lying.save(folder / "cat" / "a.png", exif=exif)
    upright = np.rot90(pixels(4, 6, 3, seed=5), -1).transpose(2, 0, 1)
    np.testing.assert_array_equal(first(folder), upright.astype(np.float32) / 255)


def test_a_wrong_extension_does_not_matter(folder):
    Image.new("RGB", (4, 6), "red").save(folder / "cat" / "a.png", format="JPEG")
    np.testing.assert_allclose(first(folder)[0], 1, atol=0.01)


def test_the_middle_is_cut_out_and_nothing_is_stretched(folder):
    wide = np.zeros((6, 20, 3), np.uint8)
    wide[:, 8:12] = 255
    Image.fromarray(wide).save(folder / "cat" / "a.png")
    assert first(folder).min() == 1
    assert first(folder, size=(3, 5)).shape == (3, 3, 5)
    assert cnnlib.image_folder(folder, 5, report=False).images.shape == (3, 3, 5, 5)


def test_what_is_no_picture_is_named_and_skipped(folder, capsys):
    whole = (folder / "cat" / "first.png").read_bytes()
    (folder / "cat" / "notes.txt").write_text("two cats")
    (folder / "dog" / "empty.jpg").write_bytes(b"")
    (folder / "dog" / "half.png").write_bytes(whole[: len(whole) // 2])
    read = cnnlib.image_folder(folder, 4)
    assert read.files == ("cat/first.png", "dog/first.png")
    assert list(read.skipped) == ["cat/notes.txt", "dog/empty.jpg", "dog/half.png"]
    assert len(read.images) == len(read.labels) == 2
    printed = capsys.readouterr().out
    assert printed.splitlines() == [
        "2 images of 2 classes, 3 files skipped",
        "  cat/notes.txt: cannot identify image file",
        "  dog/empty.jpg: cannot identify image file",
        "  dog/half.png: image file is truncated",
    ]


def test_a_picture_too_large_to_be_real_is_skipped(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    Image.new("L", (10, 10)).save(folder / "dog" / "bomb.png")
    with pytest.warns(Image.DecompressionBombWarning):  # of the 24 pixels of the others
        read = cnnlib.image_folder(folder, 4, report=False)
    assert list(read.skipped) == ["dog/bomb.png"]


def test_a_folder_that_is_no_data_set_is_named(tmp_path, folder):
    with pytest.raises(FileNotFoundError, match=r"image_folder: path is .*nothing; there is no"):
        cnnlib.image_folder(tmp_path / "nothing", 4)
    with pytest.raises(ValueError, match=r"expected a folder in it for each class.* it has 0"):
        cnnlib.image_folder(folder / "cat", 4)
    with pytest.raises(ValueError, match="channels is 4; expected 1 or 3"):
        cnnlib.image_folder(folder, 4, channels=4)
    for wrong, error, message in [
        (None, TypeError, "path is a NoneType; expected the path of a folder"),
        (b"x", TypeError, "path is a bytes; expected the path of a folder"),
        ("~no_user/x", OSError, "path is '~no_user/x'; there is no such home"),
        ("a\0b", OSError, "path is a.*b; there is no such folder"),
        ("x" * 300, OSError, "path is x.*; there is no such folder"),
    ]:
        with pytest.raises(error, match=f"^image_folder: {message}"):
            cnnlib.image_folder(wrong, 4)
    with pytest.raises(TypeError, match="image_folder: channels is True; expected a whole number"):
        cnnlib.image_folder(folder, 4, channels=True)
    with pytest.raises(ValueError, match="image_folder: size is 0; expected at least 1"):
        cnnlib.image_folder(folder, 0)
    (folder / "dog" / "first.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"no picture can be read in .*dog"):
        cnnlib.image_folder(folder, 4)
    (folder / "dog" / "first.png").unlink()
    (folder / "dog").rmdir()
    with pytest.raises(ValueError, match=r"for each class, 2 or more, it has 1"):
        cnnlib.image_folder(folder, 4)
