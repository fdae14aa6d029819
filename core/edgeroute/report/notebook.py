"""What the API's functions answer, in a notebook's cell: a fragment that brings its own, scoped, style and no script."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from html import escape

from edgeroute.report import html
from edgeroute.report.audit import audit_document
from edgeroute.report.blame import blame_document
from edgeroute.report.blocks import Document, Figure, Section
from edgeroute.report.models import inspect_document, validation_document
from edgeroute.report.plan import plan_document
from edgeroute.report.result import result_document

STYLE = """
.edgeroute-result{font:14px/1.5 system-ui,sans-serif;border:1px solid rgb(128 128 128/.35);border-radius:10px;padding:14px 18px;max-width:1080px;
 --good:#2b8a3e;--warn:#b36b00;--bad:#c4322a;--soft:rgb(128 128 128);--bar:#5aa7c4}
.edgeroute-result h1{font-size:19px;margin:0;display:flex;gap:10px;flex-wrap:wrap;align-items:center}.edgeroute-result h2{font-size:15px;margin:16px 0 6px}
.edgeroute-result h2 a{color:inherit;text-decoration:none}
.edgeroute-result .subtitle,.edgeroute-result .label,.edgeroute-result .note,.edgeroute-result .muted,.edgeroute-result .where,.edgeroute-result .cost{color:var(--soft)}
.edgeroute-result .good{color:var(--good)}.edgeroute-result .warn{color:var(--warn)}.edgeroute-result .bad{color:var(--bad)}
.edgeroute-result .badge{border:1px solid currentColor;border-radius:99px;padding:0 9px;font-size:12px;font-weight:600}
.edgeroute-result .tiles{display:flex;flex-wrap:wrap;gap:6px 30px;margin-top:10px}.edgeroute-result .value{font-size:20px;font-weight:650}
.edgeroute-result table{border-collapse:collapse;font-size:13px;margin:0}.edgeroute-result th,.edgeroute-result td{text-align:left;padding:3px 14px 3px 0}
.edgeroute-result .right{text-align:right}.edgeroute-result td.code,.edgeroute-result code{font-family:ui-monospace,monospace;font-size:12px}
.edgeroute-result .scroll{overflow-x:auto}.edgeroute-result .measured{display:inline-flex;gap:8px;align-items:center;white-space:nowrap}
.edgeroute-result .meter{display:inline-block;width:70px;height:8px;border-radius:3px;background:rgb(128 128 128/.2);overflow:hidden}
.edgeroute-result .meter i{display:block;height:100%;background:var(--bar)}
.edgeroute-result caption{text-align:left;padding:6px 0 2px}.edgeroute-result .copy{display:none}
.edgeroute-result dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 18px;margin:6px 0;font-size:13px}.edgeroute-result dt{color:var(--soft)}.edgeroute-result dd{margin:0}
.edgeroute-result .findings{list-style:none;padding:0;margin:0}.edgeroute-result .findings li{border-left:3px solid var(--soft);padding:2px 0 2px 11px;margin:7px 0}
.edgeroute-result .findings .error{border-color:var(--bad)}.edgeroute-result .findings .warning{border-color:var(--warn)}
.edgeroute-result .findings .top{display:flex;gap:9px}.edgeroute-result .remedy::before{content:"→ "}
"""  # fmt: skip


DOCUMENTS: Mapping[str, Callable[[object], Document]] = {
    "Artifact": inspect_document,
    "Audit": audit_document,
    "Blame": blame_document,
    "ConversionResult": result_document,
    "Plan": plan_document,
    "ValidationReport": validation_document,
}
"""Name of a noun that shows itself → what there is to show."""
CHOSEN: Mapping[str, tuple[str, ...]] = {"ConversionResult": ("steps", "fidelity", "findings"), "Plan": ("routes", "better")}
"""Its sections, where not all of them are shown."""


def fragment(value: object) -> str:
    """What `convert`, `plan`, `check`, `inspect`, `verify` and `blame` answer, as HTML without ids or scripts."""
    kind = type(value).__name__
    document = DOCUMENTS[kind](value)
    sections = [s for s in document.sections if kind not in CHOSEN or s.id in CHOSEN[kind]]
    body = html.head(document) + "".join(html.section(_without_figures(s)) for s in sections)
    return f'<style>{STYLE}</style><div class="edgeroute-result" data-status="{escape(document.status)}">{_without_ids(body)}</div>'


def _without_figures(section: Section) -> Section:
    """Drawings need the page's style."""
    return dataclasses.replace(section, blocks=tuple(b for b in section.blocks if not isinstance(b, Figure)))


def _without_ids(body: str) -> str:
    """Ids belong to a whole page; a notebook may show many results."""
    return re.sub(r'<a href="#[\w-]+">', "<a>", re.sub(r'(<(?:section|header)[^>]*?) id="[\w-]+"', r"\1", body))
