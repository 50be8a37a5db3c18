import math

import numpy as np
import pytest
import torch

import cnnlib
from cnnlib.initialization import fans

SHAPES = [(200, 300), (40, 30, 5, 7)]


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        (cnnlib.kaiming_uniform, torch.nn.init.kaiming_uniform_, {"a": 0.3}),
        (cnnlib.kaiming_normal, torch.nn.init.kaiming_normal_, {"a": 0.3}),
        (cnnlib.xavier_uniform, torch.nn.init.xavier_uniform_, {"gain": 1.7}),
        (cnnlib.xavier_normal, torch.nn.init.xavier_normal_, {"gain": 1.7}),
    ],
)
def test_the_spread_is_that_of_torch(ours, theirs, options, shape):
    torch.manual_seed(0)
    expected = theirs(torch.empty(shape), **options).numpy()
    drawn = ours(shape, rng(), **options)
    assert drawn.shape == shape
    assert drawn.dtype == np.float32
    assert drawn.std() == pytest.approx(expected.std(), rel=0.02)
    assert np.abs(drawn).max() == pytest.approx(np.abs(expected).max(), rel=0.25)
    assert drawn.mean() == pytest.approx(0, abs=float(drawn.std()) / 50)


def test_fans_count_what_one_output_sums_and_what_one_input_reaches():
    assert fans((20, 30)) == (30, 20)
    assert fans((40, 3, 5, 7)) == (3 * 5 * 7, 40 * 5 * 7)
    with pytest.raises(ValueError, match="fans: shape is"):
        fans((4,))


@pytest.mark.parametrize(
    ("layer", "theirs"),
    [
        (cnnlib.Linear(50, 400, rng=rng()), torch.nn.Linear(50, 400)),
        (
            cnnlib.Conv2d(20, 60, (3, 5), groups=2, rng=rng()),
            torch.nn.Conv2d(20, 60, (3, 5), groups=2),
        ),
        (cnnlib.ConvTranspose2d(20, 60, 3, rng=rng()), torch.nn.ConvTranspose2d(20, 60, 3)),
    ],
)
def test_layers_begin_within_the_bounds_of_torch(layer, theirs):
    weight = theirs.weight.detach().numpy()
    bound = np.abs(weight).max()
    assert np.abs(layer.weight.data).max() == pytest.approx(bound, rel=0.01)
    assert np.abs(layer.bias.data).max() <= bound * 1.01
    assert layer.weight.data.std() == pytest.approx(bound / math.sqrt(3), rel=0.03)


def test_the_same_seed_draws_the_same():
    first, second = (cnnlib.kaiming_normal((3, 4), rng()) for _ in range(2))
    np.testing.assert_array_equal(first, second)
