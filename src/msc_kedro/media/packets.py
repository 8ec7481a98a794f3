"""Which packets of a video must be decoded to have the pictures of some times.

Decoding is what takes the time. A picture that no other one is made from, and that is on screen at
none of the times, need not be decoded; nor need a stretch between two key pictures in which no time
falls.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST_STRETCH = 512  # packets held at once; a longer stretch is decided on in parts
_ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Stretch:
    """Packets from a key picture to the next one, in their order in the file.

    Attributes:
        packets: what the file holds.
        wanted: of each packet whether its picture is on screen at one of the times. A decoder may
            leave out the others, where nothing else is made from them.
        skipped: none of it is needed, and what comes next begins anew.
    """

    packets: tuple[Any, ...]
    wanted: tuple[bool, ...]
    skipped: bool = False


def stretches(
    packets: Iterable[Any], times_s: Sequence[float], clock_s: float
) -> Iterator[Stretch]:
    """The packets of a stream of pictures, each with whether it is wanted.

    Args:
        packets: as demuxed, with `pts`, `time_base`, `size` and `is_keyframe`.
        times_s: seconds on the file's own clock, in order.
        clock_s: where that clock begins.

    Yields:
        Packets in their order, up to the last that is needed. Where a stretch has no time stamps,
        no key picture at its beginning or no end in sight, all of it is wanted.
    """
    first = 0  # of the times whose pictures are still to come
    carried = False  # the last one may be of a picture that follows the next key picture
    for held, next_key_s, whole in _held(packets, clock_s):
        if first == len(times_s) and not carried:
            return
        shown_s = [_time_s(packet, clock_s) for packet in held]
        known = sorted(time for time in shown_s if time is not None)
        end = len(times_s) if next_key_s is None else bisect_left(times_s, next_key_s, first)
        if not whole or len(known) < len(held):
            yield Stretch(held, (True,) * len(held))
            carried = next_key_s is None or not known
            first = first if carried else end
            continue
        if end == first and not carried:
            yield Stretch(held, (False,) * len(held), skipped=True)
            continue
        wanted = {time for time in known if carried and time < (shown_s[0] or 0.0)}
        for time in times_s[first:end]:
            for near in (time - _ROUNDING_S, time + _ROUNDING_S):
                wanted.add(known[max(0, bisect_right(known, near) - 1)])
        yield Stretch(held, tuple(time in wanted for time in shown_s))
        carried = first < end and times_s[end - 1] > known[-1]
        first = end


def _held(
    packets: Iterable[Any], clock_s: float
) -> Iterator[tuple[tuple[Any, ...], float | None, bool]]:
    """Packets up to a key picture, when that is shown, and whether they are all from key to key."""
    held: list[Any] = []
    for packet in packets:
        if packet.size == 0:  # what a demuxer sends at the end
            continue
        key = bool(packet.is_keyframe)
        if held and (key or len(held) == _LONGEST_STRETCH):
            whole = key and bool(held[0].is_keyframe)
            yield tuple(held), _time_s(packet, clock_s) if key else None, whole
            held = []
        held.append(packet)
    if held:
        yield tuple(held), None, bool(held[0].is_keyframe)


def _time_s(packet: Any, clock_s: float) -> float | None:
    if packet.pts is None:
        return None
    return float(packet.pts * packet.time_base) - clock_s
