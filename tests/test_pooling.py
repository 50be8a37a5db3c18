from functools import partial

import geometry
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conformance import (
    assert_as_torch,
    assert_function_as_torch,
    assert_gradients_as_torch,
    assert_layer_as_torch,
)
from hypothesis import given
from hypothesis import strategies as st

import cnnlib

POOLINGS = list(geometry.poolings())
SPOIL = partial(geometry.unlikely, np.random.default_rng(0), share=0.3)


def test_every_listed_pooling_is_that_of_torch_ties_included():
    assert len(POOLINGS) > 300
    for number, (name, (x, kernel_size), options) in enumerate(POOLINGS):
        options = {"kernel_size": kernel_size} | options
        assert_function_as_torch(name, [x], options)
        if number % 5 == 0:  # one image, in single precision
            assert_function_as_torch(name, [x[0].astype(np.float32)], options)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_infinite_and_missing_numbers_are_pooled_as_in_torch():
    for name, (x, kernel_size), options in POOLINGS:
        x = SPOIL(x)
        x[0, 0] = -np.inf  # as large as the padding
        options = {"kernel_size": kernel_size} | options
        assert_function_as_torch(name, [x], options, spoil=SPOIL)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(geometry.any_poolings())
def test_any_pooling_of_any_numbers_is_that_of_torch(drawn):
    assert_function_as_torch(*drawn)


def windows_of_one_axis():
    """All small windows: (size, kernel, stride, padding, ceil_mode), each with its successor."""
    axes = [
        (size, kernel, stride, padding)
        for size in range(2, 7)
        for kernel in range(1, 5)
        for stride in range(1, 5)
        for padding in range(kernel // 2 + 1)
        if kernel <= size + 2 * padding
    ]
    for ceil_mode in (False, True):
        for rows, columns in zip(axes, [*axes[37:], *axes[:37]], strict=True):
            yield *zip(rows, columns, strict=True), ceil_mode


def test_every_small_window_is_pooled_as_in_torch():
    rng, count = np.random.default_rng(0), 0
    for size, kernel_size, stride, padding, ceil_mode in windows_of_one_axis():
        x = rng.standard_normal((2, 3, *size))
        options = {"kernel_size": kernel_size, "stride": stride}
        options |= {"padding": padding, "ceil_mode": ceil_mode}
        for name, more in (
            ("max_pool2d", {}),
            ("avg_pool2d", {"count_include_pad": True}),
            ("avg_pool2d", {"count_include_pad": False}),
        ):
            assert_function_as_torch(name, [x], options | more)
            count += 1
    assert count > 800


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("global_avg_pool2d", F.adaptive_avg_pool2d), ("global_max_pool2d", F.adaptive_max_pool2d)],
)
@given(st.integers(1, 3), st.permutations(range(1, 8)), st.integers(0, 2**32 - 1))
def test_global_pooling_is_torchs_adaptive_pooling_to_one(name, theirs, n, sizes, seed):
    x = np.random.default_rng(seed).integers(-3, 3, (n, *sizes[:3])).astype(float)
    backward = getattr(cnnlib, f"{name}_backward")
    assert_as_torch(getattr(cnnlib, name), lambda x: theirs(x, 1), x)
    assert_gradients_as_torch(backward, lambda x: theirs(x, 1), x)


