from functools import partial

import geometry
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conformance import assert_as_torch, assert_function_as_torch, assert_layer_as_torch
from hypothesis import given

import cnnlib
from cnnlib import worked_example

CONVOLUTIONS, TRANSPOSED = list(geometry.convolutions()), list(geometry.transposed_convolutions())
SPOIL = partial(geometry.unlikely, np.random.default_rng(0))
CONVOLUTION = partial(assert_function_as_torch, "conv2d", taken=2)
TRANSPOSED_CONVOLUTION = partial(assert_function_as_torch, "conv_transpose2d", taken=2)
FAST = ["", "_im2col"]


def test_every_listed_convolution_is_that_of_torch():
    assert len(CONVOLUTIONS) > 300
    for arrays, options in CONVOLUTIONS:
        CONVOLUTION(arrays, options, ways=FAST)


def test_the_loops_are_the_convolution_of_torch():
    for number, ((x, *others), options) in enumerate(CONVOLUTIONS[::5]):
        images = x if number % 4 == 0 else x[0]  # loops are slow
        CONVOLUTION([images, *others], options, ways=["_loops"])


def test_convolutions_in_single_precision_are_those_of_torch():
    for arrays, options in CONVOLUTIONS[::5]:
        CONVOLUTION([array.astype(np.float32) for array in arrays], options, ways=FAST)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_infinite_and_missing_numbers_go_through_convolutions_as_in_torch():
    for number, (arrays, options) in enumerate(CONVOLUTIONS[1::3]):
        x, *others = map(SPOIL, arrays)
        CONVOLUTION([x, *others], options, ways=FAST, spoil=SPOIL)
        if number % 5 == 0:
            CONVOLUTION([x[0], *others], options, ways=["_loops"], spoil=SPOIL)


@pytest.mark.parametrize("way", [*FAST, "_loops"])
def test_a_convolution_may_have_no_bias(way):
    for (x, weight, _), options in CONVOLUTIONS[::20]:
        assert_as_torch(getattr(cnnlib, f"conv2d{way}"), F.conv2d, x[0], weight, None, **options)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(geometry.any_convolutions())
def test_any_convolution_of_any_numbers_is_that_of_torch(drawn):
    CONVOLUTION(*drawn)


def test_col2im_is_the_adjoint_of_im2col():
    for (x, weight, _), options in CONVOLUTIONS[::2]:
        options = {"kernel_size": weight.shape[2:]} | options
        del options["groups"]
        columns = cnnlib.im2col(x, **options)
        other = np.random.default_rng(1).standard_normal(columns.shape)
        back = cnnlib.col2im(other, x.shape, **options)
        assert back.shape == x.shape
        np.testing.assert_allclose((columns * other).sum(), (x * back).sum(), atol=1e-9)


def test_every_listed_transposed_convolution_is_that_of_torch():
    assert len(TRANSPOSED) > 200
    for arrays, options in TRANSPOSED:
        TRANSPOSED_CONVOLUTION(arrays, options)
    for arrays, options in TRANSPOSED[::5]:
        TRANSPOSED_CONVOLUTION([array.astype(np.float32) for array in arrays], options)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_infinite_and_missing_numbers_go_through_transposed_convolutions_as_in_torch():
    for arrays, options in TRANSPOSED[1::3]:
        TRANSPOSED_CONVOLUTION(list(map(SPOIL, arrays)), options, spoil=SPOIL)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(geometry.any_transposed_convolutions())
def test_any_transposed_convolution_of_any_numbers_is_that_of_torch(drawn):
    TRANSPOSED_CONVOLUTION(*drawn)


def test_the_gradients_of_the_sources_3x3_input_and_2x2_kernel():
    x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    kernel, grad = np.array([[[[1.0, 0.0], [2.0, -1.0]]]]), np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    grad_x, grad_kernel, grad_bias = cnnlib.conv2d_backward(grad, x, kernel)
    assert grad_kernel[0, 0, 0, 0] == 1 * 1 + 2 * 2 + 4 * 3 + 5 * 4
    assert grad_kernel.tolist() == [[[[37, 47], [67, 77]]]]
    assert grad_x[0, 0, 1, 1] == -1 * 1 + 2 * 2 + 0 * 3 + 1 * 4
    assert grad_x.tolist() == [[[[1, 2, 0], [5, 7, -2], [6, 5, -4]]]]
    assert grad_bias.tolist() == [1 + 2 + 3 + 4]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (cnnlib.Conv2d, torch.nn.Conv2d),
        (cnnlib.ConvTranspose2d, torch.nn.ConvTranspose2d),
    ],
)
@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": 1, "dilation": (1, 2), "groups": 2},
        {"kernel_size": 1},
        {"kernel_size": (1, 3), "stride": 2, "bias": False},
    ],
)
def test_the_layers_are_those_of_torch(ours, theirs, options):
    layer = ours(4, 6, **options, dtype=np.float64)
    assert_layer_as_torch(layer, theirs(4, 6, **options), 3, 4, 7, 8)


