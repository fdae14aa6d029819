"""Which early activations are worth computing in two scales: where rounding was measured to cost most, for the multiplications that it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeroute_plugins.prepare import fine, rounding
from edgeroute_plugins.prepare.equalize import is_quantized
from edgeroute_plugins.prepare.fine import Plan
from edgeroute_plugins.prepare.graph import Array, Graph
from edgeroute_plugins.prepare.statistics import measure

MOST = 8
"""Activations that are looked at, the first ones."""
PAYS = 0.1
"""Share of a network's whole noise (half a decibel) that splitting must be expected to save."""


@dataclass(frozen=True)
class Gain:
    """What splitting an activation is expected to save, as a share of the network's whole rounding noise."""

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
    return [Gain(plan, share * (1 - plan.left) / whole) for plan, share in zip(plans, own, strict=True)]


def stored_tensors(graph: Graph, ranges: Mapping[str, tuple[float, float]]) -> list[str]:
    """The tensors of known range that an int8 file holds in 8 bits, in the order of the network."""
    return [n for node in graph.nodes for n in node.output if n in ranges and is_quantized(graph, n)]


def chosen(graph: Graph, found: Sequence[Gain], share: float) -> list[Plan]:
    """The plans that save most, in the order of the network, until `share` of the multiplications would be added; none where all of them do not pay."""
    budget, taken = share * fine.total_macs(graph), []
    for gain in sorted(found, key=lambda g: -g.saved):
        if gain.saved > 0 and gain.plan.macs <= budget:
            budget -= gain.plan.macs
            taken.append(gain)
    if sum(g.saved for g in taken) < PAYS:
        return []
    names = {g.plan.tail.result for g in taken}
    return [g.plan for g in found if g.plan.tail.result in names]
