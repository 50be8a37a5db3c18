import numpy as np

from cnnlib import memory

SHAPE = (40, 30, 20)  # 96,000 bytes of float32: large enough to be kept


def test_memory_is_handed_out_again_once_nobody_holds_it():
    first = memory.empty(SHAPE, np.float32)
    address = first.ctypes.data
    view = first[1:, ::2]
    del first
    assert memory.empty(SHAPE, np.float32).ctypes.data != address
    del view
    assert memory.empty(SHAPE, np.float32).ctypes.data == address


def test_two_arrays_that_are_held_do_not_overlap():
    arrays = [memory.zeros(SHAPE, np.float32) for _ in range(4)]
    for number, array in enumerate(arrays):
        array += number
    assert [array.max() for array in arrays] == [0, 1, 2, 3]


def test_a_block_that_nobody_asks_for_is_given_up():
    kept = memory.empty((123_456,), np.uint8)
    del kept
    sizes = [block.size for block in memory._pool.blocks]
    assert 123_456 in sizes
    for number in range(memory.PATIENCE + 2):
        memory.empty((200_000 + number % 2,), np.uint8)
    memory.empty((300_000,), np.uint8)
    assert 123_456 not in [block.size for block in memory._pool.blocks]


def test_an_array_like_another_lies_in_memory_as_it_does():
    x = np.zeros((5, 4, 3, 2)).transpose(3, 1, 0, 2)
    like = memory.empty_like(x)
    assert like.shape == x.shape
    assert like.strides == x.strides
    other = memory.empty_like(x, (2, 4, 7, 9))
    assert other.shape == (2, 4, 7, 9)
    assert np.argsort(other.strides).tolist() == np.argsort(x.strides).tolist()