@given(st.permutations(range(1, 9)), st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_adaptive_pooling_is_that_of_torch(sizes, output_size):
    x = np.random.default_rng(0).standard_normal(sizes[:4])
    for array in (x, x[0]):
        for size in (output_size, output_size[0]):
            options = {"output_size": size}
            assert_as_torch(cnnlib.adaptive_avg_pool2d, F.adaptive_avg_pool2d, array, **options)
            assert_gradients_as_torch(
                cnnlib.adaptive_avg_pool2d_backward, F.adaptive_avg_pool2d, array, **options
            )


@pytest.mark.parametrize(
    ("layer", "theirs"),
    [
        (cnnlib.MaxPool2d(2), torch.nn.MaxPool2d(2)),
        (
            cnnlib.MaxPool2d((3, 2), 1, 1, (1, 2), True),
            torch.nn.MaxPool2d((3, 2), 1, 1, (1, 2), False, True),
        ),
        (cnnlib.AvgPool2d(3, 2, 1, True, False), torch.nn.AvgPool2d(3, 2, 1, True, False)),
        (cnnlib.AdaptiveAvgPool2d((3, 5)), torch.nn.AdaptiveAvgPool2d((3, 5))),
        (cnnlib.GlobalAvgPool2d(), torch.nn.AdaptiveAvgPool2d(1)),
        (cnnlib.GlobalMaxPool2d(), torch.nn.AdaptiveMaxPool2d(1)),
    ],
)
def test_each_layer_is_that_of_torch(layer, theirs):
    assert_layer_as_torch(layer, theirs, 2, 3, 8, 7)


def test_the_largest_of_each_window_and_where_its_gradient_goes():
    x = np.array([[[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]])
    assert cnnlib.max_pool2d(x, 2).tolist() == [[[6, 8], [3, 4]]]
    grad = cnnlib.max_pool2d_backward(np.array([[[10.0, 20.0], [30.0, 40.0]]]), x, 2)
    assert grad.tolist() == [[[0, 0, 0, 0], [0, 10, 0, 20], [30, 0, 0, 0], [0, 0, 0, 40]]]


def test_the_mean_of_each_window_and_how_its_gradient_is_shared():
    x = np.array([[[1.0, 3.0], [5.0, 7.0]]])
    assert cnnlib.avg_pool2d(x, 2).tolist() == [[[(1 + 3 + 5 + 7) / 4]]]
    assert cnnlib.avg_pool2d_backward(np.array([[[8.0]]]), x, 2).tolist() == [[[2, 2], [2, 2]]]


def test_the_output_size_is_floored_unless_ceil_mode_says_otherwise():
    x = np.zeros((1, 1, 5, 5))
    assert cnnlib.max_pool2d(x, 2, 2).shape == (1, 1, 2, 2)
    assert cnnlib.max_pool2d(x, 2, 2, ceil_mode=True).shape == (1, 1, 3, 3)


def test_bad_input_is_named():
    x = np.zeros((1, 2, 4, 5))
    with pytest.raises(ValueError, match=r"max_pool2d: padding is .* at most half of"):
        cnnlib.max_pool2d(x, 2, padding=2)
    with pytest.raises(
        ValueError, match="kernel extends over 6 columns, the padded input has only 5"
    ):
        cnnlib.avg_pool2d(x, (2, 6))
    with pytest.raises(ValueError, match="AdaptiveAvgPool2d: output_size is 0; expected at least"):
        cnnlib.AdaptiveAvgPool2d((3, 0))
    with pytest.raises(ValueError, match=r"adaptive_avg_pool2d_backward: grad_output has shape"):
        cnnlib.adaptive_avg_pool2d_backward(np.zeros((1, 2, 3, 2)), x, (2, 3))
    with pytest.raises(ValueError, match="MaxPool2d: kernel_size is 0; expected at least 1"):
        cnnlib.MaxPool2d(0)
    with pytest.raises(ValueError, match=r"max_pool2d_backward: grad_output has shape"):
        cnnlib.max_pool2d_backward(np.zeros((1, 2, 2, 3)), x, 2)


@pytest.mark.parametrize(
    "pool", [cnnlib.max_pool2d, cnnlib.avg_pool2d, cnnlib.MaxPool2d, cnnlib.AvgPool2d]
)
def test_a_stride_of_0_is_refused_and_not_taken_for_the_window(pool):
    x = () if isinstance(pool, type) else (np.zeros((1, 2, 4, 5)),)
    for stride in (0, (2, 0)):
        with pytest.raises(ValueError, match=rf"{pool.__name__}: stride is 0; expected at least 1"):
            pool(*x, 2, stride=stride)


@pytest.mark.parametrize(
    ("pool", "name"),
    [
        (cnnlib.max_pool2d, "ceil_mode"),
        (cnnlib.avg_pool2d, "ceil_mode"),
        (cnnlib.avg_pool2d, "count_include_pad"),
    ],
)
def test_an_array_is_neither_true_nor_false(pool, name):
    x = np.zeros((1, 2, 4, 5))
    message = f"{pool.__name__}: {name} is a ndarray; expected True or False"
    with pytest.raises(TypeError, match=message):
        pool(x, 2, **{name: np.zeros(2)})
