import platform
import subprocess
import sys
from pathlib import Path

import geometry
import numpy as np

import cnnlib
from cnnlib.fast_convolution import rows_first

FAULTS = """
import resource
import numpy as np
{}

def touch():
    for size in (200_000, 700_000, 5_000_000):  # numbers of 8 bytes
        np.ones(size)

touch(), touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(statement):
    command = [sys.executable, "-c", FAULTS.format(statement)]
    root = Path(cnnlib.__file__).parents[1]
    return int(subprocess.run(command, capture_output=True, check=True, cwd=root).stdout)


def test_memory_that_was_freed_is_used_again_where_the_c_library_can_be_told_to():
    if platform.libc_ver()[0] == "glibc":
        assert faults("import cnnlib") < 100 < 1000 < faults("pass")
    else:
        assert faults("import cnnlib") >= 0


def test_the_numbers_are_those_of_the_simple_way():
    for (x, weight, bias), options in list(geometry.convolutions())[::5]:
        fast = cnnlib.conv2d(x, weight, bias, **options)
        simple = cnnlib.conv2d_im2col(x, weight, bias, **options)
        np.testing.assert_allclose(fast, simple, atol=1e-12)
        grad = np.random.default_rng(0).standard_normal(fast.shape)
        gradients = cnnlib.conv2d_backward(grad, x, weight, **options)
        expected = cnnlib.conv2d_backward_im2col(grad, x, weight, **options)
        for one, other in zip(gradients, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-11)


def test_images_are_laid_out_by_row_channel_column_and_image():
    x = np.arange(1.0, 2 * 3 * 4 * 5 + 1).reshape(2, 3, 4, 5)
    image = rows_first(x)
    assert image.shape == (4, 3, 5, 2) and image.flags.c_contiguous
    np.testing.assert_array_equal(image.transpose(3, 1, 0, 2), x)
    assert np.shares_memory(rows_first(image.transpose(3, 1, 0, 2)), image)
