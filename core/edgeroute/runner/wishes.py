"""Edges that are taken where a route through them exists, without a pin: the one that folds the preprocessing in, for cameras."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from edgeroute.catalog import Catalog
from edgeroute.errors import PlanError, UsageError
from edgeroute.types import Plan, Preprocess, Target
from edgeroute.verify.preprocess import leaves_bytes

CAMERA = "camera"
"""Converters of this name fold the preprocessing into the model; taken for cameras where no input scale can say what is known of it."""


def wished(catalog: Catalog, device: Target, preprocess: Preprocess) -> tuple[str, ...]:
    """What is wished for when a network that sees pictures is converted for a device."""
    folds = device.camera and preprocess.known and not leaves_bytes(preprocess)
    return (CAMERA,) if folds and CAMERA in {c.name for c in catalog.converters} else ()


def best_plan(plan: Callable[[Sequence[str]], Plan], via: Sequence[str], wishes: Sequence[str]) -> Plan:
    """The plan with the wishes somewhere among the pins, by its best route; else the one without them. Raises what planning raises."""
    found: list[Plan] = []
    for place in range(len(via) + 1) if wishes else ():
        with contextlib.suppress(PlanError, UsageError):
            found.append(plan((*via[:place], *wishes, *via[place:])))
    return min(found, key=lambda p: (p.routes[0].cost, p.routes[0].keys)) if found else plan(via)
