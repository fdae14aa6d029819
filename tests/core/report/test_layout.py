"""Boxes stand apart, wires begin and end at their boxes, whatever the graph."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from edgeroute.report.layout import Box, Layout, lay_out

NAMES = [f"n{i}" for i in range(12)]
EDGES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=24)
SIZES = st.fixed_dictionaries({n: st.tuples(st.floats(10, 200), st.floats(10, 60)) for n in NAMES})


def overlap(a: Box, b: Box) -> bool:
    apart = a.x + a.width <= b.x + 0.01 or b.x + b.width <= a.x + 0.01 or a.y + a.height <= b.y + 0.01 or b.y + b.height <= a.y + 0.01
    return not apart


def assert_sound(layout: Layout, sizes: dict[str, tuple[float, float]], edges: list[tuple[str, str]]) -> None:
    assert set(layout.boxes) == set(sizes)
    for box in layout.boxes.values():
        assert box.x >= -0.01 and box.y >= -0.01
        assert box.x + box.width <= layout.width + 0.01 and box.y + box.height <= layout.height + 0.01
    for a, b in itertools.combinations(layout.boxes.values(), 2):
        assert not overlap(a, b)
    assert set(layout.paths) == {e for e in edges if e[0] != e[1]}


@settings(max_examples=60, deadline=None)
@given(SIZES, EDGES, st.booleans())
def test_any_graph_is_laid_out(sizes: dict[str, tuple[float, float]], edges: list[tuple[str, str]], vertical: bool) -> None:
    layout = lay_out(sizes, edges, vertical=vertical, straight=edges[:3])
    assert_sound(layout, sizes, edges)
    assert lay_out(sizes, edges, vertical=vertical, straight=edges[:3]) == layout


def test_wires_run_from_side_to_side() -> None:
    layout = lay_out({"a": (40, 20), "b": (60, 20), "c": (40, 20)}, [("a", "b"), ("b", "c"), ("a", "c"), ("c", "a")])
    a, c = layout.boxes["a"], layout.boxes["c"]
    for path, start, end in ((layout.paths[("a", "c")], a, c), (layout.paths[("c", "a")][::-1], a, c)):
        assert path[0] == (start.x + start.width, start.middle)
        assert path[-1] == (end.x, end.middle)


def test_a_straight_route_is_straight() -> None:
    nodes = dict.fromkeys("abcdefg", (40.0, 20.0))
    edges = [("a", "b"), ("b", "c"), ("c", "d"), ("a", "e"), ("e", "d"), ("a", "f"), ("f", "g"), ("g", "d")]
    layout = lay_out(nodes, edges, straight=[("a", "f"), ("f", "g"), ("g", "d")])
    middles = [layout.boxes[n].middle for n in "afgd"]
    assert max(middles) - min(middles) < 2


def test_nothing_is_a_picture_too() -> None:
    assert lay_out({}, []) == Layout({}, {}, 0.0, 0.0)
