import geometry
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from cnnlib import shapes


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "expected"),
    [
        (6, 4, 1, 0, (6 - 4) // 1 + 1),
        (6, 4, 2, 0, (6 - 4) // 2 + 1),
        (6, 4, 2, 1, (6 + 2 - 4) // 2 + 1),
        (7, 3, 2, 0, 3),
        (7, 3, 5, 0, 1),
        (32, 5, 1, 2, 36 - 5 + 1),
        (32, 3, 1, 1, 32),
    ],
)
def test_the_output_size_of_the_sources(size, kernel, stride, padding, expected):
    assert shapes.conv_output_size(size, kernel, stride, padding) == expected


def test_rows_that_no_window_touches_are_left_over():
    assert shapes.rows_left_over(7, 3, 5) == 7 - 3
    assert shapes.rows_left_over(7, 3, 2) == 0
    assert shapes.rows_left_over(8, 3, 2) == 1


@given(
    st.integers(1, 40), st.integers(1, 6), st.integers(1, 5), st.integers(0, 5), st.integers(1, 4)
)
def test_the_output_size_is_that_of_torch(size, kernel, stride, padding, dilation):
    assume(dilation * (kernel - 1) + 1 <= size + 2 * padding)
    x, weight = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel)
    expected = torch.nn.functional.conv1d(x, weight, None, stride, padding, dilation).shape[-1]
    assert shapes.conv_output_size(size, kernel, stride, padding, dilation) == expected
    left = shapes.rows_left_over(size, kernel, stride, padding, dilation)
    touched = (expected - 1) * stride + shapes.effective_kernel_size(kernel, dilation)
    assert left == size + 2 * padding - touched


def test_the_windows_of_pooling_are_as_many_as_in_torch_and_lie_in_the_padded_image():
    for name, (x, kernel_size), options in geometry.poolings():
        options.pop("count_include_pad", None)
        windows = shapes.Windows("test", x.shape[2:], kernel_size, **options | {"stride": 2})
        options |= {"stride": 2, "kernel_size": kernel_size}
        expected = getattr(torch.nn.functional, name)(torch.tensor(x), **options)
        assert windows.output_size == expected.shape[2:]
        padded = np.arange(np.prod(windows.padded_size)).reshape(windows.padded_size)
        assert padded[windows.inside()].shape == windows.size
        for axis, (before, after) in enumerate(windows.sides):
            assert windows.padded_size[axis] == before + windows.size[axis] + after
            last = windows.stops(axis, windows.kernel_size[axis] - 1).stop
            assert last <= windows.padded_size[axis]
            if after > before:  # no more than the last window needs
                assert last == windows.padded_size[axis]
        for i, j, rows, columns in windows.places():
            assert padded[rows, columns].shape == windows.output_size
            start = i * windows.dilation[0], j * windows.dilation[1]
            assert padded[rows, columns][0, 0] == padded[start]


@given(st.integers(1, 8), st.integers(1, 4))
def test_same_padding_keeps_the_size_and_puts_the_odd_row_after(kernel, dilation):
    before, after = shapes.same_padding(kernel, dilation)
    assert 20 + before + after - shapes.effective_kernel_size(kernel, dilation) + 1 == 20
    assert 0 <= after - before <= 1
    assert shapes.conv_output_size(20, kernel, padding="same", dilation=dilation) == 20


def test_a_kernel_larger_than_the_padded_input_is_refused():
    with pytest.raises(ValueError, match="kernel extends over 7 rows, the padded input has only 6"):
        shapes.conv_output_size(4, 4, padding=1, dilation=2)


def test_padding_in_words_or_numbers_is_rows_on_each_side():
    assert shapes.padding_sides("f", 3) == ((0, 0), (0, 0))
    assert shapes.padding_sides("f", 3, padding="valid") == ((0, 0), (0, 0))
    assert shapes.padding_sides("f", (4, 3), padding="same", dilation=(1, 2)) == ((1, 2), (2, 2))
    assert shapes.padding_sides("f", 3, padding=(1, 2)) == ((1, 1), (2, 2))


def test_the_size_of_a_transposed_convolution_is_that_of_torch():
    for (x, weight, _), options in geometry.transposed_convolutions():
        arrays = torch.tensor(x), torch.tensor(weight)
        expected = torch.nn.functional.conv_transpose2d(*arrays, **options).shape[2:]
        names = "stride", "padding", "output_padding", "dilation"
        pairs = [np.broadcast_to(options[name], 2).tolist() for name in names]
        for axis, size in enumerate(expected):
            own = (pair[axis] for pair in pairs)
            found = shapes.conv_transpose_output_size(
                x.shape[2 + axis], weight.shape[2 + axis], *own
            )
            assert found == size


def test_output_padding_is_less_than_the_stride_or_the_dilation():
    stride, dilation = (1, 3), (2, 1)
    assert shapes.transposed_geometry("f", stride, 0, (1, 2), dilation)[2] == (1, 2)
    for more in ((2, 0), (0, 3)):
        with pytest.raises(ValueError, match=r"f: output_padding is .*; expected less than"):
            shapes.transposed_geometry("f", stride, 0, more, dilation)


def test_two_3x3_layers_see_as_far_as_one_5x5():
    assert shapes.receptive_field([(3, 1), (3, 1)]) == 1 + 2 + 2
    assert shapes.receptive_field([(3, 1), (2, 2), (3, 1)]) == 1 + 2 + 1 + 2 * 2
    assert shapes.receptive_field([(3, 2, 2)]) == 1 + 2 * 2
    assert shapes.receptive_field([]) == 1
    assert shapes.receptive_field([size, 1] for size in (3, 5)) == 1 + 2 + 4
    for layer in ((3,), (3, 1, 1, 1)):
        with pytest.raises(
            ValueError, match=r"receptive_field: stack has \(3.*; expected \(kernel"
        ):
            shapes.receptive_field([layer])


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        (5, "receptive_field: stack is a int; expected an Iterable"),
        ([5], "receptive_field: stack is a int; expected a Sequence"),
        ([(0, 1)], "receptive_field: kernel_size is 0; expected at least 1"),
        ([(3, 0)], "receptive_field: stride is 0; expected at least 1"),
        ([(3, 1, 0)], "receptive_field: dilation is 0; expected at least 1"),
        ([(3, 1.5)], "receptive_field: stride is 1.5; expected a whole number"),
        ([(3, 1), (2.5, 1)], "receptive_field: kernel_size is 2.5; expected a whole number"),
    ],
)
def test_a_stack_that_is_none_is_named(stack, message):
    with pytest.raises((ValueError, TypeError), match=f"^{message}"):
        shapes.receptive_field(stack)


def test_the_parameter_counts_of_the_sources():
    assert shapes.conv2d_parameters(1, 3, 2) == 12 + 3
    assert shapes.conv2d_parameters(3, 1, 2) == 12 + 1
    assert shapes.conv2d_parameters(2, 3, 2) == 24 + 3
    assert shapes.conv2d_parameters(3, 10, 5) == 760
    assert shapes.conv2d_parameters(4, 6, (3, 2), groups=2, bias=False) == 6 * 2 * 3 * 2
    assert shapes.linear_parameters(64, 20) == 1280 + 20
    for channels in ((3, 4), (4, 3)):
        with pytest.raises(ValueError, match=r"conv2d_parameters: in_channels is .*2 groups"):
            shapes.conv2d_parameters(*channels, 3, groups=2)
