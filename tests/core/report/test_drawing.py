"""The graph as SVG, Mermaid and dot."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from edgeroute.report import diagrams, dot, mermaid
from edgeroute.report.drawing import graph_svg
from edgeroute.report.facts import operators
from edgeroute.report.graph import graph_json, graph_of_result, trimmed
from edgeroute.report.routes import route_keys
from edgeroute.report.strip import operator_graph, operator_strip
from edgeroute.types import to_json
from tests.core.report import sample

GRAPH = graph_json(sample.CATALOG, sample.PLAN)
SVG = "{http://www.w3.org/2000/svg}"


def groups(svg: str) -> dict[str, ElementTree.Element]:
    return {g.get("data-key", ""): g for g in ElementTree.fromstring(svg).iter(f"{SVG}g") if g.get("data-key")}


def test_graph_holds_every_edge_with_its_reason() -> None:
    keys = {e["key"] for e in GRAPH["edges"]}
    assert {c.key for c in sample.CONVERTERS} <= keys
    assert "is_a:onnx-static->onnx" in keys and "accepts:tflite-int8->artpec9" in keys
    (closed,) = [e for e in GRAPH["edges"] if e["key"] == "ai-edge-quantizer:tflite-legal->tflite-int8-pt"]
    assert "PRELU" in closed["reason"]


def test_costs_are_those_of_the_planner() -> None:
    by_key = {c.key: c for c in sample.CONVERTERS}
    for edge in GRAPH["edges"]:
        if edge["kind"] == "converter":
            assert edge["cost"] == round(by_key[edge["key"]].cost.total, 4)


def test_trimming_keeps_what_lies_between() -> None:
    part = trimmed(GRAPH, "onnx", "artpec8")
    names = {n["name"] for n in part["nodes"]}
    assert {"onnx", "tflite-int8-camera", "artpec8"} <= names
    assert not names & {"torch", "keras", "openvino", "artpec9", "cpu"}


def test_svg_is_sound_and_marks_the_routes() -> None:
    svg = graph_svg(trimmed(GRAPH, "onnx", "artpec8"), route_keys(sample.PLAN), source="onnx", target="artpec8")
    found = groups(svg)
    assert found["onnxslim:onnx->onnx-static"].get("data-routes") == "0 1 2"
    assert found["onnx2tf:onnx-static->tflite"].get("data-routes") == "1"
    assert found["artpec8"].get("data-routes") == "0 1 2"
    assert "closed" in found["ai-edge-quantizer:tflite-legal->tflite-int8-pt"].get("class", "")


def test_a_wide_graph_stands_upright() -> None:
    def size(widest: float) -> tuple[float, float]:
        root = ElementTree.fromstring(graph_svg(GRAPH, route_keys(sample.PLAN), source="onnx", target="artpec8", widest=widest))
        return float(root.get("width", 0)), float(root.get("height", 0))

    lying, standing = size(1e9), size(300)
    assert lying[0] > lying[1]
    assert standing[1] > standing[0]


def test_hostile_names_stay_text() -> None:
    graph = {
        "nodes": [{"name": sample.HOSTILE, "title": "<b>", "kind": "format"}, {"name": "b", "title": "", "kind": "target"}],
        "edges": [{"key": sample.HOSTILE, "name": sample.HOSTILE, "source": sample.HOSTILE, "target": "b", "kind": "converter"}],
    }
    root = ElementTree.fromstring(graph_svg(graph, [[sample.HOSTILE]], source=sample.HOSTILE, target="b"))
    tags = {e.tag.removeprefix(SVG) for e in root.iter()}
    assert tags <= {"svg", "defs", "marker", "path", "g", "rect", "text", "title"}
    assert '"' not in diagrams.mermaid(graph).split("n0[")[1].split("]")[0].strip('"')
    assert "</script>" not in diagrams.mermaid(graph)


def test_a_result_draws_itself_without_a_catalog() -> None:
    graph = graph_of_result(to_json(sample.RESULT))
    assert {n["name"] for n in graph["nodes"]} >= {"onnx", "tflite", "artpec8"}
    assert "ai-edge-quantizer:tflite-legal->tflite-int8-pt" in {e["key"] for e in graph["edges"]}


def test_mermaid_and_dot_tell_the_chosen_route() -> None:
    drawing = mermaid(sample.PLAN, sample.CATALOG)
    assert drawing.startswith("flowchart LR\n")
    assert len(re.findall("==>", drawing)) == len(sample.STEPS)
    assert re.search(r'-\.->\|"ai-edge-quantizer"\|', drawing)
    graph = dot(sample.PLAN, sample.CATALOG)
    assert graph.startswith("digraph edgeroute {") and graph.endswith("}\n")
    assert graph.count("penwidth=2.5") == len(sample.STEPS)


def test_strip_has_a_cell_for_every_operator() -> None:
    known = operators(to_json(sample.VALIDATION))
    root = ElementTree.fromstring(operator_strip(known))
    cells = [g.get("class") for g in root.iter(f"{SVG}g")]
    assert cells.count("op accelerator") == 93
    assert cells.count("op cpu") == 3
    assert cells.count("op refused") == 1
    assert any("bilinear" in (t.text or "") for t in root.iter(f"{SVG}title"))


def test_operator_graph_has_a_wire_for_every_edge() -> None:
    known = operators(to_json(sample.VALIDATION))
    root = ElementTree.fromstring(operator_graph(known))
    assert len([g for g in root.iter(f"{SVG}rect") if g.get("class") == "node"]) == 97
    (wires,) = [g for g in root.iter(f"{SVG}g") if g.get("class") == "wires"]
    assert len(list(wires)) == 96
