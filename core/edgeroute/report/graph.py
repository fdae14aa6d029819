"""The graph of formats as plain JSON: what drawings are made from.

    {"nodes": [{"name", "title", "kind": "format" | "target"}],
     "edges": [{"key", "name", "source", "target", "kind": "converter" | "is_a" | "accepts", "cost", "environment", "tool", "reason", "remedy"}]}

`reason` says why an edge is closed or left out, `remedy` what opens it; both may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeroute.catalog import Catalog
from edgeroute.report.facts import as_json, mapping, rows
from edgeroute.types import Json


def graph_json(catalog: Catalog, plan: object = None) -> dict[str, Json]:
    """A catalog as a graph; with a plan, its reasons for what is left out stand on the edges."""
    reasons = {str(r.get("converter")): r for r in rows(mapping(as_json(plan)).get("left_out"))} if plan is not None else {}
    nodes = [{"name": f.name, "title": f.title, "kind": "format"} for f in sorted(catalog.formats.values(), key=lambda f: f.name)]
    nodes += [{"name": t.name, "title": t.title, "kind": "target"} for t in sorted(catalog.targets.values(), key=lambda t: t.name)]
    edges = [_converter_edge(c, reasons.get(c.key, {})) for c in sorted(catalog.converters, key=lambda c: c.key)]
    edges += [_plain_edge("is_a", f.name, f.is_a) for f in sorted(catalog.formats.values(), key=lambda f: f.name) if f.is_a]
    edges += [_plain_edge("accepts", a, t.name) for t in sorted(catalog.targets.values(), key=lambda t: t.name) for a in t.accepts]
    return {"nodes": nodes, "edges": edges}


def _converter_edge(converter: object, reason: Mapping[str, Json]) -> dict[str, Json]:
    value = mapping(as_json(converter))
    cost = mapping(value.get("cost"))
    total = 10 * cost.get("risk", 0) + 2 * cost.get("loss", 0) + cost.get("seconds", 0) / 60
    return {
        "key": f"{value['name']}:{value['source']}->{value['target']}",
        **{k: value[k] for k in ("name", "source", "target", "title", "environment", "tool")},
        "kind": "converter",
        "cost": round(total, 4),
        "reason": reason.get("reason", ""),
        "remedy": reason.get("remedy", ""),
    }


def _plain_edge(kind: str, source: str, target: str) -> dict[str, Json]:
    return {"key": f"{kind}:{source}->{target}", "name": "", "source": source, "target": target, "kind": kind}


def trimmed(graph: Mapping[str, Json], source: str, target: str) -> dict[str, Json]:
    """The part between a source and a target: what can be reached from the one and leads to the other."""
    edges = rows(graph.get("edges"))
    other = {n["name"] for n in rows(graph.get("nodes")) if n.get("kind") == "target"} - {target}
    edges = [e for e in edges if e["target"] not in other]
    kept = reach(edges, source, "source", "target") & reach(edges, target, "target", "source") | {source, target}
    return {
        "nodes": [n for n in rows(graph.get("nodes")) if n["name"] in kept],
        "edges": [e for e in edges if e["source"] in kept and e["target"] in kept and e["target"] != source],
    }


def reach(edges: Sequence[Mapping[str, Json]], start: str, tail: str, head: str) -> set[str]:
    """Names that edges lead to from a start, itself included."""
    found, waiting = {start}, [start]
    while waiting:
        name = waiting.pop()
        following = {e[head] for e in edges if e[tail] == name} - found
        found |= following
        waiting += sorted(following)
    return found


def graph_of_result(result: Mapping[str, Json]) -> dict[str, Json]:
    """The little graph that a result itself knows: its steps, what was rejected by the way, the target."""
    source, target = mapping(result.get("source")), str(result.get("target", ""))
    steps = rows(result.get("steps"))
    edges = [_step_edge(s) for s in steps] + [e for e in map(_rejected_edge, rows(result.get("rejected"))) if e is not None]
    last = steps[-1]["target"] if steps else source.get("format", "")
    unique = {e["key"]: e for e in reversed(edges)}
    listed = [*reversed(unique.values()), _plain_edge("accepts", str(last), target)]
    names = dict.fromkeys([str(source.get("format", "")), *(str(e[end]) for e in listed for end in ("source", "target"))])
    return {"nodes": [{"name": n, "title": n, "kind": "target" if n == target else "format"} for n in names], "edges": listed}


def _step_edge(step: Mapping[str, Json]) -> dict[str, Json]:
    return {
        **{k: step.get(k, "") for k in ("key", "source", "target", "environment")},
        "name": step.get("converter", ""),
        "kind": "converter",
    }


def _rejected_edge(entry: Mapping[str, Json]) -> dict[str, Json] | None:
    """An edge from its key `name:source->target`; None where a whole route was rejected."""
    key = str(entry.get("key") or "")
    name, _, ends = key.partition(":")
    source, arrow, target = ends.partition("->")
    if not arrow:
        return None
    return {"key": key, "name": name, "source": source, "target": target, "kind": "converter", "reason": str(entry.get("reason", ""))}
