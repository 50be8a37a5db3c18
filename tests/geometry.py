"""Convolutions small enough for the script of the widgets; test_convolution.py draws larger."""

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
