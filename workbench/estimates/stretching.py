"""The allocations of a deep model from those of two shallow ones: one layer's share is repeated in the middle.

What an allocator reserves depends on the order of all allocations and releases, so it cannot be extrapolated as a
number. The order can: of the deeper of two recordings, a window as long as one layer is repeated, in the forward pass
and, in the opposite order of layers, in the backward pass. A repeated tensor ends in the repetition that mirrors the
one it began in.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from workbench.estimates.recording import Recording

_Moment = tuple[int, int, int]
"""A place in the stretched step: phase, operator, order within the operator."""


@dataclass(frozen=True, slots=True)
class _Window:
    """The operators `start` to `start + length` of a phase, which stand `times` times more in the stretched one."""

    start: int
    length: int
    times: int

    def holds(self, operator: int) -> bool:
        return self.start <= operator < self.start + self.length

    def shift(self, operator: int) -> int:
        """By how much an operator outside the window, or its first occurrence inside, moves."""
        return self.times * self.length if operator >= self.start + self.length else 0


@dataclass(frozen=True, slots=True)
class _Life:
    """A tensor of the recording: the phase and operator of its begin and end, and the events' numbers."""

    number: int
    begin: tuple[int, int, int]
    end: tuple[int, int, int] | None


def stretch(shallow: Recording, deeper: Recording, times: int) -> Recording:
    """The allocations of a model that has `times` layers more than `deeper`, which has one more than `shallow`.

    The result has no operators. For layers that repeat in groups read “group” for “layer”.
    """
    forward = _find_window(shallow, deeper, "forward", times)
    backward = _find_window(shallow, deeper, "backward", times)
    sizes, parts = list(deeper.sizes), list(deeper.parts)
    moments: list[tuple[_Moment, int]] = []
    for life in _find_lives(deeper):
        for copy, (begin, end) in enumerate(_place(life, forward, backward)):
            number = life.number
            if copy:
                number = len(sizes)
                sizes.append(deeper.sizes[life.number])
                parts.append(deeper.parts[life.number])
            moments.append((begin, number))
            if end is not None:
                moments.append((end, ~number))
    resident = list(deeper.events[: deeper.resident])
    for (size, part), count in _count_resident(deeper, shallow).items():
        for _ in range(count * times):
            resident.append(len(sizes))
            sizes.append(size)
            parts.append(part)
    events = (*resident, *(event for _, event in sorted(moments)))
    return Recording((), (), tuple(sizes), tuple(parts), events, len(resident))


def find_peak_of_events(recording: Recording) -> int:
    """The most bytes alive at once, without what operators use inside."""
    live = peak = 0
    for event in recording.events:
        live += recording.sizes[event] if event >= 0 else -recording.sizes[~event]
        peak = max(peak, live)
    return peak


def _place(life: _Life, forward: _Window, backward: _Window) -> list[tuple[_Moment, _Moment | None]]:
    """Begin and end of every copy of a tensor in the stretched step."""
    phase, operator, order = life.begin
    window = backward if phase else forward
    if not window.holds(operator):
        begin = (phase, operator + window.shift(operator), order)
        return [(begin, _place_end(life, forward, backward))]
    copies = []
    for copy in range(window.times + 1):
        end: _Moment | None = None
        if life.end is not None:
            last_phase, last, last_order = life.end
            mirrored = copy if last_phase == phase else window.times - copy
            length = (backward if last_phase else forward).length
            end = (last_phase, last + mirrored * length, last_order)
        copies.append(((phase, operator + copy * window.length, order), end))
    return copies


def _place_end(life: _Life, forward: _Window, backward: _Window) -> _Moment | None:
    """Where a tensor that began outside the window ends."""
    if life.end is None:
        return None
    phase, operator, order = life.end
    window = backward if phase else forward
    early_layer = phase and not life.begin[0] and life.begin[1] < forward.start and operator >= window.start
    return (phase, operator + (window.times * window.length if early_layer else window.shift(operator)), order)


def _find_window(shallow: Recording, deeper: Recording, phase: str, times: int) -> _Window:
    """The last whole layer before the two recordings part."""
    a = [op.name for op in shallow.ops if op.phase == phase]
    b = [op.name for op in deeper.ops if op.phase == phase]
    length = len(b) - len(a)
    common = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    return _Window(max(common - length, 0), length, times)


def _find_lives(recording: Recording) -> list[_Life]:
    """When each storage that is not resident begins and ends."""
    phases = [("forward", "backward").index(op.phase) for op in recording.ops]
    firsts = {phase: phases.index(phase) for phase in set(phases)}
    begins: dict[int, tuple[int, int, int]] = {}
    lives: list[_Life] = []
    place = 0
    for order in range(recording.resident, len(recording.events)):
        while place < len(phases) - 1 and order >= recording.marks[place]:
            place += 1
        moment = (phases[place], place - firsts[phases[place]], order)
        event = recording.events[order]
        if event >= 0:
            begins[event] = moment
        elif ~event in begins:
            lives.append(_Life(~event, begins.pop(~event), moment))
    return lives + [_Life(number, begin, None) for number, begin in begins.items()]


def _count_resident(deeper: Recording, shallow: Recording) -> Counter[tuple[int, int]]:
    """Sizes and parts of what is resident in `deeper` and not in `shallow`: one layer's weights and states."""

    def count(recording: Recording) -> Counter[tuple[int, int]]:
        return Counter((recording.sizes[n], recording.parts[n]) for n in recording.events[: recording.resident])

    return count(deeper) - count(shallow)
