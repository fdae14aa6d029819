"""The page of error and finding codes."""

from __future__ import annotations

import fnmatch
import tomllib

from docs.scripts.codes import ROOT, Use, uses
from docs.scripts.markdown import page
from edgeroute.explain import codes, families

TEXT = (ROOT / "core" / "edgeroute" / "codes.toml").read_text(encoding="utf-8")


def error_codes() -> str:
    """Every code under the heading of its part of codes.toml."""
    return page(
        "Errors and findings",
        "Every message carries a code, and `edgeroute explain CODE` prints what stands here. An *error* ends a command with the exit code of "
        "its family ([table](exit-codes.md)); a *finding* stands in a report. The rules of devices have codes of their own: "
        "[Devices and their rules](devices.md).\n",
        *(f"## {title}\n\n" + "\n".join(_entry(code) for code in group) for title, group in _parts()),
    )


def _parts() -> list[tuple[str, list[str]]]:
    """The comments of codes.toml are its headings."""
    parts: list[tuple[str, list[str]]] = []
    for line in TEXT.splitlines():
        if line.startswith("# ") and "`edgeroute explain CODE`" not in line:
            parts.append((line[2:], []))
        elif line.startswith("["):
            parts[-1][1].append(next(iter(tomllib.loads(line))))
    return parts


def _entry(code: str) -> str:
    entry = codes()[code]
    return f"### {code}\n\n**{entry['title']}.** *{_who(code)}.* {entry['why']}\n\n→ {entry['remedy']}\n"


def _who(code: str) -> str:
    kinds = {_kind(use) for use in uses() if fnmatch.fnmatch(code, use.code)} - {""}
    return " or ".join(sorted(kinds)) or "error"


def _kind(use: Use) -> str:
    if use.by == "Finding":
        return "finding"
    if use.by == "Symptom":
        return "error, exit code 6"
    found = next((f for f in families().values() if f.__name__ == use.by), None)
    return f"error, exit code {found.exit_code}" if found else ""
