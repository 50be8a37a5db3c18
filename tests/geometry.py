"""The geometries of convolution and pooling that are tried: tables of all that fit.

The axes of an array differ in size, so that a transposition cannot hide. What Hypothesis draws
beside them is small, for the widgets' scripts, or of any size, for the functions.
"""

import itertools

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import cnnlib
from cnnlib.shapes import Windows


def fits(size, *geometry):
    """Whether a window of this kernel, stride, padding and dilation has a place to stop."""
    try:
        Windows("fits", size, *geometry)
    except ValueError:
        return False
    return True


def unlikely(rng, array, share=0.05):
    """The array, with inf, -inf and nan in a few places."""
    rare = rng.choice([np.inf, -np.inf, np.nan], array.shape)
    return np.where(rng.random(array.shape) < share, rare, array)


def convolutions():
    """All of the table: (x, weight, bias), options."""
    table = itertools.product(
        [(1, 1), (3, 2), (2, 4)],
        [1, (2, 3), (3, 1)],
        [0, (1, 2), 3, "same"],
        [1, (2, 1), (1, 3)],
        # images, groups, and of each group the channels and the filters; many of both and few
        [(4, 1, 2, 3), (3, 2, 1, 2), (2, 3, 2, 1), (2, 2, 3, 4)],
    )
    for number, (kernel, stride, padding, dilation, parts) in enumerate(table):
        (n, groups, channels, filters), size = parts, [(5, 7), (7, 9)][number % 2]
        padding = padding or [0, "valid"][number // 4 % 2]
        rng = np.random.default_rng(number)
        if fits(size, kernel, stride, padding, dilation):
            x = rng.standard_normal((n, groups * channels, *size))
            weight = rng.standard_normal((groups * filters, channels, *kernel))
            options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
            yield [x, weight, rng.standard_normal(len(weight))], options


def transposed_convolutions():
    """All of the table: (x, weight, bias), options."""
    table = itertools.product(
        [(1, 1), (3, 2), (2, 4)],
        [1, (2, 3), (3, 2)],
        [0, (1, 0)],
        [0, 1, (1, 0)],
        [1, (2, 1), (1, 3)],
        [(6, 2, 1, 2), (2, 3, 2, 3)],
    )
    for number, (kernel, stride, cut, more, dilation, parts) in enumerate(table):
        n, groups, channels, filters = parts
        rng = np.random.default_rng(number)
        inputs = [
            rng.standard_normal((n, groups * channels, 3, 5)),
            rng.standard_normal((groups * channels, filters, *kernel)),
            rng.standard_normal(groups * filters),
        ]
        options = {"stride": stride, "padding": cut, "output_padding": more, "groups": groups}
        options["dilation"] = dilation
        try:
            cnnlib.conv_transpose2d(*inputs, **options)
        except ValueError:
            continue
        yield inputs, options


def poolings():
    """All of the table: the function's name, [x, kernel_size], options."""
    rng = np.random.default_rng(2)
    sizes = itertools.cycle([(6, 7), (5, 8), (4, 9)])
    own = [{"dilation": 1}, {"dilation": (2, 1)}, {"dilation": (1, 3)}]
    own += [{"count_include_pad": True}, {"count_include_pad": False}]
    kernels, paddings = [1, 2, (3, 2), (4, 3)], [0, 1, (1, 0), (2, 1)]
    table = itertools.product(kernels, [None, 1, (2, 3)], paddings, [False, True], own)
    for kernel, stride, padding, ceil_mode, other in table:
        x = rng.integers(-3, 3, (2, 3, *next(sizes))).astype(float)  # so that many tie
        window = kernel, stride or kernel, padding, other.get("dilation", 1)
        inside = (np.broadcast_to(padding, 2) <= np.broadcast_to(kernel, 2) // 2).all()
        if inside and fits(x.shape[2:], *window):
            name = "max_pool2d" if "dilation" in other else "avg_pool2d"
            options = {"stride": stride, "padding": padding, "ceil_mode": ceil_mode}
            yield name, [x, kernel], options | other


small = st.integers(1, 3)


@st.composite
def small_convolutions(draw):
    """Random geometry for one image without a batch: (x, weight, bias), options."""
    groups, channels, filters = draw(small), draw(small), draw(small)
    kernel = draw(small), draw(st.integers(1, 4))
    dilation = draw(small), draw(small)
    same = draw(st.booleans())
    padding = "same" if same else (draw(st.integers(0, 2)), draw(st.integers(0, 3)))
    stride = 1 if same else (draw(small), draw(st.integers(1, 4)))
    size = [
        d * (k - 1) + 1 + draw(st.integers(0, 5)) for d, k in zip(dilation, kernel, strict=True)
    ]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.normal(size=(groups * channels, *size))
    weight = rng.normal(size=(groups * filters, channels, *kernel))
    bias = rng.normal(size=groups * filters)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return (x, weight, bias), options


@st.composite
def small_poolings(draw, values=np.random.Generator.normal):
    """Random geometry for one map: (x, mode, options), where `values(rng, size=...)` fill x."""
    kernel = draw(st.integers(1, 4)), draw(small)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    mode = draw(st.sampled_from(["max", "average"]))
    dilation = (draw(small), draw(small)) if mode == "max" else (1, 1)
    size = [
        max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 5))
        for d, k, p in zip(dilation, kernel, padding, strict=True)
    ]
    options = {
        "kernel_size": kernel,
        "stride": (draw(small), draw(st.integers(1, 4))),
        "padding": padding,
        "ceil_mode": draw(st.booleans()),
    }
    if mode == "max":
        options["dilation"] = dilation
    else:
        options["count_include_pad"] = draw(st.booleans())
    return values(np.random.default_rng(draw(st.integers(0, 2**32 - 1))), size=size), mode, options


