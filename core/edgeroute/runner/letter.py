"""README.md of a bundle: what a colleague who has the vendor's tool runs, and what to send back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from edgeroute import handover
from edgeroute.files import write_text
from edgeroute.handover import Manifest
from edgeroute.types import ConversionResult, Json, Tensor, Tool


def write(folder: Path, manifest: Manifest, result: ConversionResult, tool: Tool) -> None:
    """Put the letter into the bundle."""
    write_text(folder / handover.README, "\n".join(_lines(manifest, result, tool)) + "\n")


def _lines(manifest: Manifest, result: ConversionResult, tool: Tool) -> Iterator[str]:
    told: Mapping[str, Json] = result.details["handover"]
    yield from (
        f"# {manifest.delivers}: one step is left",
        "",
        f"`edgeroute` {manifest.edgeroute} converted `{manifest.source['name']}` for **{manifest.target}** up to the vendor's compiler, which was not on",
        "that computer. This folder holds the rest: the model, the data and the exact commands. It holds no part of the vendor's tool.",
        "",
        "## What to run",
        "",
        f"You need **{manifest.tool}** (`{'`, `'.join(tool.executables)}`): {manifest.notes.get('needs') or tool.remedy}",
        "",
        f"    bash {manifest.script}",
        "",
        "in this folder. These are the commands in it:",
        "",
        *(f"    {command}" for command in told["commands"]),
        "",
        "## What to send back",
        "",
        f"{_sent(manifest)} in this folder. Whoever sent you the bundle then types",
        "",
        f"    edgeroute finish BUNDLE {Path(manifest.produces).name}",
        "",
        "which checks the file against `manifest.json` and the rules of the device.",
    )
    yield from ("", "## What is in it", "", *_contents(manifest))
    yield from ("", "## What was verified", "", *_verified(result), "")
    yield from _tensors("Inputs", manifest.facts.inputs)
    yield from _tensors("Outputs", manifest.facts.outputs)


def _sent(manifest: Manifest) -> str:
    more = [f"`{name}`" for name in manifest.notes.get(handover.COMPANIONS, ())]
    if not more:
        return f"`{manifest.produces}`, which the script leaves"
    return f"`{manifest.produces}` and the files that belong to it, {', '.join(more)}, which the script leaves"


def _contents(manifest: Manifest) -> Iterator[str]:
    yield f"- `{manifest.model}`: the model (its SHA-256 and those of all other files stand in `manifest.json`)"
    yield f"- `{manifest.script}`: the commands; what an earlier run of it left is removed first"
    holds: Mapping[str, Json] = manifest.notes.get("holds") or {}
    yield from (f"- `{name}`: {what}" for name, what in holds.items())
    yield f"- `{handover.RESULT}`: the conversion so far, for `edgeroute finish`"


def _verified(result: ConversionResult) -> Iterator[str]:
    fidelity = result.fidelity
    route = " → ".join((result.source.format, *(s.target for s in result.steps)))
    yield f"- the steps so far: {route}"
    if fidelity.get("outputs"):
        sqnr = fidelity.get("sqnr_db")
        number = f"{sqnr:.1f} dB signal to noise" if isinstance(sqnr, float) else "no difference that could be measured"
        yield f"- against the source, on {fidelity['samples']} samples: {fidelity['status']}, {number} at the worst output"
    else:
        yield "- nothing could be measured"
    validation = result.validation
    if validation is not None:
        told = [f"{n} {s}{'' if n == 1 else 's'}" for s in ("warning", "tip") for n in [sum(f.severity == s for f in validation.findings)]]
        yield f"- the rules of {result.target} before compilation: no error, {', '.join(told)}"
        yield from (f"  - {f.code} ({f.severity}): {f.message}" for f in validation.findings)


def _tensors(title: str, tensors: tuple[Tensor, ...]) -> Iterator[str]:
    if tensors:
        yield f"{title}: " + ", ".join(f"`{t.name}` {t.dtype} {list(t.shape)}" for t in tensors)
