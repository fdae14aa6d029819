"""Which early activations are worth computing in two scales: where rounding was measured to cost most, for the multiplications that it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeroute_plugins.prepare import fine, rounding
from edgeroute_plugins.prepare.equalize import is_quantized
from edgeroute_plugins.prepare.fine import Plan
from edgeroute_plugins.prepare.graph import Array, Graph
from edgeroute_plugins.prepare.statistics import Statistics, measure

MOST = 8
"""Activations that are looked at, the first ones."""
PAYS = 0.1
"""Share of a network's whole noise (half a decibel) that splitting must be expected to save."""
EACH = 0.01
"""Share of it that every single activation must."""


@dataclass(frozen=True)
class Gain:
    """What splitting an activation is expected to save, as a share of the network's whole rounding noise.

    A depthwise reader's results are added: the fine one is a further rounding, as coarse as its range is wide.
    """

    plan: Plan
    saved: float


def gains(graph: Graph, plans: Sequence[Plan], feeds: Sequence[Mapping[str, Array]]) -> list[Gain]:
    """Of each plan, on an equalized graph in which nothing is split yet."""
    plans = plans[:MOST]
    found = measure(graph, feeds, {name: None for name in graph.shapes if name not in graph.constants}) if plans else {}
    ranges = rounding.widths(graph, found)
    stored = stored_tensors(graph, ranges)
    whole = rounding.noise(graph, [stored], ranges, feeds)[0] if plans else 0.0
    if whole <= 0:
        return []
    own = rounding.noise(graph, [[n for n in (p.tail.source, p.tail.result) if n in stored] for p in plans], ranges, feeds)
    saved = [share * (1 - plan.left) for plan, share in zip(plans, own, strict=True)]
    apart = [i for i, plan in enumerate(plans) if plan.tail.depthwise and saved[i] >= EACH * whole]
    sums = [[_stored(graph, r.output[0]) for r in plans[i].tail.depthwise] for i in apart]
    for i, names, noise in zip(apart, sums, rounding.noise(graph, sums, ranges, feeds) if apart else [], strict=True):
        readers = [r.output[0] for r in plans[i].tail.depthwise]
        saved[i] -= noise * plans[i].share ** 2 * max(_wider(found, ranges, r, n) for r, n in zip(readers, names, strict=True))
    return [Gain(plan, share / whole) for plan, share in zip(plans, saved, strict=True)]


def stored_tensors(graph: Graph, ranges: Mapping[str, tuple[float, float]]) -> list[str]:
    """The tensors of known range that an int8 file holds in 8 bits, in the order of the network."""
    return [n for node in graph.nodes for n in node.output if n in ranges and is_quantized(graph, n)]


def chosen(graph: Graph, found: Sequence[Gain], share: float) -> list[Plan]:
    """The plans that save most, in the order of the network, until `share` of the multiplications would be added; none where all of them do not pay."""
    budget, taken = share * fine.total_macs(graph), []
    for gain in sorted(found, key=lambda g: -g.saved):
        if gain.saved >= EACH and gain.plan.macs <= budget:
            budget -= gain.plan.macs
            taken.append(gain)
    if sum(g.saved for g in taken) < PAYS:
        return []
    names = {g.plan.tail.result for g in taken}
    return [g.plan for g in found if g.plan.tail.result in names]


def _stored(graph: Graph, name: str) -> str:
    """The tensor that holds a layer's results in 8 bits: behind an activation that fuses."""
    while not is_quantized(graph, name) and (reader := graph.only_consumer(name)) is not None:
        name = reader.output[0]
    return name


def _wider(found: Mapping[str, Statistics], ranges: Mapping[str, tuple[float, float]], summed: str, stored: str) -> float:
    """The square of how much wider a layer's own results are than what is stored of them."""
    own, kept = float(found[summed].high.max() - found[summed].low.min()), ranges[stored][1] - ranges[stored][0]
    return (own / kept) ** 2 if kept > 0 else 1.0