pairs = st.tuples(small, small)
numbers = st.one_of(st.floats(-100, 100), st.sampled_from([0.0, -0.0, np.inf, -np.inf, np.nan]))


def filled(*shape):
    """Arrays of this shape, of any numbers: zeros, infinities and nan are likely."""
    return hnp.arrays(np.float64, shape, elements=numbers)


@st.composite
def any_convolutions(draw):
    """Random geometry and random numbers: (x, weight, bias), options."""
    groups = draw(small)
    per_group, filters_per_group = draw(st.permutations([1, 2, 3, 9]))[:2]
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dilation = draw(pairs)
    either = st.tuples(st.integers(0, 3), st.integers(0, 3))
    padding = draw(st.one_of(st.integers(0, 3), either, st.sampled_from(["valid", "same"])))
    stride = (1, 1) if padding == "same" else draw(pairs)
    size = draw(st.permutations(range(5, 14)))[:2]
    assume(fits(size, kernel, stride, padding, dilation))
    filters = groups * filters_per_group
    x = draw(filled(draw(st.integers(1, 4)), groups * per_group, *size))
    arrays = [x, draw(filled(filters, per_group, *kernel)), draw(filled(filters))]
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return arrays, options


@st.composite
def any_transposed_convolutions(draw):
    """Random geometry and random numbers: (x, weight, bias), options."""
    groups = draw(small)
    per_group, filters_per_group = draw(st.permutations([1, 2, 3, 9]))[:2]
    kernel, stride, dilation = draw(pairs), draw(pairs), draw(pairs)
    size = draw(st.permutations(range(2, 8)))[:2]
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    more = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
    cut = tuple(draw(st.integers(0, e // 2)) for e in extent)
    for axis, pixels in enumerate(size):
        assume((pixels - 1) * stride[axis] + extent[axis] - 2 * cut[axis] + more[axis] >= 1)
    channels, filters = groups * per_group, groups * filters_per_group
    x = draw(filled(draw(st.integers(1, 4)), channels, *size))
    arrays = [x, draw(filled(channels, filters_per_group, *kernel)), draw(filled(filters))]
    options = {"stride": stride, "padding": cut, "output_padding": more}
    return arrays, options | {"groups": groups, "dilation": dilation}


@st.composite
def any_poolings(draw):
    """Random geometry and random numbers: a function's name, [x], options."""
    name = draw(st.sampled_from(["max_pool2d", "avg_pool2d"]))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.one_of(st.none(), st.tuples(st.integers(1, 4), st.integers(1, 4))))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = draw(st.permutations(range(4, 12)))[:2]
    options = {"kernel_size": kernel, "stride": stride, "padding": padding}
    options["ceil_mode"] = draw(st.booleans())
    if name == "max_pool2d":
        options["dilation"] = draw(pairs)
    else:
        options["count_include_pad"] = draw(st.booleans())
    assume(fits(size, kernel, stride or kernel, padding, options.get("dilation", 1)))
    return name, [draw(filled(draw(st.integers(1, 2)), 3, *size))], options
