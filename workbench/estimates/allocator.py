"""How much a step makes CUDA's caching allocator reserve: the recorded allocations, replayed by its rules.

Rules of `c10/cuda/CUDACachingAllocator.cpp` with default settings: sizes are rounded up to 512 bytes; up to 1 MiB is
cut from segments of 2 MiB, below 10 MiB from segments of 20 MiB, anything larger gets a segment rounded up to 2 MiB;
the smallest free block that fits is taken, and split where what remains is worth keeping; free neighbours merge;
segments are kept.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

from workbench.estimates.recording import GRADIENTS, OPTIMIZER, Recording

MIB = 1 << 20
_SMALL = MIB


@dataclass(slots=True, eq=False)
class _Block:
    segment: int
    start: int
    size: int
    free: bool = True
    before: _Block | None = None
    after: _Block | None = None


class CachingAllocator:
    """Counts what would be reserved; `reserved_bytes` never falls, as nothing is given back to the driver."""

    def __init__(self) -> None:
        self.reserved_bytes = 0
        self._segments = 0
        self._pools: dict[bool, list[tuple[int, int, int]]] = {True: [], False: []}
        self._blocks: dict[tuple[int, int], _Block] = {}

    def allocate(self, size: int) -> _Block | None:
        """A block of at least `size` bytes; None for an empty tensor, which needs none."""
        if size == 0:
            return None
        size = round_up(size, 512)
        small = size <= _SMALL
        pool = self._pools[small]
        place = bisect_left(pool, (size, -1, -1))
        block = self._take(pool, place) if place < len(pool) else self._reserve(size)
        rest = block.size - size
        if rest >= 512 if small else rest > MIB:
            tail = _Block(block.segment, block.start + size, rest, True, block, block.after)
            if block.after is not None:
                block.after.before = tail
            block.after, block.size = tail, size
            self._put(pool, tail)
        block.free = False
        return block

    def release(self, block: _Block | None, size: int) -> None:
        """Give `block`, allocated for `size` bytes, back to its pool and merge it with free neighbours."""
        if block is None:
            return
        pool = self._pools[round_up(size, 512) <= _SMALL]
        block.free = True
        for neighbour, later in ((block.after, True), (block.before, False)):
            if neighbour is None or not neighbour.free:
                continue
            pool.pop(bisect_left(pool, (neighbour.size, neighbour.segment, neighbour.start)))
            del self._blocks[neighbour.segment, neighbour.start]
            first, second = (block, neighbour) if later else (neighbour, block)
            first.size += second.size
            first.after = second.after
            if second.after is not None:
                second.after.before = first
            block = first
        self._put(pool, block)

    def _reserve(self, size: int) -> _Block:
        whole = 2 * MIB if size <= _SMALL else 20 * MIB if size < 10 * MIB else round_up(size, 2 * MIB)
        self.reserved_bytes += whole
        self._segments += 1
        return _Block(self._segments, 0, whole)

    def _put(self, pool: list[tuple[int, int, int]], block: _Block) -> None:
        insort(pool, (block.size, block.segment, block.start))
        self._blocks[block.segment, block.start] = block

    def _take(self, pool: list[tuple[int, int, int]], place: int) -> _Block:
        _, segment, start = pool.pop(place)
        return self._blocks.pop((segment, start))


def replay(recording: Recording) -> int:
    """Bytes reserved after two steps: weights, a step, the optimizer's states as they are first made, a second step."""
    allocator = CachingAllocator()
    blocks: dict[int, _Block | None] = {}

    def begin(number: int) -> None:
        blocks[number] = allocator.allocate(recording.sizes[number])

    def end(number: int) -> None:
        allocator.release(blocks.pop(number), recording.sizes[number])

    resident = recording.events[: recording.resident]
    kept = set(resident)
    states = [number for number in resident if recording.parts[number] == OPTIMIZER]
    for number in resident:
        if recording.parts[number] != OPTIMIZER:
            begin(number)
    for attempt in range(2):
        for event in recording.events[recording.resident :]:
            if event >= 0:
                begin(event)
            elif ~event in blocks:
                end(~event)
        if attempt == 0:
            for number in states:
                begin(number)
        for number in [n for n in blocks if recording.parts[n] == GRADIENTS and n not in kept]:
            end(number)
    return allocator.reserved_bytes


def round_up(size: int, unit: int) -> int:
    """`size` as the next multiple of `unit`."""
    return -(-size // unit) * unit
