"""A wrong argument is refused in one sentence that begins with what the reader has called."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import cnnlib
from cnnlib import checks
from cnnlib.optimizers import Optimizer

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 4, 6, 5))
W, WT = RNG.standard_normal((6, 2, 3, 2)), RNG.standard_normal((4, 3, 3, 2))
BOXES = np.array([[0.0, 0, 2, 3], [1, 1, 4, 2]])
LEARNS = [cnnlib.Parameter(np.ones(2))]


def momentum():
    return cnnlib.SGD(LEARNS, momentum=0.9)


SURE = dict(confidence=np.array([0.2, 0.7, 0.9]), right=np.array([True, False, True]), bins=4)
FUNCTIONS = {
    "reliability": SURE,
    "expected_calibration_error": SURE,
    "fit_temperature": dict(
        logits=np.array([[1.0, 3], [2, 1], [2, 1]]), labels=np.array([1, 0, 1])
    ),
    "conv2d": dict(x=X, weight=W, bias=np.ones(6), stride=1, padding=0, dilation=1, groups=2),
    "conv2d_loops": dict(x=X, weight=W, bias=np.ones(6), stride=1, padding=0, dilation=1, groups=2),
    "conv2d_im2col": dict(
        x=X, weight=W, bias=np.ones(6), stride=1, padding=0, dilation=1, groups=2
    ),
    "conv2d_backward": dict(
        grad_output=np.ones((2, 6, 4, 4)), x=X, weight=W, stride=1, padding=0, dilation=1, groups=2
    ),
    "conv2d_backward_loops": dict(
        grad_output=np.ones((2, 6, 4, 4)), x=X, weight=W, stride=1, padding=0, dilation=1, groups=2
    ),
    "conv2d_backward_im2col": dict(
        grad_output=np.ones((2, 6, 4, 4)), x=X, weight=W, stride=1, padding=0, dilation=1, groups=2
    ),
    "conv_transpose2d": dict(
        x=X, weight=WT, bias=np.ones(6), stride=1, padding=0, output_padding=0, groups=2, dilation=1
    ),
    "conv_transpose2d_backward": dict(
        grad_output=np.ones((2, 6, 8, 6)),
        x=X,
        weight=WT,
        stride=1,
        padding=0,
        output_padding=0,
        groups=2,
        dilation=1,
    ),
    "convolve2d": dict(x=X[0, 0], kernel=np.ones((2, 3))),
    "im2col": dict(x=X, kernel_size=2, stride=1, padding=0, dilation=1),
    "col2im": dict(
        columns=np.ones((16, 2 * 20)), shape=X.shape, kernel_size=2, stride=1, padding=0, dilation=1
    ),
    "max_pool2d": dict(x=X, kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False),
    "max_pool2d_backward": dict(
        grad_output=np.ones((2, 4, 3, 2)),
        x=X,
        kernel_size=2,
        stride=2,
        padding=0,
        dilation=1,
        ceil_mode=False,
    ),
    "avg_pool2d": dict(
        x=X, kernel_size=2, stride=2, padding=0, ceil_mode=False, count_include_pad=True
    ),
    "avg_pool2d_backward": dict(
        grad_output=np.ones((2, 4, 3, 2)),
        x=X,
        kernel_size=2,
        stride=2,
        padding=0,
        ceil_mode=False,
        count_include_pad=True,
    ),
    "adaptive_avg_pool2d": dict(x=X, output_size=2),
    "adaptive_avg_pool2d_backward": dict(grad_output=np.ones((2, 4, 2, 2)), x=X, output_size=2),
    "global_avg_pool2d": dict(x=X),
    "global_max_pool2d": dict(x=X),
    "global_avg_pool2d_backward": dict(grad_output=np.ones((2, 4, 1, 1)), x=X),
    "global_max_pool2d_backward": dict(grad_output=np.ones((2, 4, 1, 1)), x=X),
    "pad": dict(x=X, padding=1, mode="constant", value=0.0),
    "pad_backward": dict(
        grad_output=np.ones((2, 4, 8, 7)), x=X, padding=1, mode="constant", value=0.0
    ),
    "flatten": dict(x=X),
    "flatten_backward": dict(grad_output=np.ones((2, 120)), x=X),
    "linear": dict(x=X[0, 0], weight=np.ones((3, 5)), bias=np.ones(3)),
    "linear_backward": dict(grad_output=np.ones((6, 3)), x=X[0, 0], weight=np.ones((3, 5))),
    "softmax": dict(x=X, axis=-1),
    "log_softmax": dict(x=X, axis=-1),
    "softmax_backward": dict(grad_output=X, x=X, axis=-1),
    "log_softmax_backward": dict(grad_output=X, x=X, axis=-1),
    "cross_entropy": dict(
        logits=X[0, 0],
        target=np.zeros(6, int),
        reduction="mean",
        weight=np.ones(5),
        ignore_index=-100,
        label_smoothing=0.0,
    ),
    "cross_entropy_backward": dict(
        grad_output=1.0,
        logits=X[0, 0],
        target=np.zeros(6, int),
        reduction="mean",
        weight=np.ones(5),
        ignore_index=-100,
        label_smoothing=0.0,
    ),
    "mse_loss": dict(x=X, target=X, reduction="mean"),
    "mse_loss_backward": dict(grad_output=1.0, x=X, target=X, reduction="mean"),
    "leaky_relu": dict(x=X, negative_slope=0.1),
    "leaky_relu_backward": dict(grad_output=X, x=X, negative_slope=0.1),
    "hardtanh": dict(x=X, min_val=-1.0, max_val=1.0),
    "hardtanh_backward": dict(grad_output=X, x=X, min_val=-1.0, max_val=1.0),
    "gelu": dict(x=X, approximate="none"),
    "gelu_backward": dict(grad_output=X, x=X, approximate="none"),
    "elu": dict(x=X, alpha=1.0),
    "elu_backward": dict(grad_output=X, x=X, alpha=1.0),
    **{n: dict(x=X) for n in "relu tanh sigmoid silu identity".split()},
    **{
        n + "_backward": dict(grad_output=X, x=X) for n in "relu tanh sigmoid silu identity".split()
    },
    **{
        n: dict(shape=(3, 4), rng=RNG, a=0.0, dtype=np.float32)
        for n in ("kaiming_uniform", "kaiming_normal")
    },
    **{
        n: dict(shape=(3, 4), rng=RNG, gain=1.0, dtype=np.float32)
        for n in ("xavier_uniform", "xavier_normal")
    },
    "torch_default": dict(shape=(3, 4), fan_in=4, rng=RNG, dtype=np.float32),
    "random_shift": dict(images=X, rng=RNG, pixels=1),
    "random_crop": dict(images=X, rng=RNG, padding=1, size=(3, 4)),
    "random_flip": dict(images=X, rng=RNG, p=0.5),
    "conv2d_parameters": dict(in_channels=4, out_channels=6, kernel_size=3, groups=2, bias=True),
    "linear_parameters": dict(in_features=4, out_features=6, bias=True),
    "conv_output_size": dict(size=5, kernel_size=3, stride=1, padding=0, dilation=1),
    "rows_left_over": dict(size=5, kernel_size=3, stride=1, padding=0, dilation=1),
    "conv_transpose_output_size": dict(
        size=5, kernel_size=3, stride=1, padding=0, output_padding=0, dilation=1
    ),
    "effective_kernel_size": dict(kernel_size=3, dilation=1),
    "same_padding": dict(kernel_size=3, dilation=1),
    "receptive_field": dict(stack=[(3, 1)]),
    "clip_grad_norm": dict(parameters=LEARNS, max_norm=1.0),
    "evaluate": dict(
        network=cnnlib.Flatten(),
        data=(X, np.zeros(2, int)),
        loss=cnnlib.CrossEntropyLoss(),
        batch_size=5,
    ),
    "summary": dict(network=cnnlib.ReLU(), input_shape=(1, 2, 3)),
    "gradient_check": dict(
        network=cnnlib.Tanh(), x=np.ones((2, 3)), loss=None, tolerance=1e-6, seed=0
    ),
    "box_iou": dict(boxes1=BOXES, boxes2=BOXES),
    "nms": dict(boxes=BOXES, scores=np.ones(2), iou_threshold=0.5),
    "average_precision": dict(right=np.ones(2, bool), total=3),
    "batches": dict(
        images=X, labels=np.zeros(2), batch_size=2, rng=RNG, augment=None, start=0, drop_last=False
    ),
}
CONVOLUTION = dict(
    in_channels=4, out_channels=6, kernel_size=3, stride=1, padding=0, dilation=1, groups=2,
    bias=True, rng=RNG, dtype=np.float32,
)  # fmt: skip
CLASSES = {
    "Conv2d": CONVOLUTION | dict(padding_mode="zeros"),
    "ConvTranspose2d": CONVOLUTION | dict(output_padding=0),
    "Linear": dict(in_features=4, out_features=3, bias=True, rng=RNG, dtype=np.float32),
    "MaxPool2d": dict(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False),
    "AvgPool2d": dict(kernel_size=2, stride=2, padding=0, ceil_mode=False, count_include_pad=True),
    "AdaptiveAvgPool2d": dict(output_size=2),
    "BatchNorm2d": dict(num_features=3, eps=1e-5, momentum=0.1, dtype=np.float32),
    "LayerNorm": dict(
        normalized_shape=3, eps=1e-5, elementwise_affine=True, bias=True, dtype=np.float32
    ),
    "GroupNorm": dict(num_groups=2, num_channels=4, eps=1e-5, affine=True, dtype=np.float32),
    "Dropout": dict(p=0.5, rng=RNG),
    "LeakyReLU": dict(negative_slope=0.1),
    "Hardtanh": dict(min_val=-1.0, max_val=1.0),
    "GELU": dict(approximate="none"),
    "ELU": dict(alpha=1.0),
    **{n + "Pad2d": dict(padding=1) for n in ("Zero", "Reflection", "Replication", "Circular")},
    "CrossEntropyLoss": dict(
        reduction="mean", weight=np.ones(3), ignore_index=-100, label_smoothing=0.0
    ),
    "MSELoss": dict(reduction="mean"),
    "Residual": dict(body=cnnlib.ReLU(), shortcut=None),
    "Concat": dict(body=cnnlib.ReLU()),
    "SGD": dict(parameters=LEARNS, lr=0.1, momentum=0.9, weight_decay=0.0, nesterov=False),
    "Adam": dict(parameters=LEARNS, lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.0),
    "AdamW": dict(parameters=LEARNS, lr=0.1, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.0),
    "StepLR": dict(optimizer=momentum(), step_size=2, gamma=0.1),
    "CosineAnnealingLR": dict(optimizer=momentum(), T_max=2, eta_min=0.1),
    "OneCycleLR": dict(
        optimizer=momentum(),
        max_lr=1.0,
        total_steps=5,
        pct_start=0.3,
        cycle_momentum=True,
        base_momentum=0.85,
        max_momentum=0.95,
        div_factor=25.0,
        final_div_factor=1e4,
    ),
}

WRONG = ["wrong", -7, object(), np.ones((1, 1, 1)), 1.5]
# What takes no argument, is no more than a record, or has messages of its own elsewhere.
OTHERS = {"Evaluation", "History", "Layer", "Parameter", "Reliability", "Sequential", "fit"}
OTHERS |= {"Flatten", "GlobalAvgPool2d", "GlobalMaxPool2d", "Identity", "ReLU", "SiLU", "Sigmoid"}
OTHERS |= {"Tanh", "center_digit", "digits", "fashion_mnist", "image_folder", "mnist"}
OTHERS |= {"photographs", "cifar10"}


def called(name, arguments):
    result = getattr(cnnlib, name)(**arguments)
    return list(result) if inspect.isgenerator(result) else result


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", FUNCTIONS | CLASSES)
def test_a_wrong_argument_is_refused_at_once_in_the_name_of_what_was_called(name):
    arguments = (FUNCTIONS | CLASSES)[name]
    called(name, arguments)
    for argument in arguments:
        refused = 0
        for wrong in WRONG:
            try:
                called(name, arguments | {argument: wrong})
            except (ValueError, TypeError) as error:
                assert str(error).startswith(f"{name}: "), (argument, wrong)
                refused += 1
        assert refused, f"{name} takes anything as {argument}"


AT_LEAST_1 = {"in_channels", "out_channels", "in_features", "out_features", "num_features"}
AT_LEAST_1 |= {"num_groups", "num_channels", "kernel_size", "stride", "dilation", "groups"}
AT_LEAST_1 |= {"output_size", "size", "batch_size", "fan_in", "step_size", "T_max", "total_steps"}
AT_LEAST_1 |= {"normalized_shape", "div_factor", "final_div_factor"}


@pytest.mark.parametrize("name", FUNCTIONS | CLASSES)
def test_0_is_refused_where_there_must_be_one_and_1_is_not(name):
    arguments = (FUNCTIONS | CLASSES)[name]
    for argument in AT_LEAST_1 & arguments.keys():
        with pytest.raises(ValueError, match=f"^{name}: {argument} is 0; expected"):
            called(name, arguments | {argument: 0})
        try:
            called(name, arguments | {argument: 1})
        except ValueError as error:  # it may not go with the other arguments
            assert f"{argument} is 1; expected at least" not in str(error)


@pytest.mark.parametrize(
    ("argument", "wrong", "message"),
    [
        ("x", X[:0], r"x is empty, its shape is \(0, 4, 6, 5\)"),
        ("x", X[0, 0], r"x has shape \(6, 5\); expected 3 or 4 axes"),
        ("stride", (1, 2, 3), r"stride is \(1, 2, 3\); expected one number or a pair"),
        ("dilation", (1,), r"dilation is \(1,\); expected one number or a pair"),
        ("groups", 4, "weight has 6 filters; expected a multiple of the 4 groups"),
        ("bias", np.ones(5), r"bias has shape \(5,\); expected \(6,\)"),
        ("weight", W.astype(np.float16), "weight is float16; expected float32 or float64"),
    ],
)
@pytest.mark.parametrize("way", ["", "_im2col", "_loops"])
def test_what_was_wrong_is_said(way, argument, wrong, message):
    name = f"conv2d{way}"
    with pytest.raises((ValueError, TypeError), match=f"^{name}: {message}"):
        called(name, FUNCTIONS[name] | {argument: wrong})


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: checks.instance("f", "x", 1, cnnlib.Layer), "x is a int; expected a Layer"),
        (lambda: checks.instance("f", "x", 1, Optimizer), "x is a int; expected an Optimizer"),
        (lambda: checks.number("f", "x", np.nan), "x is nan; expected a finite number"),
        (lambda: checks.number("f", "x", -1, 0), "x is -1; expected a finite number of at least 0"),
        (
            lambda: checks.number("f", "x", 2.5, 0, 1),
            "x is 2.5; expected a finite number of at least 0 and at most 1",
        ),
        (lambda: checks.path("f", "x", 3, "file"), "x is a int; expected the path of a file"),
        (lambda: checks.sizes("f", "x", 3), "x is a int; expected a tuple"),
        (lambda: checks.generator("f", -1), "rng is -1; expected at least 0"),
    ],
)
def test_a_check_says_what_came_and_what_was_expected(check, message):
    with pytest.raises((ValueError, TypeError)) as refusal:
        check()
    assert str(refusal.value) == f"f: {message}"


def test_a_check_gives_what_it_has_checked():
    assert checks.path("f", "x", "~/run", "file") == checks.path("f", "x", Path.home() / "run", "")
    assert checks.number("f", "x", 1, 0, 1) == checks.number("f", "x", np.float32(1)) == 1
    assert checks.generator("f", RNG) is RNG
    first, again, other = (checks.generator("f", seed).random() for seed in (3, 3, None))
    assert first == again != other


@pytest.mark.parametrize("channels", [(3, 4), (4, 3)])
@pytest.mark.parametrize("layer", [cnnlib.Conv2d, cnnlib.ConvTranspose2d])
def test_groups_divide_both_numbers_of_channels(layer, channels):
    with pytest.raises(ValueError, match="expected a multiple of the 2 groups"):
        layer(*channels, 3, groups=2)


def test_one_image_in_place_of_a_batch_has_the_gradients_of_a_batch_of_one():
    grad, x = np.ones((6, 4, 4)), X[0]
    one = cnnlib.conv2d_backward(grad, x, W, groups=2)
    batch = cnnlib.conv2d_backward(grad[None], X[:1], W, groups=2)
    for ours, expected in zip(one, (batch[0][0], *batch[1:]), strict=True):
        np.testing.assert_array_equal(ours, expected)


# The functions that take what a layer takes, beside those that have a layer's name.
AS_CONV2D = (
    "im2col col2im conv_output_size rows_left_over same_padding effective_kernel_size".split()
)
LIKE = dict.fromkeys([*AS_CONV2D, "conv2d_parameters"], cnnlib.Conv2d)
LIKE |= {"conv_transpose_output_size": cnnlib.ConvTranspose2d, "linear_parameters": cnnlib.Linear}
LIKE |= {"cross_entropy": cnnlib.CrossEntropyLoss, "pad": torch.nn.functional.pad}
LIKE |= {"mse_loss": cnnlib.MSELoss}
DRAWS = "kaiming_uniform", "kaiming_normal", "xavier_uniform", "xavier_normal"
LIKE |= {name: getattr(torch.nn.init, f"{name}_") for name in DRAWS}
NAMED = {name.lower(): getattr(cnnlib, name) for name in CLASSES}


def defaults(one):
    """What is taken for each argument that may be left out."""
    arguments = inspect.signature(one).parameters.values()
    return {a.name: a.default for a in arguments if a.default is not a.empty}


@pytest.mark.parametrize("name", [n for n in CLASSES if n not in ("Residual", "Concat")])
def test_what_is_left_out_of_a_layer_is_what_torch_takes(name):
    homes = torch.nn, torch.optim, torch.optim.lr_scheduler
    theirs = defaults(next(getattr(home, name) for home in homes if hasattr(home, name)))
    ours = defaults(getattr(cnnlib, name))
    for argument in ours.keys() & theirs.keys() - {"dtype"}:
        assert ours[argument] == theirs[argument], argument


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_left_out_of_a_function_is_what_its_layer_takes(name):
    plain = re.sub("(_backward|_loops|_im2col)+$", "", name)
    like = LIKE.get(plain) or NAMED.get(plain.replace("_", ""))
    ours, theirs = defaults(getattr(cnnlib, name)), defaults(like) if like else {}
    for argument in ours.keys() & theirs.keys() - {"bias", "value"}:
        assert ours[argument] == theirs[argument], argument


def test_every_public_name_is_tried():
    public = {
        name
        for name, one in vars(cnnlib).items()
        if name[0] != "_" and callable(one) and one.__module__.startswith("cnnlib")
    }
    assert public == FUNCTIONS.keys() | CLASSES.keys() | OTHERS
