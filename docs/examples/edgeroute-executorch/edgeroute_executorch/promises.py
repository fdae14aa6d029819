"""What a file must hold to be called by the name of a format."""

from __future__ import annotations

from edgeroute.types import Facts


def floating(facts: Facts) -> list[str]:
    return ["it was quantized"] if facts.details.get("quantized") else []


def quantized(facts: Facts) -> list[str]:
    return [] if facts.details.get("quantized") else ["it was not quantized by edgeroute-executorch"]
