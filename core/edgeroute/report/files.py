"""Reports in files: the suffix says which kind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from edgeroute.catalog import Catalog
from edgeroute.errors import OutputError, UsageError
from edgeroute.report import html, markdown
from edgeroute.report.facts import as_json
from edgeroute.report.graph import graph_json
from edgeroute.report.result import result_document

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
    must_be_report(path)
    render = RENDERERS[path.suffix.lower()]
    write_text(path, render(result, graph_json(catalog) if catalog is not None else None))
    return path


def _html(result: object, graph: Mapping[str, object] | None) -> str:
    return html.render(result_document(result, graph))


def _markdown(result: object, graph: Mapping[str, object] | None) -> str:
    return markdown.render(result_document(result, graph))


def _json(result: object, graph: Mapping[str, object] | None) -> str:
    return json.dumps(as_json(result), indent=1) + "\n"


RENDERERS: Mapping[str, Callable[[object, Mapping[str, object] | None], str]] = {".html": _html, ".md": _markdown, ".json": _json}


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
