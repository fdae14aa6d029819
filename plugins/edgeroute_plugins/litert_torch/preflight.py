"""Why `litert-torch` cannot take a program, told before an environment is built; standard library only."""

from __future__ import annotations

from edgeroute.types import Facts, Finding, Severity
from edgeroute_plugins.litert_torch.options import Options

DATA_DEPENDENT = ("aten.nonzero", "aten.masked_select", "aten._unique2", "aten.unique_dim", "aten.unique_consecutive", "torchvision.nms")
"""The size of what they return depends on the data."""
NO_LOWERING = ("aten.special_bessel",)
NARROW = ("float16", "bfloat16")


def preflight(facts: Facts, options: Options) -> list[Finding]:
    """Operators without a lowering, shapes that depend on data, 16-bit floats."""
    found = []
    for family, code, why in (
        (DATA_DEPENDENT, "torch-data-dependent", "the size of what {0} returns depends on the data"),
        (NO_LOWERING, "torch-operator-unsupported", "litert-torch has no lowering for {0}"),
    ):
        if named := next((name for name in facts.operators if name.startswith(family)), ""):
            found.append(
                Finding(code, Severity.ERROR, why.format(named), f"leave {named} out of forward(): the application can do that part")
            )
    if narrow := next((t for t in facts.inputs if t.dtype in NARROW), None):
        remedy = "export it in float32: torch.export.export(model.float(), …); the weights keep their values"
        found.append(
            Finding(
                "torch-narrow-floats",
                Severity.ERROR,
                f"the input {narrow.name} is {narrow.dtype}, which TFLite does not compute in",
                remedy,
            )
        )
    return found
