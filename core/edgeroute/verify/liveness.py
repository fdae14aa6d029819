"""Which channel groups died: constant, clipped or unresolved where the reference is alive, whatever the average says.

A detector whose class scores were all exactly 0 after int8 showed 29.7 dB: its boxes reach 320, its scores 0.81, one scale serves both.
So every *block* is judged by itself: the parts that a concat joined (given), runs of channels that stay within 0..1 beside others that do
not (found), otherwise the whole output; and inside a block every channel.

What is judged, and what is not, so that a silent channel is no false alarm:
- a block within 0..1 (scores, probabilities) only if it spans at least ACTIVE of that range: classes that no sample shows stay near 0;
- a channel of such a block if it spans CHANNEL_ACTIVE of it; a channel of any other block if its deviation is at least LOUD of the block's loudest one
  (an error when dead), or FAINT (a warning: a shared scale of 256 steps cannot hold it);
- only what leaves its mean by a quarter of its range in at least two samples (one peak is no activity).

Dead is: constant; or a spread below a tenth of the reference's without correlation; or a reference range of less than two steps of the
file's output scale; or most of its activity beyond what the scale can hold. A channel among the loudest that moves, but not as the
reference's does, is as bad.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeroute.types import Finding, OutputFidelity, Severity
from edgeroute.verify.compare import AxisSums, Comparison, part_name
from edgeroute.verify.profile import Groups, Profile, channel_axes, is_position

Array = Any
ACTIVE = 0.05
RESTLESS = 0.005
CHANNEL_ACTIVE = 0.1
LOUD = 0.05
FAINT = 0.005
QUIET = 0.1
"""Spread below which a group that does not follow its reference is dead."""
STRAY, STRAY_LOUD, STRAY_VALUES = 0.2, 0.3, 64
"""A correlation below which a channel of at least this share of the loudest deviation does not follow its reference, over so many values."""
UNRESOLVED, COARSE = 2.0, 8.0
"""Steps of the output scale that a group's range spans."""
MOST_RUNS = 4
BEYOND = 1.5
MOST_NAMED = 4
REVIVE = (
    "convert with --effort max, which gives what is joined scales of its own and tries every quantizer; "
    "or end the network before this output, and compute it in the application (--allow-degraded does not let it pass)"
)
"""What to do about a dead group, whatever was tried before."""


@dataclass(frozen=True)
class Block:
    """Channels of one axis that belong together."""

    axis: int
    start: int
    stop: int
    whole: bool
    unit: bool
    """All values within 0..1."""
    alive: bool
    """The samples make it move enough to judge it."""
    span: float = 0.0


@dataclass(frozen=True)
class Death:
    """A block, or some channels of one, that the file lost."""

    name: str
    how: str
    share: float
    """Of the block's living channels."""
    severity: Severity
    block: bool


def blocks(profile: Profile, joined: Sequence[Mapping[str, Any]] = ()) -> list[Block]:
    """The parts of an output: given ones (`axis`, `sizes`), found ones, or one whole. The first axis of the profile comes first."""
    found: list[Block] = []
    for groups in profile.groups:
        cuts = _given(groups, joined) or _found(groups)
        edges = [0, *cuts, groups.size]
        parts = [_block(groups, a, b, whole=not cuts) for a, b in itertools.pairwise(edges)]
        found += parts if cuts or not found else [b for b in parts if not b.whole]
    return found


def deaths(comparison: Comparison, parts: Sequence[Block], step: float, random: bool = False) -> list[Death]:
    """Everything that died, the heaviest first; `step` is the file's output scale, 0 for a float file.

    On `random` data, what moves is alive: whether it follows tells little there.
    """
    found: list[Death] = []
    for groups, sums in zip(comparison.profile.groups, comparison.axes, strict=True):
        own = [b for b in parts if b.axis == groups.axis] or [_block(groups, 0, groups.size, whole=True)]
        for block in own:
            whole = _dead_block(comparison.name, groups, sums, block, step)
            if groups.axis not in channel_axes(comparison.profile.shape):
                found += whole
                continue
            found += whole or _dead_channels(comparison, groups, sums, block, step, random)
    return sorted(_unique(found), key=lambda d: (d.severity.rank, not d.block, -d.share))


def findings(deaths: Sequence[Death], comparison: Comparison, parts: Sequence[Block], step: float) -> list[Finding]:
    """Deaths, groups of few steps, and blocks that no sample woke, for the report."""
    found = [_finding(d) for d in deaths]
    dead = {d.name for d in deaths}
    for block in parts:
        name = _name(comparison.name, block)
        groups = next(g for g in comparison.profile.groups if g.axis == block.axis)
        span = float((groups.high[block.start : block.stop].max()) - groups.low[block.start : block.stop].min())
        if not step:
            found += [_asleep(name, span)] if not block.alive and 0 < span < RESTLESS else []
            continue
        if not block.alive:
            found.append(_asleep(name, span))
        elif block.unit and (few := _few_active(groups.joined(block.start, block.stop), name)):
            found.append(few)
        if block.alive and name not in dead and span / step < COARSE:
            found.append(_coarse(name, span, step))
    return found


