"""Reports in files: the suffix says which kind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from edgeroute.catalog import Catalog
from edgeroute.errors import OutputError, UsageError
from edgeroute.report import html, markdown
from edgeroute.report.blocks import Document
from edgeroute.report.facts import as_json
from edgeroute.report.graph import graph_json
from edgeroute.report.models import validation_document
from edgeroute.report.result import result_document
from edgeroute.types import Json

SUFFIXES = (".html", ".md", ".json")


def must_be_report(path: Path) -> None:
    """Raise UsageError or OutputError, before any work, where a report could not be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"{path.name} is no kind of report", where=str(path), remedy=f"end its name in {', '.join(SUFFIXES)}", code="report-suffix"
        )
    if path.is_dir() or not path.parent.is_dir():
        raise OutputError(f"{path} cannot be written: no such folder", where=str(path), remedy="name a file in a folder that exists", code="report-unwritable")  # fmt: skip


def write_report(result: object, path: Path, catalog: Catalog | None = None) -> Path:
    """Write a `ConversionResult` (or its JSON) as .html, .md or .json; whole or not at all."""
    graph = graph_json(catalog) if catalog is not None else None
    return _write(path, result, lambda value: result_document(_reported(value, path), graph))


def _reported(result: object, path: Path) -> Json:
    """The result as it is told in its own report: nobody who reads that has to be told how to get it."""
    told = as_json(result)
    return {**told, "details": {**(told.get("details") or {}), "report": path.name}}


def write_check(validation: object, path: Path) -> Path:
    """The same for a `ValidationReport`."""
    return _write(path, validation, validation_document)


def _write(path: Path, value: object, document: Callable[[object], Document]) -> Path:
    must_be_report(path)
    suffix = path.suffix.lower()
    text = json.dumps(as_json(value), indent=1) + "\n" if suffix == ".json" else RENDERERS[suffix](document(value))
    write_text(path, text)
    return path


RENDERERS: Mapping[str, Callable[[Document], str]] = {".html": html.render, ".md": markdown.render}


def write_text(path: Path, text: str) -> None:
    """By way of a file beside it that is renamed at the end; raises OutputError."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(
            f"{path} cannot be written: {error.strerror}",
            where=str(path),
            remedy="name another place with --report",
            code="report-unwritable",
        ) from error
