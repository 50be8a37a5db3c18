import tracemalloc

import numpy as np
import pytest
import torch

import cnnlib


class Net(cnnlib.Layer):
    """A network written as a class: its attributes are its children."""

    def __init__(self):
        self.features = cnnlib.Sequential(cnnlib.Conv2d(1, 2, 3), cnnlib.BatchNorm2d(2))
        self.classifier = cnnlib.Linear(8, 3)

    def forward(self, x):
        return self.classifier(cnnlib.flatten(self.features(x)))


def torch_net():
    module = torch.nn.Module()
    module.features = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    module.classifier = torch.nn.Linear(8, 3)
    return module


def test_attributes_name_the_keys_as_in_torch():
    ours, theirs = Net().state_dict(), torch_net().state_dict()
    assert list(ours) == list(theirs)
    assert [a.shape for a in ours.values()] == [tuple(t.shape) for t in theirs.values()]


def test_weights_move_both_ways():
    net, theirs = Net(), torch_net()
    net.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value, theirs.state_dict()[key].numpy())
    fresh = torch_net()
    fresh.load_state_dict({key: torch.tensor(value) for key, value in net.state_dict().items()})
    assert torch.equal(fresh.classifier.weight, theirs.classifier.weight)


def test_state_dict_gives_copies():
    layer = cnnlib.Linear(2, 3)
    state = layer.state_dict()
    before = layer.weight.data.copy()
    state["weight"][...] = 7
    np.testing.assert_array_equal(layer.weight.data, before)


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing():
    layer = cnnlib.Linear(2, 3)
    state = layer.state_dict()
    before = layer.weight.data.copy()
    state["weight"] += 1
    with pytest.raises(
        ValueError, match=r"load_state_dict: bias is missing; expected weight, bias"
    ):
        layer.load_state_dict({"weight": state["weight"]})
    with pytest.raises(ValueError, match=r"load_state_dict: scale is unknown"):
        layer.load_state_dict(state | {"scale": np.ones(3)})
    with pytest.raises(ValueError, match=r"bias has shape \(4,\); expected \(3,\)"):
        layer.load_state_dict(state | {"bias": np.ones(4)})
    np.testing.assert_array_equal(layer.weight.data, before)


class Unreadable(dict):
    """A state whose third array cannot be read."""

    def __getitem__(self, key):
        if list(self).index(key) == 2:
            raise OSError("the disk is gone")
        return super().__getitem__(key)


@pytest.mark.parametrize(
    ("key", "value", "error", "message"),
    [
        ("0.bias", np.array(["a", "b"]), TypeError, "0.bias is <U1; expected real numbers"),
        ("0.bias", np.array([1, None]), TypeError, "0.bias is object; expected real numbers"),
        ("0.bias", np.ones(2, complex), TypeError, "0.bias is complex128; expected real numbers"),
        ("0.bias", np.ones(2, bool), TypeError, "0.bias is bool; expected real numbers"),
        ("0.bias", [1.0, 2.0], TypeError, "0.bias is a list; expected a NumPy array"),
        ("0.bias", None, TypeError, "0.bias is a NoneType; expected a NumPy array"),
        ("0.bias", torch.ones(2), TypeError, "0.bias is a Tensor; expected a NumPy array"),
        ("0.bias", np.array([1, np.nan]), ValueError, "0.bias has a number that is not finite"),
        ("0.bias", np.array([np.inf, 0]), ValueError, "0.bias has a number that is not finite"),
        ("0.bias", np.array([1e300, 0]), ValueError, "or does not fit float32"),
        ("0.bias", np.ones((2, 1)), ValueError, r"0.bias has shape \(2, 1\); expected \(2,\)"),
        ("1.num_batches_tracked", np.array(2.0), TypeError, "is float64; expected whole numbers"),
        ("1.num_batches_tracked", np.uint64(2**63), ValueError, "or does not fit int64"),
    ],
)
def test_an_array_that_does_not_fit_changes_nothing(key, value, error, message):
    net = cnnlib.Sequential(cnnlib.Conv2d(1, 2, 3), cnnlib.BatchNorm2d(2))
    before = net.state_dict()
    state = {name: array + 1 for name, array in before.items()} | {key: value}
    with pytest.raises(error, match=f"load_state_dict: .*{message}"):
        net.load_state_dict(state)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_state_that_cannot_be_read_or_written_changes_nothing():
    net = cnnlib.Sequential(cnnlib.Conv2d(1, 2, 3), cnnlib.BatchNorm2d(2))
    before = net.state_dict()
    state = {name: array + 1 for name, array in before.items()}
    with pytest.raises(OSError, match="disk"):
        net.load_state_dict(Unreadable(state))
    for wrong in (list(state.items()), "state", None):
        with pytest.raises(TypeError, match=r"load_state_dict: state is a .*; expected a Mapping"):
            net.load_state_dict(wrong)
    net[1].running_var.flags.writeable = False
    with pytest.raises(ValueError, match=r"1.running_var of this layer is read-only"):
        net.load_state_dict(state)
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_state_made_of_the_layers_own_arrays_is_read_before_it_is_written():
    layer = cnnlib.Linear(2, 2)
    layer.weight.data[...], kept = [[1, 2], [3, 4]], layer.weight.data
    layer.load_state_dict({"weight": kept.T, "bias": np.array([1, 2])})
    assert layer.weight.data.tolist() == [[1, 3], [2, 4]]
    assert layer.weight.data is kept
    assert layer.bias.data.dtype == np.float32


