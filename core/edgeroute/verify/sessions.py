"""A Runner's sessions: opened and run, with what the runtime raises turned into words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeroute.errors import EdgerouteError, VerificationFailed
from edgeroute.resolve import resolve_function
from edgeroute.types import Session
from edgeroute.verify import arrays

Array = Any


def open_session(runner: str, model: str) -> Session:
    """Open and allocate; whatever the runtime raises becomes a VerificationFailed of code `does-not-load`."""
    load = resolve_function(runner)
    try:
        session: Session = load(Path(model))
    except EdgerouteError:
        raise
    except Exception as error:
        message = f"the file does not load: {_first_words(error)}"
        remedy = "take another converter with --avoid or --via; `edgeroute plan` lists the routes"
        raise VerificationFailed(message, where=Path(model).name, remedy=remedy, code="does-not-load") from error
    return session


def run(session: Session, values: Sequence[Array], model: str) -> Sequence[Array]:
    """One inference; whatever the runtime raises becomes a VerificationFailed of code `does-not-run`."""
    try:
        return session.run(values)
    except EdgerouteError:
        raise
    except Exception as error:
        given = ", ".join(arrays.describe(v.shape, v.dtype) for v in values)
        message = f"the file loads but does not run on {given}: {_first_words(error)}"
        remedy = "give samples that it takes: --calibrate FILE.npz, an array per input; fix its shapes with --input-shape, or take another converter with --avoid or --via"
        raise VerificationFailed(message, where=Path(model).name, remedy=remedy, code="does-not-run") from error


def _first_words(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
