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


class Slight(cnnlib.Layer):
    """y = 1e-7 * x, whose backward has the wrong sign."""

    def forward(self, x):
        return 1e-7 * x

    def backward(self, grad_output):
        return -1e-7 * grad_output


class DeadTanh(cnnlib.Tanh):
    """Tanh that takes its small slopes for 0."""

    def backward(self, grad_output):
        grad = super().backward(grad_output)
        return np.where(np.abs(grad) < 1e-5, 0, grad)


class Off(cnnlib.Layer):
    """A layer whose backward is half too large."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, x):
        return self.layer(x)

    def backward(self, grad_output):
        return 1.5 * self.layer.backward(grad_output)


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (Slight(), np.random.default_rng(0).standard_normal((3, 4))),
        (Slight(), np.random.default_rng(0).standard_normal((30, 14))),
        (Slight(), 1e-5 * np.random.default_rng(0).standard_normal((3, 4))),
        (DeadTanh(), np.full((3, 4), 9.0)),
        (DeadTanh(), np.full((30, 14), 9.0)),
        (DeadTanh(), np.full((50, 40), 9.0)),
        (DeadTanh(), np.concatenate([np.linspace(-2, 2, 39), [9.0]])),
    ],
)
def test_a_small_slope_that_is_wrong_is_found(layer, x):
    with pytest.raises(AssertionError, match="gradient_check: x"):
        cnnlib.gradient_check(layer, x)


class Lost(cnnlib.Identity):
    """A layer whose backward has lost a number."""

    def backward(self, grad_output):
        number = np.arange(grad_output.size).reshape(grad_output.shape)
        return np.where(number == 5, np.nan, grad_output)


def test_a_gradient_that_is_not_a_number_is_found():
    with pytest.raises(AssertionError, match=r"gradient_check: x.*, got nan"):
        cnnlib.gradient_check(Lost(), np.random.default_rng(0).standard_normal((3, 4)))


def every_layer(rng):
    """Each layer with the shape of its x."""
    f8, image, vector = {"dtype": np.float64, "rng": rng}, (2, 4, 3, 5), (5, 8)
    norms = [
        cnnlib.BatchNorm2d(4, dtype=np.float64),
        cnnlib.GroupNorm(2, 4, dtype=np.float64),
        cnnlib.LayerNorm((3, 5), dtype=np.float64),
    ]
    of_images = [
        cnnlib.Conv2d(4, 6, (3, 2), 2, 1, groups=2, **f8),
        cnnlib.ConvTranspose2d(4, 3, 3, 2, **f8),
        cnnlib.MaxPool2d(3, 2),
        cnnlib.AvgPool2d(2, padding=1),
        cnnlib.GlobalMaxPool2d(),
        cnnlib.GlobalAvgPool2d(),
        cnnlib.Residual(cnnlib.Conv2d(4, 4, 3, padding=1, **f8)),
        cnnlib.Flatten(),
        *norms,
    ]
    of_vectors = [
        cnnlib.Linear(8, 3, **f8),
        cnnlib.Dropout(0.25, rng=rng),
        cnnlib.ReLU(),
        cnnlib.LeakyReLU(0.1),
        cnnlib.Tanh(),
        cnnlib.Hardtanh(),
        cnnlib.Sigmoid(),
        cnnlib.Identity(),
    ]
    return [(layer, image) for layer in of_images] + [(layer, vector) for layer in of_vectors]


@pytest.mark.parametrize(
    ("seed", "mean", "std"),
    [(0, 0, 1), (1, 0, 1e-3), (2, 0, 1e-6), (3, 0, 1e4), (4, 0, 1e6), (5, 1000, 1), (6, 5, 0.01)],
)
def test_no_right_layer_is_refused_and_half_too_much_is_at_any_scale(mean, std, seed):
    rng = np.random.default_rng(seed)
    for layer, shape in every_layer(rng):
        x = mean + std * rng.standard_normal(shape)
        assert cnnlib.gradient_check(layer, x, seed=seed)
        grad_output = rng.standard_normal(layer.forward(x).shape)
        if np.abs(layer.backward(grad_output)).max() > 1e-9:  # else all is saturated
            with pytest.raises(AssertionError, match=r"gradient_check: x"):
                cnnlib.gradient_check(Off(layer), x, seed=seed)
    losses = {cnnlib.CrossEntropyLoss(): rng.integers(0, 8, 5), cnnlib.MSELoss(): x + 1}
    for loss, target in losses.items():
        assert cnnlib.gradient_check(cnnlib.Identity(), x, loss, target) == x.size


def test_a_loss_at_its_lowest_has_no_slope_and_is_not_refused():
    x = np.random.default_rng(0).standard_normal((3, 4)) + 5
    assert cnnlib.gradient_check(cnnlib.Identity(), x, cnnlib.MSELoss(), x.copy()) == 12


def test_single_precision_is_refused():
    with pytest.raises(TypeError, match="x is float32; expected float64, because"):
        cnnlib.gradient_check(cnnlib.Linear(2, 3, dtype=np.float64), np.ones((1, 2), np.float32))


class Forgetful(cnnlib.Linear):
    """A layer that forgets the gradient of its bias."""

    def backward(self, grad_output):
        grad_x = super().backward(grad_output)
        self.bias.grad = None
        return grad_x


def test_a_gradient_that_was_forgotten_is_0():
    layer = Forgetful(3, 2, rng=0, dtype=np.float64)
    with pytest.raises(AssertionError, match=r"bias\[0\]: expected .*, got 0 "):
        cnnlib.gradient_check(layer, np.ones((1, 3)))


class Mean(cnnlib.Layer):
    """The mean, whose backward gives one number for all."""

    def forward(self, x):
        self.size = x.size
        return np.array([x.mean()])

    def backward(self, grad_output):
        return grad_output / self.size


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(AssertionError, match=r"gradient for x has shape \(1,\); expected \(2, 3\)"):
        cnnlib.gradient_check(Mean(), np.random.default_rng(0).standard_normal((2, 3)))


def test_where_rounding_is_enlarged_it_says_that_it_cannot_judge():
    """Batch norm enlarges what convolution has rounded, beside a bias of 0.2."""
    f8, said = {"dtype": np.float64}, []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        conv = cnnlib.Conv2d(1, 2, 3, rng=seed, **f8)
        network = cnnlib.Sequential(conv, cnnlib.BatchNorm2d(2, **f8))
        cnnlib.gradient_check(network, rng.random((2, 1, 5, 4)))
        try:
            cnnlib.gradient_check(network, 1e-5 * rng.random((2, 1, 5, 4)))
        except AssertionError as error:
            said.append(str(error))
    assert len(said) > 5
    assert all("too far apart to judge" in text for text in said)


class Breaks(cnnlib.Identity):
    """A layer that fails the third time."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        if self.calls == 3:
            raise KeyboardInterrupt
        return super().forward(x)


