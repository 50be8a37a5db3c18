import numpy as np
import pytest
import torch

import cnnlib

IMAGES = np.arange(7 * 2 * 3 * 4, dtype=np.float32).reshape(7, 2, 3, 4) + 1
LABELS = np.arange(7)


def rng():
    return np.random.default_rng(3)


def test_every_image_comes_once_with_its_label_and_the_last_batch_is_smaller():
    parts = list(cnnlib.batches(IMAGES, LABELS, 3, rng=rng()))
    assert [len(labels) for _, labels in parts] == [3, 3, 1]
    order = np.concatenate([labels for _, labels in parts])
    assert sorted(order) == list(range(7))
    assert list(order) != list(range(7))
    np.testing.assert_array_equal(np.concatenate([images for images, _ in parts]), IMAGES[order])


@pytest.mark.parametrize("batch_size", [1, 3, 4, 7, 8])
@pytest.mark.parametrize("drop_last", [False, True])
def test_the_last_batch_is_left_out_as_torchs_loader_does(batch_size, drop_last):
    dataset = torch.utils.data.TensorDataset(torch.tensor(LABELS))
    loader = torch.utils.data.DataLoader(dataset, batch_size, drop_last=drop_last)
    ours = cnnlib.batches(IMAGES, LABELS, batch_size, drop_last=drop_last)
    assert [labels.tolist() for _, labels in ours] == [labels.tolist() for (labels,) in loader]


def test_without_a_generator_the_order_stays():
    order = [label for _, labels in cnnlib.batches(IMAGES, LABELS, 4) for label in labels]
    assert order == list(range(7))


def test_an_epoch_that_begins_later_goes_on_as_if_it_had_not():
    whole = list(cnnlib.batches(IMAGES, LABELS, 2, rng=rng(), augment=cnnlib.random_shift))
    rest = list(cnnlib.batches(IMAGES, LABELS, 2, rng=rng(), augment=cnnlib.random_shift, start=2))
    assert len(rest) == len(whole) - 2
    for (images, labels), (later, later_labels) in zip(whole[2:], rest, strict=True):
        np.testing.assert_array_equal(images, later)
        np.testing.assert_array_equal(labels, later_labels)


def test_a_shift_moves_the_pixels_and_brings_in_zeros():
    image = np.zeros((40, 1, 5, 6))
    image[:, :, 2, 3] = 1
    places = {tuple(map(int, np.argwhere(i[0])[0])) for i in cnnlib.random_shift(image, rng(), 1)}
    assert places == {(r, c) for r in (1, 2, 3) for c in (2, 3, 4)}
    assert cnnlib.random_shift(np.ones((9, 1, 5, 6)), rng(), 1).sum() < 9 * 5 * 6


def test_a_crop_is_a_piece_of_the_image():
    pieces = cnnlib.random_crop(IMAGES, rng(), padding=0, size=(2, 3))
    assert pieces.shape == (7, 2, 2, 3)
    for piece, image in zip(pieces, IMAGES, strict=True):
        assert any(
            np.array_equal(piece, image[:, r : r + 2, c : c + 3]) for r in (0, 1) for c in (0, 1)
        )


def test_a_flip_exchanges_left_and_right_of_about_half():
    images = np.tile(IMAGES[:1], (100, 1, 1, 1))
    flipped = cnnlib.random_flip(images, rng())
    mirrored = (flipped == images[..., ::-1]).all(axis=(1, 2, 3))
    same = (flipped == images).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all()
    assert 30 < mirrored.sum() < 70


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"batches: labels has shape \(6,\); expected 7 labels"):
        next(cnnlib.batches(IMAGES, LABELS[:6]))
    with pytest.raises(ValueError, match="batches: batch_size is 0; expected at least 1"):
        next(cnnlib.batches(IMAGES, LABELS, 0))
    with pytest.raises(ValueError, match="rng is None; augment expects one"):
        next(cnnlib.batches(IMAGES, LABELS, augment=cnnlib.random_shift))
    with pytest.raises(TypeError, match="batches: rng is a int; expected a Generator"):
        next(cnnlib.batches(IMAGES, LABELS, rng=5))
    with pytest.raises(TypeError, match="batches: augment is a int; expected a Callable"):
        next(cnnlib.batches(IMAGES, LABELS, rng=rng(), augment=5))
    with pytest.raises(ValueError, match="random_crop: size is"):
        cnnlib.random_crop(IMAGES, rng(), 0, (4, 5))
    with pytest.raises(ValueError, match="batches: images is empty"):
        next(cnnlib.batches(IMAGES[:0], LABELS[:0]))