def test_a_layer_run_again_does_not_touch_what_it_returned_before():
    layer = cnnlib.Conv2d(2, 8, 3, rng=np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((16, 2, 40, 41), np.float32)
    first = layer(x)
    kept = first.copy()
    layer(x + 1)
    layer.backward(np.ones(first.shape, np.float32))
    np.testing.assert_array_equal(first, kept)


def test_the_first_layer_can_leave_out_the_gradient_for_the_images():
    layer = cnnlib.Conv2d(1, 2, 3)
    output = layer(np.ones((1, 1, 4, 5), np.float32))
    assert layer.backward_parameters(np.ones_like(output)) is None
    assert layer.bias.grad.tolist() == [2 * 3, 2 * 3]


def test_the_worked_example_gives_the_feature_map():
    image, kernel = worked_example.image, worked_example.kernel
    output = cnnlib.conv2d(image[None], kernel[None, None], np.array([2.0]))
    one_position = (5 + 5 + 7) - (4 + 0 + 0) + 2
    assert output[0, 1, 1] == one_position == 15
    expected = [[2, 12, 7, 0], [-1, 15, 8, -4], [-3, 20, 5, -9], [0, 14, 4, -7]]
    assert output[0].tolist() == expected


def test_three_filters_with_their_biases_make_three_maps():
    kernels, biases = worked_example.kernels, worked_example.biases
    output = cnnlib.conv2d(worked_example.image[None], kernels[:, None], biases)
    assert output.shape == (3, 4, 4)
    assert output[1, 0, 0] == (5 + 5 + 3) - (5 + 7 + 7) + 3
    assert output[2, 0, 0] == 4 * 5 - (5 + 5 + 5 + 7) + 1


def test_a_vertical_line_is_found_where_it_stands():
    image = [[0, 1, 0, 1, 0], [0, 1, 0, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 1, 0], [0, 0, 0, 1, 0]]
    window = [[0, 1, 0]] * 3
    output = cnnlib.conv2d(np.array([image], float), np.array([[window]], float))
    assert output[0, 0, 0] == 1 + 1 + 1
    assert output[0].tolist() == [[3, 1, 3], [2, 1, 3], [1, 1, 3]]


def test_convolution_flips_the_kernel_and_cross_correlation_does_not():
    image = np.array([[1.0, 2.0], [3.0, 4.0]])
    kernel = np.array([[10.0, 20.0], [30.0, 40.0]])
    assert cnnlib.conv2d(image[None], kernel[None, None])[0, 0, 0] == 10 + 2 * 20 + 3 * 30 + 4 * 40
    assert cnnlib.convolve2d(image, kernel)[0, 0] == 1 * 40 + 2 * 30 + 3 * 20 + 4 * 10


def test_same_padding_of_an_even_kernel_puts_the_extra_row_at_the_bottom_and_right():
    x = np.arange(1.0, 10.0).reshape(1, 3, 3)
    top_left = cnnlib.conv2d(x, np.array([[[[1.0, 0.0], [0.0, 0.0]]]]), padding="same")
    np.testing.assert_array_equal(top_left, x)


def test_a_window_that_does_not_fit_is_skipped():
    x = np.zeros((1, 1, 7, 7))
    x[..., 3:, :] = x[..., :, 3:] = 100
    assert cnnlib.conv2d(x, np.ones((1, 1, 3, 3)), stride=5).tolist() == [[[[0]]]]


def test_one_image_without_a_batch_gives_one_map_without_a_batch():
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((2, 5, 6)), rng.standard_normal((3, 2, 2, 4))
    assert cnnlib.conv2d(x, weight).shape == (3, 4, 3)
    np.testing.assert_array_equal(cnnlib.conv2d(x, weight), cnnlib.conv2d(x[None], weight)[0])
    np.testing.assert_array_equal(cnnlib.conv2d(weight=weight, x=x), cnnlib.conv2d(x, weight))


def test_the_way_back_takes_one_image_too():
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((2, 5, 6)), rng.standard_normal((2, 3, 2, 4))
    for forward, backward, kernel in (
        (cnnlib.conv2d, cnnlib.conv2d_backward, weight.swapaxes(0, 1)),
        (cnnlib.conv_transpose2d, cnnlib.conv_transpose2d_backward, weight),
    ):
        grad = rng.standard_normal(forward(x, kernel).shape)
        one, batch = backward(grad, x, kernel), backward(grad[None], x[None], kernel)
        np.testing.assert_array_equal(one[0], batch[0][0])
        np.testing.assert_array_equal(one[1], batch[1])


def test_im2col_has_a_column_for_each_window():
    x = np.arange(1.0, 17.0).reshape(1, 1, 4, 4)
    columns = cnnlib.im2col(x, 3)
    assert columns.shape == (9, 4)
    assert columns[:, 0].tolist() == [1, 2, 3, 5, 6, 7, 9, 10, 11]
    assert columns[:, 3].tolist() == [6, 7, 8, 10, 11, 12, 14, 15, 16]


X = np.zeros((2, 3, 5, 6))
W = np.zeros((4, 3, 3, 3))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((X[:, :1], W), {}, "conv2d: weight expects 3 input channels, x has 1"),
        ((X[0, 0], W), {}, r"conv2d: x has shape \(5, 6\); expected 3 or 4 axes"),
        ((X.astype(int), W), {}, r"x is int64; expected float32 or float64.*x.astype"),
        ((X.tolist(), W), {}, "conv2d: x is a list; expected a NumPy array"),
        ((X[:0], W), {}, "conv2d: x is empty"),
        ((X, W[0]), {}, "conv2d: weight has shape"),
        ((X, W, np.zeros(3)), {}, r"bias has shape \(3,\); expected \(4,\)"),
        ((X, W), {"groups": 3}, "weight has 4 filters; expected a multiple of the 3 groups"),
        ((X, W), {"groups": 0}, "groups is 0; expected at least 1"),
        ((X, W), {"stride": 0}, "stride is 0; expected at least 1"),
        ((X, W), {"stride": 1.5}, "stride is 1.5; expected a whole number"),
        ((X, W), {"stride": True}, "stride is True; expected a whole number"),
        ((X, W), {"padding": -1}, "padding is -1; expected at least 0"),
        ((X, W), {"padding": (1, 2, 3)}, r"padding is \(1, 2, 3\); expected one number or a pair"),
        ((X, W), {"padding": "full"}, "padding is 'full'; expected one of 'valid', 'same'"),
        ((X, W), {"padding": "same", "stride": 2}, "'same' expects stride 1"),
        ((X, W), {"dilation": (3, 1)}, "kernel extends over 7 rows, the padded input has only 5"),
        ((X, W), {"dilation": (1, 3)}, "kernel extends over 7 columns, the padded input has"),
    ],
)
def test_bad_input_is_named(arguments, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        cnnlib.conv2d(*arguments, **options)


def test_a_layer_whose_groups_do_not_divide_is_refused():
    with pytest.raises(
        ValueError,
        match="in_channels is 4 and out_channels is 6; expected a multiple of the 3 groups",
    ):
        cnnlib.Conv2d(4, 6, 3, groups=3)


def test_a_layer_that_could_never_run_is_refused_when_it_is_made():
    with pytest.raises(ValueError, match="Conv2d: padding 'same' expects stride 1"):
        cnnlib.Conv2d(2, 3, 3, padding="same", stride=2)
    with pytest.raises(ValueError, match="Conv2d: padding 'same' expects stride 1"):
        cnnlib.Conv2d(2, 3, 3, padding="same", stride=(1, 2))
    with pytest.raises(ValueError, match=r"ConvTranspose2d: output_padding is \(0, 2\); expected"):
        cnnlib.ConvTranspose2d(2, 3, 3, stride=2, output_padding=(0, 2))
    with pytest.raises(ValueError, match=r"MaxPool2d: padding is \(2, 0\); expected at most half"):
        cnnlib.MaxPool2d(3, padding=(2, 0))
    with pytest.raises(ValueError, match=r"AvgPool2d: padding is \(0, 2\); expected at most half"):
        cnnlib.AvgPool2d(3, padding=(0, 2))


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"grad_output has shape .*; expected \(2, 4, 3, 4\)"):
        cnnlib.conv2d_backward(np.zeros((2, 4, 3, 5)), X, W)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"output_padding": 1},
            r"output_padding is \(1, 1\); expected less than the stride \(1, 1\)",
        ),
        ({"padding": 9}, r"padding \(9, 9\) cuts the output down to \(-11, -10\)"),
        ({"padding": (4, 0)}, r"padding \(4, 0\) cuts the output down to \(-1, 8\)"),
        ({"padding": (0, 4)}, r"padding \(0, 4\) cuts the output down to \(7, 0\)"),
        ({"groups": 2}, "x has 3 channels; expected a multiple of the 2 groups"),
    ],
)
def test_bad_input_of_the_transposed_convolution_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        cnnlib.conv_transpose2d(X, np.zeros((3, 4, 3, 3)), **options)
