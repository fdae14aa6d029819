"""What a file must hold to be called by the name of a format."""

from __future__ import annotations

from edgeroute.types import Facts


def floating(facts: Facts) -> list[str]:
    return ["it holds quantizers"] if facts.operators.get("FakeQuantize") else []


def quantized(facts: Facts) -> list[str]:
    """Nothing quantized at all is a lie; what is left in float is the rules' affair."""
    if not facts.operators.get("FakeQuantize"):
        return ["it holds no quantizer"]
    left, heavy = len(facts.details.get("float_layers", ())), int(facts.details.get("heavy_layers", 0))
    return ["none of its heavy layers is quantized"] if heavy and left == heavy else []
