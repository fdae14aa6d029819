"""A conversion's result as a document."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from edgeroute.report import words
from edgeroute.report.blocks import BAD, GOOD, WARN, Block, Command, Document, Figure, Prose, Section, Tile
from edgeroute.report.certificate import certificate_section
from edgeroute.report.diagrams import mermaid
from edgeroute.report.drawing import graph_svg
from edgeroute.report.facts import (
    TONES,
    all_findings,
    as_json,
    file_name,
    has_device,
    mapping,
    on_accelerator,
    rows,
    sqnr_text,
    tally,
)  # fmt: skip
from edgeroute.report.findings import candidates_section, findings_section, rejected_section
from edgeroute.report.graph import graph_of_result, trimmed
from edgeroute.report.placement import placement_section
from edgeroute.report.steps import fidelity_section, layers_section, provenance_section, steps_section, versions_section
from edgeroute.types import Json

WIDEST = 1090.0
"""Pixels that a report's card is wide inside."""


def result_document(result: object, graph: object = None) -> Document:
    """A `ConversionResult` (or its JSON) as a document; `graph` is the catalog's (`graph.graph_json`), for the drawing."""
    value = mapping(as_json(result))
    details, validation = mapping(value.get("details")), mapping(value.get("validation"))
    sections = [route_section(value, graph), steps_section(value), fidelity_section(value)]
    if rows(details.get("attribution")):
        sections.append(layers_section(rows(details["attribution"])))
    sections.append(findings_section(all_findings(value)))
    if mapping(validation.get("certificate")):
        sections.append(certificate_section(mapping(validation["certificate"])))
    if mapping(validation.get("placement")):
        sections.append(placement_section(validation))
    if rows(details.get("candidates")):
        sections.append(candidates_section(rows(details["candidates"])))
    sections += [rejected_section(rows(value.get("rejected"))), versions_section(value), provenance_section(value), repeat_section(value)]
    return Document(
        title=f"{file_name(mapping(value.get('source')).get('path', ''))} → {words.clean(value.get('target', ''))}",
        subtitle=_subtitle(value),
        status=words.clean(value.get("status", "")),
        tone=TONES.get(str(value.get("status")), ""),
        tiles=_tiles(value, validation),
        sections=(*sections, next_section(value)),
    )


def _subtitle(result: Mapping[str, Json]) -> str:
    artifact = mapping(result.get("artifact"))
    if not artifact:
        bundle = mapping(mapping(result.get("details")).get("handover")).get("bundle")
        return f"{words.clean(bundle)} · a bundle for a colleague" if bundle else "No file was written."
    return f"{words.clean(artifact.get('path', ''))} · {words.clean(artifact.get('format', ''))}"


def _tiles(result: Mapping[str, Json], validation: Mapping[str, Json]) -> tuple[Tile, ...]:
    fidelity, findings = mapping(result.get("fidelity")), all_findings(result)
    outputs = rows(fidelity.get("outputs"))
    status = str(fidelity.get("status", "unmeasured"))
    worst = "worst output" if len(outputs) > 1 else "the output"
    tiles = [Tile("Fidelity", sqnr_text(outputs) if outputs else "unmeasured", f"SQNR, {worst}" if outputs else "", TONES.get(status, ""))]
    measured = on_accelerator(validation)
    if measured and has_device(validation):
        tone = GOOD if measured[0] > 0.99 else WARN if measured[0] > 0.5 else BAD
        tiles.append(Tile("On the accelerator", words.share(measured[0]), f"of the {measured[1]}", tone))
    artifact, source = mapping(result.get("artifact")), mapping(result.get("source"))
    if artifact:
        tiles.append(Tile("File size", words.size(artifact.get("bytes")), f"from {words.size(source.get('bytes'))}"))
    cached = sum(bool(s.get("cached")) for s in rows(result.get("steps")))
    tiles.append(Tile("Took", words.seconds(result.get("seconds")), f"{words.plural(cached, 'step')} from the cache" if cached else ""))
    weights = {str(f.get("severity")) for f in findings}
    tone = BAD if "error" in weights else WARN if "warning" in weights else GOOD
    tiles.append(Tile("Findings", str(len(findings)), tally(findings), tone))
    return tuple(tiles)


