"""The replay of CUDA's caching allocator: its rules one by one, and properties that hold for any sequence."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workbench.estimates.allocator import MIB, CachingAllocator


def reserve(*sizes: int) -> int:
    allocator = CachingAllocator()
    for size in sizes:
        allocator.allocate(size)
    return allocator.reserved_bytes


def test_small_blocks_share_a_segment_of_two_mebibytes() -> None:
    assert reserve(1) == 2 * MIB
    assert reserve(*[512] * 4096) == 2 * MIB
    assert reserve(*[512] * 4097) == 4 * MIB


def test_middling_blocks_share_a_segment_of_twenty_mebibytes() -> None:
    assert reserve(MIB + 1) == 20 * MIB
    assert reserve(9 * MIB, 9 * MIB) == 20 * MIB
    assert reserve(9 * MIB, 9 * MIB, 9 * MIB) == 40 * MIB


def test_large_blocks_get_a_segment_of_their_own() -> None:
    assert reserve(10 * MIB) == 10 * MIB
    assert reserve(11 * MIB - 7) == 12 * MIB


def test_nothing_is_reserved_for_an_empty_tensor() -> None:
    assert reserve(0) == 0


def test_what_is_given_back_is_used_again() -> None:
    allocator = CachingAllocator()
    for _ in range(5):
        block = allocator.allocate(30 * MIB)
        allocator.release(block, 30 * MIB)
    assert allocator.reserved_bytes == 30 * MIB


def test_neighbours_that_are_free_merge() -> None:
    allocator = CachingAllocator()
    blocks = [allocator.allocate(5 * MIB) for _ in range(4)]
    for block in blocks:
        allocator.release(block, 5 * MIB)
    allocator.allocate(18 * MIB)
    assert allocator.reserved_bytes == 20 * MIB


def test_a_hole_too_small_is_not_used() -> None:
    allocator = CachingAllocator()
    first, _ = allocator.allocate(30 * MIB), allocator.allocate(30 * MIB)
    allocator.release(first, 30 * MIB)
    allocator.allocate(31 * MIB)
    assert allocator.reserved_bytes == 92 * MIB


@given(st.lists(st.tuples(st.integers(0, 50 * MIB), st.booleans()), max_size=60))
def test_as_much_is_reserved_as_lives_and_blocks_never_overlap(steps: list[tuple[int, bool]]) -> None:
    allocator = CachingAllocator()
    live = []
    peak = 0
    for size, releases in steps:
        live.append((allocator.allocate(size), size))
        peak = max(peak, sum(size for _, size in live))
        if releases:
            allocator.release(*live.pop(len(live) // 2))
        taken = sorted((b.segment, b.start, b.start + b.size) for b, _ in live if b is not None)
        for (segment, _, end), (following, start, _) in pairwise(taken):
            assert segment != following or end <= start
    assert allocator.reserved_bytes >= peak
    assert allocator.reserved_bytes <= sum(max(2 * MIB, 2 * size + 20 * MIB) for size, _ in steps)
