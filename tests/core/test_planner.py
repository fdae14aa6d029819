"""Routes over throw-away graphs: pure, and the same whatever the load order."""

from __future__ import annotations

import dataclasses
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.errors import PlanError, UsageError
from edgeroute.planner import plan
from edgeroute.types import LeftOut
from tests.core.graphs import catalog, edge

ROAD = catalog(
    "a b c d e", edge("ab", "a", "b"), edge("bc", "b", "c"), edge("cd", "c", "d"), edge("cd-slow", "c", "d", 0.4), edge("ce", "c", "e", 0.2)
)


def names(answer: object) -> list[tuple[str, ...]]:
    return [r.names for r in answer.routes]  # type: ignore[attr-defined]


def test_routes_come_cheapest_first() -> None:
    assert names(plan(ROAD, "a", "t", k=5)) == [("ab", "bc", "cd"), ("ab", "bc", "cd-slow")]


def test_a_special_case_is_free_to_become_the_general_format() -> None:
    special = catalog("a d e", edge("ae", "a", "e", 0.1), edge("ad", "a", "d", 0.2), special={"e": "d"})
    best = plan(special, "a", "t", k=1).routes[0]
    assert (best.names, best.delivers) == (("ae",), "e")


def test_an_edge_that_refines_a_format_may_stand_in_a_route() -> None:
    refined = catalog("a b d", edge("ab", "a", "b", gain=1.0), edge("ad", "a", "d"), special={"b": "a"})
    assert names(plan(refined, "a", "t", k=2)) == [("ad",), ("ab", "ad")]
    idle = catalog("a b d", edge("ab", "a", "b"), edge("ad", "a", "d"), special={"b": "a"})
    assert names(plan(idle, "a", "t", k=2)) == [("ad",)]
    assert names(plan(idle, "a", "t", via=["ab"])) == [("ab", "ad")]


def test_the_target_prefers_the_first_accepted_format() -> None:
    two = catalog("a d e", edge("ae", "a", "e"), edge("ad", "a", "d"), accepts=("e", "d"))
    assert [r.delivers for r in plan(two, "a", "t", k=2).routes] == ["e", "d"]


def test_a_source_that_the_target_loads_needs_no_step() -> None:
    assert plan(ROAD, "d", "t", k=1).routes[0].converters == ()


def test_via_pins_and_keeps_the_order() -> None:
    assert names(plan(ROAD, "a", "t", via=["bc", "cd-slow"])) == [("ab", "bc", "cd-slow")]
    with pytest.raises(PlanError):
        plan(ROAD, "a", "t", via=["cd", "ab"])


def test_via_may_name_an_edge_by_its_key() -> None:
    assert names(plan(ROAD, "a", "t", via=["cd-slow:c->d"])) == [("ab", "bc", "cd-slow")]


def test_avoid_takes_the_edge_out_and_says_so() -> None:
    answer = plan(ROAD, "a", "t", avoid=["cd"])
    assert names(answer) == [("ab", "bc", "cd-slow")]
    assert [item.reason for item in answer.left_out if item.converter == "cd:c->d"] == ["you asked to avoid it"]


def test_an_edge_on_request_is_left_out_until_it_is_pinned() -> None:
    graph = catalog("a b d", edge("ab", "a", "b"), edge("bd", "b", "d"), edge("bb", "b", "b", on_request=True))
    assert names(plan(graph, "a", "t", k=9)) == [("ab", "bd")]
    assert names(plan(graph, "a", "t", via=["bb"], k=1)) == [("ab", "bb", "bd")]


def test_a_blocked_edge_stays_in_the_plan_with_what_to_type() -> None:
    answer = plan(ROAD, "a", "t", blocked={"cd:c->d": LeftOut("cd:c->d", "Python 3.12 is missing", "install it")})
    assert names(answer) == [("ab", "bc", "cd-slow")]
    assert answer.better == ("ab → bc → cd would be better, but Python 3.12 is missing; to open it: install it",)


def test_learned_costs_replace_declared_ones() -> None:
    assert names(plan(ROAD, "a", "t", costs={"cd:c->d": 50.0}, k=1)) == [("ab", "bc", "cd-slow")]


def test_every_edge_is_taken_or_left_out_with_a_reason() -> None:
    answer = plan(ROAD, "a", "t", k=1)
    taken = set(answer.routes[0].keys)
    assert taken | {item.converter for item in answer.left_out} == {c.key for c in ROAD.converters}
    assert all(item.reason for item in answer.left_out)


def test_no_route_says_why_and_what_to_type() -> None:
    with pytest.raises(PlanError) as caught:
        plan(ROAD, "a", "t", blocked={"bc:b->c": LeftOut("bc:b->c", "no Python", "edgeroute env build x")})
    assert "bc:b->c: no Python" in caught.value.message
    assert caught.value.remedy == "edgeroute env build x"
    assert caught.value.exit_code == 4


def test_a_dead_end_says_what_the_target_loads() -> None:
    with pytest.raises(PlanError, match="t loads only d"):
        plan(catalog("a b d", edge("ab", "a", "b")), "a", "t")


@pytest.mark.parametrize(("source", "target", "via"), [("zzz", "t", ()), ("a", "tt", ()), ("a", "t", ("abb",))])
def test_unknown_names_offer_the_nearest(source: str, target: str, via: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="there is no") as caught:
        plan(ROAD, source, target, via=via)
    assert caught.value.exit_code == 2


LETTERS = "abcdef"
EDGES = st.lists(st.tuples(st.sampled_from(LETTERS), st.sampled_from(LETTERS), st.integers(0, 3)), max_size=14, unique=True)


@given(EDGES, st.randoms(use_true_random=False))
def test_load_order_changes_nothing(pairs: list[tuple[str, str, int]], dice: random.Random) -> None:
    edges = [edge(f"{a}{b}{n}", a, b, 0.1) for a, b, n in pairs]
    here = catalog(" ".join(LETTERS), *edges)
    shuffled = dataclasses.replace(here, converters=tuple(dice.sample(edges, len(edges))))
    assert _outcome(here) == _outcome(dataclasses.replace(shuffled, converters=tuple(sorted(shuffled.converters, key=lambda c: c.key))))
    routes = _outcome(here)
    assert all(_is_connected(route, here) for route in routes)


def _outcome(graph: object) -> list[tuple[str, ...]]:
    try:
        return [r.keys for r in plan(graph, "a", "t", k=4).routes]  # type: ignore[arg-type]
    except PlanError:
        return []


def _is_connected(keys: tuple[str, ...], graph: object) -> bool:
    by_key = {c.key: c for c in graph.converters}  # type: ignore[attr-defined]
    steps = [by_key[k] for k in keys]
    return all(x.target == y.source for x, y in itertools.pairwise(steps)) and (not steps or steps[0].source == "a")
