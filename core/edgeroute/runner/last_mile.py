"""What is written beside a delivered file: the sidecar, and on request a C header."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from edgeroute import c_header, sidecar
from edgeroute.errors import OutputError
from edgeroute.files import write_json, write_text
from edgeroute.sidecar import Border
from edgeroute.types import ConversionResult, Facts, Target, to_json


def fed(result: ConversionResult, border: Border) -> ConversionResult:
    """The result with what is known about feeding its model."""
    return dataclasses.replace(result, details={**result.details, "feeding": to_json(border)})


def equip(result: ConversionResult, target: Target, border: Border, before: Facts | None, header: Path | None) -> ConversionResult:
    """Write `<name>.deploy.json` where the target is one that larod serves (or a header is wanted), and name both in `details`."""
    result = fed(result, border)
    if result.artifact is None or not (target.devices or header):
        return result
    deployment = sidecar.describe(result, target, border, before)
    place = sidecar.place_of(result.artifact.path)
    try:
        write_json(place, to_json(deployment))
        if header is not None:
            header.parent.mkdir(parents=True, exist_ok=True)
            write_text(header, c_header.render(deployment))
    except OSError as error:
        raise OutputError(
            f"{error.filename or place} cannot be written: {error.strerror}",
            remedy="free space there, or name another place with --out (--c-header)",
            code="output-unwritable",
        ) from error
    told = {"sidecar": str(place)} | ({"c_header": str(header)} if header else {})
    return dataclasses.replace(result, details={**result.details, **told})
