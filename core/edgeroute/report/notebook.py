"""A result in a notebook's cell: a fragment that brings its own, scoped, style and no script."""

from __future__ import annotations

from html import escape

from edgeroute.report import html
from edgeroute.report.blocks import Document
from edgeroute.report.result import result_document

SECTIONS = ("steps", "fidelity", "findings")
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
.edgeroute-result .findings{list-style:none;padding:0;margin:0}.edgeroute-result .findings li{border-left:3px solid var(--soft);padding:2px 0 2px 11px;margin:7px 0}
.edgeroute-result .findings .error{border-color:var(--bad)}.edgeroute-result .findings .warning{border-color:var(--warn)}
.edgeroute-result .findings .top{display:flex;gap:9px}.edgeroute-result .remedy::before{content:"→ "}
"""  # fmt: skip


def result_html_fragment(result: object) -> str:
    """What a `ConversionResult` (or its JSON) shows in a notebook: head, steps, fidelity and findings."""
    document = result_document(result)
    chosen = [s for s in map(document.section, SECTIONS) if s is not None]
    body = html.head(document) + "".join(html.section(s) for s in chosen)
    return f'<style>{STYLE}</style><div class="edgeroute-result" data-status="{escape(_status(document))}">{_without_ids(body)}</div>'


def _status(document: Document) -> str:
    return document.status


def _without_ids(body: str) -> str:
    """Ids belong to a whole page; a notebook may show many results."""
    for name in ("summary", *SECTIONS):
        body = body.replace(f' id="{name}"', "").replace(f'<a href="#{name}">', "<a>")
    return body