@pytest.mark.parametrize(
    ("last", "error"), [(Off(cnnlib.Tanh()), AssertionError), (Breaks(), KeyboardInterrupt)]
)
def test_the_network_is_left_as_it_was_when_it_fails_too(last, error):
    f8 = {"dtype": np.float64}
    dropout = cnnlib.Dropout(0.5, rng=np.random.default_rng(3))
    layers = cnnlib.Conv2d(1, 2, 3, rng=0, **f8), cnnlib.BatchNorm2d(2, **f8), dropout, last
    network = cnnlib.Sequential(*layers)
    before, drawn = network.state_dict(), dropout.rng.bit_generator.state
    network.parameters()[0].grad = grad = np.ones((2, 1, 3, 3))
    with pytest.raises(error):
        cnnlib.gradient_check(network, np.random.default_rng(1).random((2, 1, 5, 4)))
    for key, array in network.state_dict().items():
        np.testing.assert_array_equal(array, before[key])
    assert dropout.rng.bit_generator.state == drawn
    assert [p.grad is grad for p in network.parameters()] == [True, False, False, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": 5}, "loss is a int; expected a Loss"),
        (
            {"loss": cnnlib.CrossEntropyLoss("none")},
            "loss.reduction is 'none'; expected one of 'mean'",
        ),
        ({"epsilon": 0}, "epsilon is 0; expected a finite number of at least 1e-12"),
        ({"network": None}, "network is a NoneType; expected a Layer"),
    ],
)
def test_what_it_cannot_use_is_named(options, message):
    options = {"network": cnnlib.Tanh(), "x": np.ones((2, 3))} | options
    with pytest.raises((TypeError, ValueError), match=f"gradient_check: {message}"):
        cnnlib.gradient_check(**options)


def test_a_frozen_parameter_is_not_compared():
    layer = cnnlib.Linear(2, 3, dtype=np.float64)
    layer.weight.requires_grad = False
    assert cnnlib.gradient_check(layer, np.ones((1, 2))) == 2 + 3
