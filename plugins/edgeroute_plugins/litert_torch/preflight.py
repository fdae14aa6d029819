"""Why `litert-torch` cannot take a program, told before an environment is built; standard library only."""

from __future__ import annotations

from edgeroute.types import Facts, Finding, Severity
from edgeroute_plugins.litert_torch.options import Options


def preflight(facts: Facts, options: Options) -> list[Finding]:
    """Open dimensions, other than the batch: a TFLite file for a camera has none."""
    names = open_ports(facts, options)
    if not names:
        return []
    remedy = f"say how large it is: --input-shape {names[0]}:1,3,H,W"
    return [Finding("torch-dynamic-shapes", Severity.ERROR, f"the program leaves dimensions of {', '.join(names)} open", remedy)]


def open_ports(facts: Facts, options: Options) -> list[str]:
    """Inputs with an open dimension that is not the first and that the user did not settle."""
    return [t.name for t in facts.inputs if t.name not in options.input_shapes and any(d is None for d in t.shape[1:])]
