import numpy as np
import pytest

import cnnlib


def network(rng):
    f8 = {"dtype": np.float64, "rng": rng}
    block = cnnlib.Sequential(
        cnnlib.Conv2d(3, 3, 3, padding=1, groups=3, **f8), cnnlib.BatchNorm2d(3, dtype=np.float64)
    )
    return cnnlib.Sequential(
        cnnlib.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=1, **f8),
        cnnlib.Tanh(),
        cnnlib.Residual(block),
        cnnlib.MaxPool2d(2, 1),
        cnnlib.ConvTranspose2d(3, 2, 3, stride=2, output_padding=1, **f8),
        cnnlib.AvgPool2d(3, 2),
        cnnlib.Dropout(0.3, rng=rng),
        cnnlib.Flatten(),
        cnnlib.Linear(2 * 2 * 5, 4, **f8),
        cnnlib.Sigmoid(),
    )


def test_a_network_of_everything_has_the_gradients_that_differences_say():
    rng = np.random.default_rng(0)
    net = network(rng)
    x = rng.standard_normal((5, 2, 6, 5))
    before = net.state_dict()
    count = cnnlib.gradient_check(net, x, cnnlib.CrossEntropyLoss(), np.array([0, 3, 1, 2, 2]))
    small = sum(p.data.size for p in net.parameters() if p.data.size <= 200)
    large = sum(p.data.size > 200 for p in net.parameters()) + (x.size > 200)
    assert count == small + 10 * large
    for key, value in net.state_dict().items():
        np.testing.assert_allclose(value, before[key], atol=1e-15)


class Wrong(cnnlib.Linear):
    """A dense layer whose way back forgets a factor in one place."""

    def backward(self, grad_output):
        grad_x = super().backward(grad_output)
        self.weight.grad[1, 2] *= 2
        return grad_x


@pytest.mark.parametrize(
    ("sizes", "place"), [((3, 2), r"weight\[1, 2\]"), ((30, 20), "weight along direction 0")]
)
def test_a_wrong_gradient_is_named_with_its_place_and_both_numbers(sizes, place):
    layer = Wrong(*sizes, rng=np.random.default_rng(0), dtype=np.float64)
    x = np.random.default_rng(1).standard_normal((4, sizes[0]))
    with pytest.raises(AssertionError, match=rf"{place}: expected .* \(by differences\), got"):
        cnnlib.gradient_check(layer, x)


def test_single_precision_is_refused():
    with pytest.raises(TypeError, match="x is float32; expected float64, because"):
        cnnlib.gradient_check(cnnlib.Linear(2, 3, dtype=np.float64), np.ones((1, 2), np.float32))
