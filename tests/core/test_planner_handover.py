"""Routes whose last edge a colleague runs: over throw-away graphs."""

from __future__ import annotations

import pytest

from edgeroute.errors import PlanError
from edgeroute.planner import HANDOVER, plan
from edgeroute.types import LeftOut
from tests.core.graphs import catalog, edge

ROAD = catalog("a b c d", edge("ab", "a", "b"), edge("bc", "b", "c"), edge("cd", "c", "d", tool="x", handover="p:f"), accepts=("d",))
KEY = "cd:c->d"
MISSING = {KEY: LeftOut(KEY, "x is not on PATH", "install x")}


def test_an_edge_without_its_tool_may_end_a_route_that_is_handed_over() -> None:
    route = plan(ROAD, "a", "t", blocked=MISSING, handed={KEY}).routes[0]
    assert (route.names, route.delivers, route.handover) == (("ab", "bc", "cd"), "d", KEY)
    assert route.cost > HANDOVER


def test_what_would_complete_it_is_told() -> None:
    answer = plan(ROAD, "a", "t", blocked=MISSING, handed={KEY})
    assert len(answer.better) == 1 and "install x" in answer.better[0]


def test_unless_it_may_be_handed_there_is_no_route() -> None:
    with pytest.raises(PlanError) as caught:
        plan(ROAD, "a", "t", blocked=MISSING)
    assert caught.value.remedy == "install x"


def test_nothing_can_follow_what_a_colleague_runs() -> None:
    longer = catalog("a b c d e", edge("ab", "a", "b", tool="x", handover="p:f"), edge("bd", "b", "d"))
    blocked = {"ab:a->b": LeftOut("ab:a->b", "x is missing")}
    with pytest.raises(PlanError):
        plan(longer, "a", "t", blocked=blocked, handed={"ab:a->b"})


def test_a_complete_route_is_better_however_bad_it_is() -> None:
    both = catalog(
        "a b c d",
        edge("ab", "a", "b"),
        edge("bc", "b", "c", 0.9),
        edge("cd", "c", "d", 0.9),
        edge("bd", "b", "d", 0.01, tool="x", handover="p:f"),
    )
    key = "bd:b->d"
    answer = plan(both, "a", "t", blocked={key: LeftOut(key, "x is missing", "install x")}, handed={key}, k=2)
    assert [r.handover for r in answer.routes] == ["", key]


@pytest.mark.parametrize(("via", "found"), [(("bc",), True), (("cd",), True), (("bc", "cd"), True), (("cd", "bc"), False)])
def test_pins_are_met_before_and_by_the_handed_edge(via: tuple[str, ...], found: bool) -> None:
    if found:
        assert plan(ROAD, "a", "t", blocked=MISSING, handed={KEY}, via=via).routes[0].handover == KEY
    else:
        with pytest.raises(PlanError):
            plan(ROAD, "a", "t", blocked=MISSING, handed={KEY}, via=via)


def test_a_special_case_of_what_the_target_takes_may_be_handed() -> None:
    special = catalog("a d e", edge("ae", "a", "e", tool="x", handover="p:f"), special={"e": "d"})
    key = "ae:a->e"
    route = plan(special, "a", "t", blocked={key: LeftOut(key, "x is missing")}, handed={key}).routes[0]
    assert (route.delivers, route.handover) == ("e", key)
