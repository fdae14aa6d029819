"""What stands behind a code: edgeroute's own errors and findings, and the symptoms that converters know."""

from __future__ import annotations

import functools
import importlib.resources
import tomllib
from collections.abc import Mapping

from edgeroute import errors
from edgeroute.catalog import Catalog
from edgeroute.errors import EdgerouteError
from edgeroute.types import Json


@functools.cache
def codes() -> Mapping[str, Mapping[str, str]]:
    """Code → {title, why, remedy}, from codes.toml."""
    text = importlib.resources.files("edgeroute").joinpath("codes.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def families() -> dict[str, type[EdgerouteError]]:
    """Family code → error class, one exit code each."""
    found = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, EdgerouteError)]
    return {c.family: c for c in found}


def all_codes(catalog: Catalog) -> frozenset[str]:
    """Every code that `explain_error` knows."""
    return frozenset((*codes(), *families(), *(symptom.code for converter in catalog.converters for symptom in converter.symptoms)))


def explain_error(code: str, catalog: Catalog) -> Mapping[str, Json] | None:
    """What is known of an error or finding code; None where it is none of ours."""
    if code in codes():
        return {"code": code, **codes()[code]}
    if code in families():
        family = families()[code]
        return {"code": code, "title": " ".join((family.__doc__ or "").split()), "exit_code": family.exit_code}
    for converter in catalog.converters:
        for symptom in converter.symptoms:
            if symptom.code == code:
                return {
                    "code": code,
                    "title": symptom.message,
                    "converter": converter.name,
                    "recognized_by": symptom.pattern,
                    "remedy": symptom.remedy,
                }
    return None
