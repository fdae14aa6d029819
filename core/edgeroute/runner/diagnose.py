"""An outcome that is not ok → an error that says what, where and what to type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from edgeroute import errors
from edgeroute.errors import ConverterFailed, EdgerouteError
from edgeroute.types import Converter, Json, Outcome

TAIL = 20_000


def failure(converter: Converter, outcome: Outcome, folder: Path) -> EdgerouteError:
    """The best that can be said: the tool's known symptom, then its own error, then how the process ended."""
    return _symptom(converter, outcome) or _raised(converter, outcome, folder) or _ended(converter, outcome, folder)


def _symptom(converter: Converter, outcome: Outcome) -> EdgerouteError | None:
    text = _log(outcome) + "\n" + str(outcome.error.get("message", ""))
    for symptom in converter.symptoms:
        match = re.search(symptom.pattern, text, re.MULTILINE)
        if match:
            parts = [group or "" for group in match.groups()]
            return ConverterFailed(
                _fill(symptom.message, parts), where=converter.key, remedy=_fill(symptom.remedy, parts), code=symptom.code
            )
    return None


def _fill(template: str, parts: list[str]) -> str:
    return re.sub(r"\{(\d+)\}", lambda m: parts[int(m[1])] if int(m[1]) < len(parts) else "", template)


def _raised(converter: Converter, outcome: Outcome, folder: Path) -> EdgerouteError | None:
    if outcome.status != "error":
        return None
    error = outcome.error
    return family_of(error, ConverterFailed)(
        f"{converter.name}: {error.get('message', 'failed')}",
        where=str(error.get("where") or converter.key),
        remedy=str(error.get("remedy") or _look(converter, folder)),
        code=str(error.get("code") or "converter-raised"),
    )


def family_of(error: Mapping[str, Json], otherwise: type[EdgerouteError]) -> type[EdgerouteError]:
    """The error class that a child raised, by the exit code of its family."""
    return next((c for c in _families() if c.exit_code == error.get("exit_code") and c is not EdgerouteError), otherwise)


def _families() -> tuple[type[EdgerouteError], ...]:
    return tuple(v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, EdgerouteError))


def _ended(converter: Converter, outcome: Outcome, folder: Path) -> EdgerouteError:
    said = {
        "timeout": (f"{converter.name} did not finish in its time", "give it more: --time-limit SECONDS", "converter-timeout"),
        "memory": (
            f"{converter.name} needed more memory than it may have",
            "give it more: --memory-limit MB, or close other programs",
            "converter-memory",
        ),
        "exit": (
            f"{converter.name} ended its process ({outcome.error.get('message', 'no reason given')})",
            _look(converter, folder),
            "converter-exited",
        ),
    }
    message, remedy, code = said.get(
        outcome.status, (f"{converter.name} failed: {outcome.status}", _look(converter, folder), "converter-failed")
    )
    last = _last_words(outcome)
    return ConverterFailed(f"{message}{': ' + last if last else ''}", where=converter.key, remedy=remedy, code=code)


def _look(converter: Converter, folder: Path) -> str:
    return f"read the log in {folder}, or take another edge: --avoid {converter.name}"


def _last_words(outcome: Outcome) -> str:
    lines = [line.strip() for line in _log(outcome).splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def _log(outcome: Outcome) -> str:
    try:
        return Path(outcome.log).read_text(encoding="utf-8", errors="replace")[-TAIL:] if outcome.log else ""
    except OSError:
        return ""
