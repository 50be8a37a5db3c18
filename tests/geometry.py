"""Convolutions and poolings small enough for the widgets' script; other tests draw larger ones."""

import numpy as np
from hypothesis import strategies as st

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
