"""What a TFLite file must still hold to deserve its format's name; each function returns the broken promises as sentences."""

from __future__ import annotations

from edgeroute.types import Facts


def fixed(facts: Facts) -> list[str]:
    """Every input and output has a fixed shape, and every operator runs without TensorFlow."""
    broken = [f"{t.name or 'a tensor'} has the open shape {_shape(t.shape)}" for t in (*facts.inputs, *facts.outputs) if not t.is_static]
    return broken + [f"{name} needs TensorFlow's own kernels" for name in facts.details.get("flex", {})]


def floating(facts: Facts) -> list[str]:
    """A float model: fixed, and nothing in it is quantized."""
    kind = facts.details.get("kind")
    return fixed(facts) + ([] if kind == "float" else [f"it is {kind}, not float"])


def full_integer(facts: Facts) -> list[str]:
    """Fixed, and no operator, input or output computes in float."""
    if facts.details.get("full_integer"):
        return fixed(facts)
    floats = facts.details.get("float_operators", [])
    named = ", ".join(f"{o['name']} (operator {o['index']})" for o in floats[:3])
    borders = [f"{name} is float at the border" for name in facts.details.get("float_borders", [])]
    inner = [f"{len(floats)} operators compute in float: {named}"] if floats else []
    return fixed(facts) + (inner + borders or [f"it is {facts.details.get('kind')}, not full int8"])


def per_tensor(facts: Facts) -> list[str]:
    """Full integer, and no tensor has more than one scale."""
    channels = facts.details.get("per_channel", {})
    names = ", ".join(channels.get("names", [])[:3])
    return full_integer(facts) + ([f"{channels['count']} tensors have a scale per channel: {names}"] if channels.get("count") else [])


def compiled(facts: Facts) -> list[str]:
    """Exactly one part is compiled for the Edge TPU: the runtime makes no second one."""
    count = facts.operators.get("edgetpu-custom-op", 0)
    return [] if count == 1 else [f"{count} of its operators are compiled parts, not exactly one"]


def _shape(shape: tuple[int | None, ...]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"