def test_gradients_add_up_until_they_are_forgotten():
    layer = cnnlib.Linear(2, 1, dtype=np.float64)
    for _ in range(2):
        layer(np.array([[3.0, 5.0]]))
        layer.backward(np.array([[10.0]]))
    assert layer.weight.grad.tolist() == [[2 * 3 * 10, 2 * 5 * 10]]
    layer.zero_grad()
    assert layer.weight.grad is None


def test_a_parameter_that_two_layers_share_is_trained_once():
    first, second = cnnlib.Linear(2, 2), cnnlib.Linear(2, 2)
    second.weight = first.weight
    network = cnnlib.Sequential(first, second)
    assert len(network.parameters()) == 3
    assert len(network.state_dict()) == 4


def test_training_and_evaluation_reach_every_layer():
    net = Net()
    net.eval()
    assert not any(layer.training for _, layer in net.layers())
    net.features.train()
    with net.evaluation():
        assert not net.features[1].training
    assert net.features[1].training
    assert not net.classifier.training


def test_inference_keeps_nothing_and_gives_back_what_was_kept():
    features = cnnlib.Sequential(cnnlib.Conv2d(1, 2, 3), cnnlib.Flatten(), cnnlib.Linear(8, 3))
    net = cnnlib.Sequential(features, cnnlib.Residual(cnnlib.Dropout(0.5), cnnlib.Linear(3, 3)))
    x = np.random.default_rng(0).standard_normal((4, 1, 4, 4)).astype(np.float32)
    expected = net.eval()(x)
    grad = net.backward(np.ones_like(expected))
    net(x)
    net[1].train()
    with net.inference():
        np.testing.assert_array_equal(net(x + 0), expected)
        assert all(layer.saved is None for _, layer in net.layers())
        message = r"^Sequential\.backward: call forward first, once .*, outside of inference\(\)$"
        with pytest.raises(RuntimeError, match=message):
            net.backward(np.ones_like(expected))
    assert net[1].training and not net[0].training
    np.testing.assert_array_equal(net.backward(np.ones_like(expected)), grad)
    with pytest.raises(RuntimeError, match=r"once for each backward$"):
        net.backward(np.ones_like(expected))


def test_evaluation_takes_the_memory_of_a_layer_and_not_of_a_network():
    channels, size = 8, 64
    image = channels * size * size * 8
    convs = [cnnlib.Conv2d(channels, channels, 1, dtype=np.float64) for _ in range(12)]
    net = cnnlib.Sequential(*convs, cnnlib.GlobalAvgPool2d(), cnnlib.Flatten())
    data = np.ones((1, channels, size, size)), np.zeros(1, int)
    tracemalloc.start()
    cnnlib.evaluate(net, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    net(data[0])
    kept = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * image < 12 * image < kept


def test_a_parameter_says_what_it_is():
    bias = cnnlib.Linear(2, 3).bias
    assert repr(bias) == "Parameter(shape=(3,), dtype=float32)"
    bias.requires_grad = False
    assert repr(bias) == "Parameter(shape=(3,), dtype=float32, requires_grad=False)"


MADE = [
    "Conv2d(4, 6, (3, 2), stride=(2, 1), padding=1, dilation=(1, 2), groups=2, bias=False)",
    "Conv2d(4, 6, (3, 3), padding='same', padding_mode='reflect')",
    "ConvTranspose2d(4, 6, (3, 2), stride=(2, 2), padding=(1, 0), output_padding=(0, 1), groups=2)",
    "Linear(2, 3, bias=False)",
    "BatchNorm2d(3, eps=0.001, momentum=0.2)",
    "LayerNorm((3, 3), elementwise_affine=False, bias=False)",
    "LayerNorm((4,), bias=False)",
    "GroupNorm(2, 4, affine=False)",
    "MaxPool2d((2, 2), stride=(2, 2), ceil_mode=True)",
    "AvgPool2d((3, 2), stride=(1, 2), padding=(1, 0), count_include_pad=False)",
    "AdaptiveAvgPool2d((2, 3))",
    "ZeroPad2d((2, 1, 0, 3))",
    "Dropout(p=0.2)",
    "GELU(approximate='tanh')",
    "ReLU()",
    "CrossEntropyLoss(reduction='sum', label_smoothing=0.1)",
]


@pytest.mark.parametrize("text", MADE)
def test_a_layer_is_printed_as_it_is_made(text):
    assert repr(eval(text, dict(vars(cnnlib)))) == text


def test_a_network_is_printed_as_the_tree_that_torch_prints():
    def tree(nn):
        inner = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh()))
        return nn.Sequential(inner, nn.Sigmoid())

    assert repr(tree(cnnlib)) == repr(tree(torch.nn))


