"""Arrays whose memory has been used before.

The first touch of fresh memory costs a page fault for every 4 KiB, about four times what a layer
then does with it. So large arrays are cut from blocks that are kept, and a block is handed out
again once nobody holds an array made of it.
"""

import math
import sys
import threading
from collections.abc import Sequence

import numpy as np

SMALL = 1 << 16  # bytes; below this the allocator itself recycles
PATIENCE = 300  # requests that a free block outlives; a training step makes fewer


class _Pool:
    """Blocks of bytes, each with the number of the request that last took it."""

    def __init__(self) -> None:
        self.lock, self.requests = threading.Lock(), 0
        self.blocks, self.last_use = [np.empty(0, np.uint8)], [0]
        self.free = self.holders()[0]  # the count of a block that only the pool holds

    def holders(self) -> list[int]:
        """How many references each block has. An array made of a block is one of them."""
        return [sys.getrefcount(block) for block in self.blocks]

    def take(self, size: int) -> np.ndarray:
        """A view of a free block of exactly `size` bytes, or of a new one."""
        with self.lock:
            self.requests += 1
            free = [count == self.free for count in self.holders()]
            for index, block in enumerate(self.blocks):
                if free[index] and block.size == size:
                    self.last_use[index] = self.requests
                    return block[:]
            young = self.requests - PATIENCE
            keep = [i for i, used in enumerate(self.last_use) if used > young or not free[i]]
            self.blocks = [self.blocks[i] for i in keep] + [np.empty(size, np.uint8)]
            self.last_use = [self.last_use[i] for i in keep] + [self.requests]
            return self.blocks[-1][:]


_pool = _Pool()


def empty(shape: Sequence[int], dtype: np.dtype | type) -> np.ndarray:
    """An array with arbitrary contents, as `np.empty`."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size < SMALL:
        return np.empty(shape, dtype)
    return _pool.take(size).view(dtype).reshape(shape)


def zeros(shape: Sequence[int], dtype: np.dtype | type) -> np.ndarray:
    """An array of zeros, as `np.zeros`."""
    array = empty(shape, dtype)
    array.fill(0)
    return array


def empty_like(x: np.ndarray, shape: Sequence[int] | None = None) -> np.ndarray:
    """An array of `shape` (that of `x`) whose axes lie in memory in the order of those of `x`.

    An operation is fast when its arrays agree in this order.
    """
    shape = x.shape if shape is None else shape
    order = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    array = empty([shape[axis] for axis in order], x.dtype)
    return array.transpose(np.argsort(order))