def route_section(result: Mapping[str, Json], graph: object = None) -> Section:
    """The route drawn over the part of the graph that lies between source and target."""
    source, target = str(mapping(result.get("source")).get("format", "")), str(result.get("target", ""))
    whole = mapping(as_json(graph)) or graph_of_result(result)
    part = trimmed(whole, source, target) if graph is not None else whole
    steps = rows(result.get("steps"))
    keys = [str(s.get("key", "")) for s in steps]
    failed = [str(r["key"]) for r in rows(result.get("rejected")) if r.get("key") and r["key"] not in keys]
    notes = {str(s.get("key", "")): _step_note(s) for s in steps}
    svg = graph_svg(part, [keys], source=source, target=target, notes=notes, rejected=failed, widest=WIDEST)
    figure = Figure(svg, route_text(result), mermaid(part, [keys]))
    blocks: list[Block] = [figure]
    if failed:
        blocks.append(Prose(f"{words.plural(len(failed), 'edge')} failed on this file and was left; see the rejected routes.", WARN))
    return Section("route", "Route", tuple(blocks))


def _step_note(step: Mapping[str, Json]) -> str:
    outputs = rows(mapping(step.get("verification")).get("outputs"))
    took = "cached" if step.get("cached") else words.seconds(step.get("seconds"))
    return f"{took} · {sqnr_text(outputs)}" if outputs else took


def route_text(result: Mapping[str, Json]) -> str:
    """`onnx ─onnxslim→ onnx-static ─onnx2tf→ tflite → artpec8`."""
    text = words.clean(mapping(result.get("source")).get("format", ""))
    for step in rows(result.get("steps")):
        text += f" ─{words.clean(step.get('converter', ''))}→ {words.clean(step.get('target', ''))}"
    return f"{text} → {words.clean(result.get('target', ''))}"


def repeat_section(result: Mapping[str, Json]) -> Section:
    """The command that repeats the conversion, and one for every step."""
    details = mapping(result.get("details"))
    command = details.get("command") or mapping(details.get("provenance")).get("command") or default_command(result)
    return Section("repeat", "Repeat it", (Prose("This gives the same file again:"), Command(words.clean(command))))


def default_command(result: Mapping[str, Json]) -> str:
    source = str(mapping(result.get("source")).get("path", ""))
    via = [str(name) for name in result.get("route") or []]
    parts = ["edgeroute", "convert", source, "--to", str(result.get("target", "")), *(["--via", ",".join(via)] if via else [])]
    return shlex.join(parts)


def next_section(result: Mapping[str, Json]) -> Section:
    """What to type next."""
    commands = next_commands(result)
    blocks = [block for why, command in commands for block in (Prose(why), Command(command))]
    return Section("next", "What next", tuple(blocks))


def next_commands(result: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
    """(why, command) in order of use."""
    artifact, details = mapping(result.get("artifact")), mapping(result.get("details"))
    target, source = str(result.get("target", "")), str(mapping(result.get("source")).get("path", ""))
    path = str(artifact.get("path", ""))
    again = ["edgeroute", "convert", source, "--to", target]
    commands: list[tuple[str, str]] = []
    if not result.get("calibrated", True):
        commands.append(("Calibrate it with pictures like those it will see:", f"{shlex.join(again)} --calibrate FOLDER"))
    if result.get("status") == "handed-over":
        bundle = str(mapping(details.get("handover")).get("bundle") or "BUNDLE")
        commands.append(("When your colleague has compiled it:", shlex.join(["edgeroute", "finish", bundle, "COMPILED"])))
    elif path and details.get("sidecar"):
        commands.append(("Try it on a camera:", f"{shlex.join(['edgeroute', 'device', 'test', path])} --host USER@CAMERA"))
    if result.get("status") == "degraded":
        commands.append(("See where the loss enters:", shlex.join(["edgeroute", "blame", source, path])))
    command = str(details.get("command") or "")
    if path and command and not details.get("report") and not details.get("handover"):
        commands.append(("Show the whole story in a browser (all steps come from the cache):", f"{command} --report report.html"))
    return [(why, words.clean(command)) for why, command in commands]