@pytest.mark.parametrize(
    ("name", "arguments", "summed"),
    [
        ("Linear", (45, 40), 45),
        ("Conv2d", (6, 40, (3, 5), 1, 0, 1, 2), 6 // 2 * 3 * 5),
        ("ConvTranspose2d", (40, 6, (3, 5), 1, 0, 0, 2), 6 // 2 * 3 * 5),
    ],
)
def test_weights_begin_within_one_over_the_root_of_what_is_summed_as_in_torch(
    name, arguments, summed
):
    for library in (cnnlib, torch.nn):
        layer, bound = getattr(library, name)(*arguments), 1 / np.sqrt(summed)
        for numbers, least in ((layer.weight.data, 0.95), (layer.bias.data, 0.1)):
            assert least * bound < abs(numbers).max() <= bound


def test_what_a_readers_own_class_leaves_out_is_missed_when_it_is_needed():
    class Empty(cnnlib.Layer):
        pass

    with pytest.raises(NotImplementedError):
        Empty()(np.ones(3))
    with pytest.raises(NotImplementedError):
        Empty().backward(np.ones(3))


def test_a_network_of_a_readers_own_is_printed_as_a_tree():
    net = Net()
    net.scale = cnnlib.Parameter(np.ones(2))
    lines = repr(net).splitlines()
    assert lines[:3] == ["Net(", "  (features): Sequential(", "    (0): Conv2d(1, 2, (3, 3))"]
    assert lines[-2:] == ["  (classifier): Linear(8, 3)", ")"]


def test_a_frozen_parameter_gets_no_gradient_and_is_not_moved():
    layer = cnnlib.Linear(2, 3, dtype=np.float64)
    layer.weight.requires_grad = False
    kept, moved = layer.weight.data.copy(), layer.bias.data.copy()
    optimizer = cnnlib.SGD(layer.parameters(), lr=0.1, weight_decay=0.5)
    layer(np.ones((4, 2)))
    layer.backward(np.ones((4, 3)))
    assert layer.weight.grad is None
    layer.weight.grad = np.ones_like(kept)  # of a time before it was frozen
    optimizer.step()
    np.testing.assert_array_equal(layer.weight.data, kept)
    np.testing.assert_allclose(layer.bias.data, moved - 0.1 * (4 + 0.5 * moved))
    assert layer.requires_grad_(False).requires_grad_() is layer
    assert [p.requires_grad for p in layer.parameters()] == [True, True]
    with pytest.raises(TypeError, match="requires_grad_: requires_grad is a int; expected True or"):
        layer.requires_grad_(0)
    with pytest.raises(TypeError, match="Parameter: requires_grad is a str; expected True or"):
        cnnlib.Parameter(kept, "no")


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("Conv2d: bias", lambda flag: cnnlib.Conv2d(1, 2, 3, bias=flag)),
        ("ConvTranspose2d: bias", lambda flag: cnnlib.ConvTranspose2d(1, 2, 3, bias=flag)),
        ("Linear: bias", lambda flag: cnnlib.Linear(2, 3, flag)),
        ("train: mode", lambda flag: cnnlib.Linear(2, 3).train(flag)),
        ("SGD: nesterov", lambda flag: cnnlib.SGD(Net().parameters(), 0.1, 0.9, nesterov=flag)),
        ("linear_parameters: bias", lambda flag: cnnlib.linear_parameters(2, 3, flag)),
        ("conv2d_parameters: bias", lambda flag: cnnlib.conv2d_parameters(2, 3, 1, bias=flag)),
    ],
)
def test_an_array_where_true_or_false_belongs_is_named(name, call):
    with pytest.raises(TypeError, match=f"{name} is a ndarray; expected True or False"):
        call(np.ones(2))
    call(np.True_)


F8 = [float, np.float64, "float64", np.dtype(np.float64)]