def fidelities(
    comparison: Comparison, parts: Sequence[Block], dead: Sequence[Death], layout: str, exact: bool = False
) -> list[OutputFidelity]:
    """The whole output, and after it each living block of it that is another quantity; blocks of places only have to live.

    Where the file should be `exact` (a float step), scores that hardly move are judged, too; not those that move less than `RESTLESS`,
    where a sigmoid's rounding is all that can be seen (measured: a text detector on clouds).
    """
    errors = [f"{d.name} ({d.how})" for d in dead if d.severity == Severity.ERROR]
    judged = not parts or any(b.alive or (exact and b.span >= RESTLESS) for b in parts)
    out = [comparison.fidelity(layout, errors, judged)]
    for block in parts:
        if (
            not block.whole
            and (block.alive or (exact and block.span >= RESTLESS))
            and not is_position(comparison.profile.shape, block.axis)
        ):
            name = part_name(comparison.name, block.axis, block.start, block.stop)
            out.append(comparison.part(block.axis, block.start, block.stop, [e for e in errors if e.startswith(name)]))
    return out


def _given(groups: Groups, joined: Sequence[Mapping[str, Any]]) -> list[int]:
    """Where the parts of a known concat meet on this axis."""
    for join in joined:
        sizes = [int(s) for s in join["sizes"]]
        if int(join["axis"]) == groups.axis and sum(sizes) == groups.size:
            return [int(c) for c in np.cumsum(sizes)[:-1]]
    return []


def _found(groups: Groups) -> list[int]:
    """Borders between a few runs of channels within 0..1 and channels that go beyond."""
    unit = (groups.low >= -1e-6 * groups.high) & (groups.high <= 1 + 1e-6)
    cuts = [int(c) + 1 for c in np.flatnonzero(unit[1:] != unit[:-1])]
    if not cuts or len(cuts) >= MOST_RUNS:
        return []
    beyond = np.maximum(np.abs(groups.low), np.abs(groups.high))[~unit].max()
    return cuts if beyond > BEYOND else []


def _block(groups: Groups, start: int, stop: int, whole: bool) -> Block:
    part = groups.joined(start, stop)
    low, high = float(part.low[0]), float(part.high[0])
    unit = low >= -1e-6 * high and high <= 1 + 1e-6
    moves = high - low > 1e-6 * max(abs(low), abs(high)) and (high - low >= ACTIVE if unit else True)
    return Block(groups.axis, start, stop, whole, unit, bool(moves), high - low)


def _dead_block(name: str, groups: Groups, sums: AxisSums, block: Block, step: float) -> list[Death]:
    if not block.alive:
        return []
    part = groups.joined(block.start, block.stop)
    m = sums.slice(block.start, block.stop)
    low, high = sums.low[block.start : block.stop].min(), sums.high[block.start : block.stop].max()
    clipped = sums.clipped[block.start : block.stop].sum(keepdims=True)
    active = sums.active[block.start : block.stop].sum(keepdims=True)
    how = _causes(part, np.array([low]), np.array([high]), np.array([m.spread]), np.array([m.correlation]), clipped, active, step)[0]
    return [Death(_name(name, block), how, 1.0, Severity.ERROR, block=True)] if how else []


def _dead_channels(comparison: Comparison, groups: Groups, sums: AxisSums, block: Block, step: float, random: bool) -> list[Death]:
    if not block.alive or block.stop - block.start < 2:
        return []
    cut = slice(block.start, block.stop)
    part = Groups(
        groups.axis, groups.mean[cut], groups.std[cut], groups.low[cut], groups.high[cut], groups.lows[:, cut], groups.highs[:, cut]
    )
    spread, correlation = _per_channel(sums, cut)
    causes = _causes(part, sums.low[cut], sums.high[cut], spread, correlation, sums.clipped[cut], sums.active[cut], step)
    for i in () if random else _strays(part, block, correlation, sums.values):
        causes[i] = causes[i] or f"it does not follow (correlation {correlation[i]:.2f}, spread {spread[i]:.2f})"
    loud, faint = _significant(part, block)
    found: list[Death] = []
    for severity, chosen in ((Severity.ERROR, loud), (Severity.WARNING, faint & ~loud)):
        lost = [int(i) for i in np.flatnonzero(chosen) if causes[i]]
        if lost:
            share = len(lost) / max(1, int(chosen.sum()))
            weight = Severity.WARNING if comparison.profile.vector and _only_clipped_low(part, sums.high[cut], lost) else severity
            found.append(
                Death(_list(comparison.name, groups.axis, [block.start + i for i in lost]), causes[lost[0]], share, weight, block=False)
            )
    return found


def _significant(part: Groups, block: Block) -> tuple[Array, Array]:
    """Which channels are loud enough that losing them is an error, and which that it is worth a warning."""
    span = part.high - part.low
    awake = (part.active_samples() >= min(2, part.lows.shape[0])) & (span > 0)
    if block.unit:
        loud = awake & (span >= CHANNEL_ACTIVE) & (part.std >= LOUD * part.std.max())
        return loud, loud
    return awake & (part.std >= LOUD * part.std.max()), awake & (part.std >= FAINT * part.std.max())


