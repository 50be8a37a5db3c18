import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import geometry
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import cnnlib
from cnnlib import fast_convolution
from cnnlib.fast_convolution import ENOUGH, rows_first, side_by_side

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


@pytest.fixture
def two_threads(monkeypatch):
    """A second thread, whatever this machine has, and for the least work."""
    monkeypatch.setattr(fast_convolution, "_threads_of_products", lambda: 2)
    monkeypatch.setattr(fast_convolution, "ENOUGH", 0)


def passes(x, weight, bias, options):
    """Outputs and gradients of all that computes side by side."""
    output = cnnlib.conv2d(x, weight, bias, **options)
    grad = np.random.default_rng(0).standard_normal(output.shape)
    layer = cnnlib.Conv2d(x.shape[1], len(weight), weight.shape[2:], dtype=np.float64, **options)
    layer.weight.data, layer.bias.data = weight, np.zeros(len(weight)) if bias is None else bias
    arrays = [output, *cnnlib.conv2d_backward(grad, x, weight, **options), layer.forward(x)]
    return [*arrays, layer.backward(grad), layer.weight.grad, layer.bias.grad]


def test_two_threads_find_the_very_numbers_of_one(two_threads):
    cases = list(geometry.convolutions())[::5]
    cases += [((x[:1], weight, bias), options) for (x, weight, bias), options in cases[::4]]
    for arrays, options in cases:
        two = passes(*arrays, options)
        with pytest.MonkeyPatch.context() as patch, threadpool_limits(1):
            patch.setattr(fast_convolution, "_threads_of_products", lambda: 1)
            one = passes(*arrays, options)
        for got, expected in zip(two, one, strict=True):
            np.testing.assert_array_equal(got, expected)


def test_both_passes_work_in_two_threads(two_threads, monkeypatch):
    seen, matmul = set(), np.matmul
    note = lambda *args, **named: (seen.add(threading.get_ident()), matmul(*args, **named))[1]  # noqa: E731
    x, weight = np.ones((2, 3, 6, 5)), np.ones((4, 3, 3, 2))
    monkeypatch.setattr(np, "matmul", note)
    output = cnnlib.conv2d(x, weight)
    assert len(seen) == 2 and threading.get_ident() in seen
    seen.clear()
    cnnlib.conv2d_backward(output, x, weight)
    assert len(seen) == 2 and threading.get_ident() in seen


def idents(multiply_adds=ENOUGH):
    return side_by_side(multiply_adds, threading.get_ident, threading.get_ident)


def test_there_is_one_thread_for_little_work_where_products_have_one_and_in_a_page(monkeypatch):
    own = threading.get_ident()
    monkeypatch.setattr(fast_convolution, "_threads_of_products", lambda: 2)
    assert idents()[0] == own != idents()[1]
    assert idents(ENOUGH - 1) == [own, own]
    monkeypatch.undo()
    with threadpool_limits(1):
        assert idents() == [own, own]
    with threadpool_limits(2):
        monkeypatch.setattr(sys, "platform", "emscripten")
        assert idents() == [own, own]


def threads_of_products():
    """Of NumPy's own library: other tests load others, which do not make its products."""
    libraries = threadpool_info()
    return [one["num_threads"] for one in libraries if "numpy" in one["filepath"]]


FORK = """
import os
from cnnlib import fast_convolution
fast_convolution._threads_of_products = lambda: 2
results = lambda: fast_convolution.side_by_side(fast_convolution.ENOUGH, int, str)
results()
if hasattr(os, "fork") and (child := os.fork()):
    assert os.waitpid(child, 0)[1] == 0
else:
    assert results() == [0, ""]
"""


def test_a_process_that_was_copied_has_a_second_thread_of_its_own():
    command = [sys.executable, "-c", FORK]
    subprocess.run(command, check=True, timeout=60, cwd=Path(cnnlib.__file__).parents[1])


def fail():
    raise ZeroDivisionError("on purpose")


def test_products_have_one_thread_meanwhile_and_as_many_as_before_afterwards(two_threads):
    with threadpool_limits(2, "blas"):
        before = threads_of_products()
        assert 2 in before
        during = side_by_side(ENOUGH, threads_of_products, threads_of_products)
        assert all(2 not in counts for counts in during)
        assert threads_of_products() == before
        for works in ((fail, int), (int, fail), (fail, fail)):
            with pytest.raises(ZeroDivisionError, match="on purpose"):
                side_by_side(ENOUGH, *works)
            assert threads_of_products() == before


def test_when_one_fails_the_other_is_waited_for(two_threads):
    done = []
    with pytest.raises(ZeroDivisionError):
        side_by_side(ENOUGH, fail, lambda: (time.sleep(0.2), done.append(1)))
    assert done


def test_a_dense_layer_leaves_no_threads_of_products_at_work(two_threads):
    during = []

    class Watched(cnnlib.Linear):
        function = staticmethod(lambda *args: (count(), cnnlib.linear(*args))[1])
        derivative = staticmethod(lambda *args: (count(), cnnlib.linear_backward(*args))[1])

    def count():
        during.append(threads_of_products())

    layer = Watched(3, 4)
    with threadpool_limits(2, "blas"):
        layer.backward(layer.forward(np.ones((2, 3), np.float32)))
    assert len(during) == 2 and not any(2 in counts for counts in during)


def test_a_second_thread_heeds_what_numpy_was_told_about_overflow(two_threads):
    work = lambda: np.full(3, 1e300) * 1e300  # noqa: E731
    with np.errstate(over="ignore"):
        assert np.isinf(side_by_side(ENOUGH, int, work)[1]).all()
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        side_by_side(ENOUGH, int, work)