@pytest.mark.parametrize(
    "make",
    [
        lambda dtype: cnnlib.Conv2d(1, 2, 3, dtype=dtype),
        lambda dtype: cnnlib.ConvTranspose2d(1, 2, 3, dtype=dtype),
        lambda dtype: cnnlib.Linear(2, 3, dtype=dtype),
        lambda dtype: cnnlib.BatchNorm2d(2, dtype=dtype),
        lambda dtype: cnnlib.LayerNorm(2, dtype=dtype),
        lambda dtype: cnnlib.GroupNorm(1, 2, dtype=dtype),
    ],
)
def test_weights_are_float32_or_float64(make):
    for dtype in F8:
        assert make(dtype).weight.data.dtype == np.float64
    for dtype in (int, "foo", None, np.float16, complex, 5):
        with pytest.raises(TypeError, match=r"\w+: dtype is .*; expected np.float32 or np.float64"):
            make(dtype)


def test_arguments_that_no_layer_can_be_made_with_are_named():
    with pytest.raises(ValueError, match="Conv2d: rng is -1; expected"):
        cnnlib.Conv2d(1, 2, 3, rng=-1)
    with pytest.raises(ValueError, match="Conv2d: in_channels is 0; expected"):
        cnnlib.Conv2d(0, 2, 3)
    with pytest.raises(ValueError, match="ConvTranspose2d: in_channels is 0; expected"):
        cnnlib.ConvTranspose2d(0, 2, 3)
    with pytest.raises(TypeError, match="Conv2d: x is a list; expected a NumPy array"):
        cnnlib.Conv2d(1, 1, 1)([[[1.0]]])


# name, arguments in both libraries, shape of x, training
LAYERS = [
    ("Conv2d", (2, 3, 3, 1, 1), (5, 2, 7, 6), True),
    ("Conv2d", (9, 4, (2, 3), (2, 1)), (5, 9, 7, 6), True),
    ("ConvTranspose2d", (2, 3, 3, 2), (5, 2, 4, 6), True),
    ("BatchNorm2d", (3,), (5, 3, 7, 6), True),
    ("BatchNorm2d", (3,), (5, 3, 7, 6), False),
    ("LayerNorm", ((7, 6),), (5, 2, 7, 6), True),
    ("GroupNorm", (2, 4), (5, 4, 7, 6), True),
    ("Linear", (6, 4), (5, 6), True),
    ("ReLU", (), (5, 2, 7, 6), True),
    ("MaxPool2d", (3, 2), (5, 2, 7, 6), True),
    ("AvgPool2d", (3, 2, 1), (5, 2, 7, 6), True),
    ("AdaptiveAvgPool2d", ((3, 4),), (5, 2, 7, 6), True),
    ("ReflectionPad2d", (2,), (5, 2, 7, 6), True),
    ("Dropout", (), (5, 2, 7, 6), False),
    ("Flatten", (), (5, 2, 7, 6), True),
]
RARE = {"infinite": [np.inf], "missing": [np.nan], "all": [np.inf, -np.inf, np.nan]}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("rare", RARE.values(), ids=RARE)
@pytest.mark.parametrize("spoiled", [(0.03, 0), (0, 0.03), (0.03, 0.03)], ids=["x", "grad", "both"])
@pytest.mark.parametrize(("name", "arguments", "shape", "training"), LAYERS)
def test_what_diverges_diverges_in_every_layer_as_in_torch(
    name, arguments, shape, training, spoiled, rare
):
    rng = np.random.default_rng(0)

    def numbers(shape, share):
        lost = rng.random(shape) < share
        return np.where(lost, rng.choice(rare, shape), rng.standard_normal(shape))

    theirs = getattr(torch.nn, name)(*arguments).double().train(training)
    state = {key: value.numpy().copy() for key, value in theirs.state_dict().items()}
    double = {"dtype": np.float64} if state else {}
    ours = getattr(cnnlib, name)(*arguments, **double).train(training)
    ours.load_state_dict(state)
    x = numbers(shape, spoiled[0])
    tensor = torch.tensor(x, requires_grad=True)
    expected = theirs(tensor)
    grad = numbers(tuple(expected.shape), spoiled[1])
    expected.backward(torch.tensor(grad))
    pairs = [(ours(x), expected.detach()), (ours.backward(grad), tensor.grad)]
    pairs += [(ours.named_parameters()[k].grad, p.grad) for k, p in theirs.named_parameters()]
    pairs += [(ours.state_dict()[k], buffer) for k, buffer in theirs.named_buffers()]
    for one, other in pairs:
        other = other.numpy()
        if name in ("LayerNorm", "GroupNorm"):  # torch rearranges the sums: NaN, where ours is inf
            one, other = (np.where(np.isfinite(a), a, np.nan) for a in (one, other))
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-10)