def _causes(
    part: Groups, low: Array, high: Array, spread: Array, correlation: Array, clipped: Array, active: Array, step: float
) -> list[str]:
    """For every group how it died, or an empty text."""
    span = part.high - part.low
    causes = [""] * span.size
    for i in range(span.size):
        coarse = f"its range of {span[i]:.2g} is {span[i] / step:.1f} steps of the output's scale {step:.2g}" if step else ""
        unresolved = bool(step) and span[i] < UNRESOLVED * step
        if high[i] - low[i] <= 1e-6 * span[i]:
            value = 0 if abs(high[i]) <= 1e-6 * span[i] else high[i]
            causes[i] = f"constant {value:.3g}" + (f", for {coarse}" if unresolved else "")
        elif unresolved:
            causes[i] = coarse
        elif spread[i] < QUIET and correlation[i] < 0.5:
            causes[i] = f"nearly constant (spread {spread[i]:.2f}, correlation {correlation[i]:.2f})"
        elif active[i] and clipped[i] > 0.5 * active[i]:
            causes[i] = f"saturated ({clipped[i] / active[i]:.0%} of its activity lies beyond the output's range)"
    return causes


def _strays(part: Groups, block: Block, correlation: Array, values: int) -> list[int]:
    """Channels that move loudly and do something else; scores are left out, whose few peaks decide nothing about correlation."""
    if block.unit or values < STRAY_VALUES:
        return []
    return [int(i) for i in np.flatnonzero((correlation < STRAY) & (part.std >= STRAY_LOUD * part.std.max()))]


def _per_channel(sums: AxisSums, cut: slice) -> tuple[Array, Array]:
    n = sums.values
    var_r = np.maximum(sums.rr[cut] / n - (sums.r[cut] / n) ** 2, 0)
    var_a = np.maximum(sums.aa[cut] / n - (sums.a[cut] / n) ** 2, 0)
    both = sums.ra[cut] / n - (sums.r[cut] / n) * (sums.a[cut] / n)
    safe = np.maximum(var_r, 1e-300)
    return np.sqrt(var_a / safe), both / np.sqrt(np.maximum(safe * var_a, 1e-300))


def _only_clipped_low(part: Groups, high: Array, lost: Sequence[int]) -> bool:
    """A few entries of a vector that stick at the low end of the range, far below what decides: logits of "certainly not"."""
    middle = float(np.median(part.mean))
    return len(lost) < 0.1 * part.mean.size and all(part.high[i] < middle and high[i] < middle for i in lost)


def _finding(death: Death) -> Finding:
    if death.severity == Severity.ERROR:
        what = "is dead" if death.block else f"is lost ({death.share:.0%} of the living channels)"
        return Finding(
            "dead-group",
            Severity.ERROR,
            f"{what}: {death.how}; the float model's varies",
            REVIVE,
            death.name,
            cost=1.0 if death.block else death.share,
        )
    message = f"faint channels are lost: {death.how}"
    remedy = "harmless if the application ignores them; otherwise split the output, or search longer with --effort max"
    return Finding("faint-group-lost", Severity.WARNING, message, remedy, death.name, cost=0.1 * death.share)


def _asleep(name: str, span: float) -> Finding:
    message = f"no sample made it move (range {span:.2g}), so whether it survived cannot be told"
    return Finding(
        "group-not-judged", Severity.WARNING, message, "add pictures to --calibrate that show what the network looks for", name, cost=0.2
    )


def _few_active(part: Groups, name: str) -> Finding | None:
    """Scores that only a few samples raise are measured on those few."""
    samples = part.highs.shape[0]
    active = int((part.highs[:, 0] > 0.25 * part.high[0]).sum())
    if active >= max(2, 0.25 * samples):
        return None
    message = f"only {active} of {samples} samples raise it, so its numbers rest on these"
    return Finding(
        "few-active-samples", Severity.WARNING, message, "add pictures to --calibrate that show what the network looks for", name, cost=0.2
    )


def _coarse(name: str, span: float, step: float) -> Finding:
    message = f"its range of {span:.2g} has only {span / step:.1f} steps of the output's scale {step:.2g}"
    return Finding(
        "coarse-group",
        Severity.WARNING,
        message,
        "split joined outputs so that each has its own scale: --via split-heads, or --effort balanced",
        name,
        cost=0.3,
    )


def _name(name: str, block: Block) -> str:
    return name if block.whole else part_name(name, block.axis, block.start, block.stop)


def _list(name: str, axis: int, channels: Sequence[int]) -> str:
    more = f", … ({len(channels)})" if len(channels) > MOST_NAMED else ""
    return f"{name}[axis {axis}: {', '.join(map(str, channels[:MOST_NAMED]))}{more}]"


def _unique(found: Sequence[Death]) -> list[Death]:
    """An output that died as a whole is named once, not once per axis."""
    return list({(d.name, d.how if not d.block else ""): d for d in reversed(found)}.values())
