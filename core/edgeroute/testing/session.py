"""A workshop with the plugin under test in it, installed or not, beside all others that are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from edgeroute import catalog, paths
from edgeroute.cache import Cache
from edgeroute.environments import Environments
from edgeroute.importing import code_of
from edgeroute.plugins import Plugin, Plugins, discover
from edgeroute.testing.declared import Declared
from edgeroute.types import Target
from edgeroute.workshop import Workshop

ARRIVAL = "contract-"
"""Start of the names of targets that accept one format each, so that every edge leads somewhere."""


def open_session(declared: Declared, home: Path) -> Workshop:
    """Environments lie where the user's do, so that they are built once; everything else stays in `home`. Edges on request are open."""
    found = Plugins(_with(declared, discover(disabled=()).all))
    whole = catalog.build(found)
    arrivals = {f"{ARRIVAL}{name}": Target(f"{ARRIVAL}{name}", "the end of a contract test", (name,)) for name in whole.formats}
    edges = tuple(dataclasses.replace(c, on_request=False) for c in whole.converters)
    whole = dataclasses.replace(whole, targets={**whole.targets, **arrivals}, converters=edges)
    return Workshop(found, whole, Environments(paths.environments(), whole.environments), Cache(home))


def own_plugin(workshop: Workshop, declared: Declared) -> Plugin | None:
    """The plugin under test as the session has it; None where nobody of that origin was found."""
    module = declared.module
    if module is None:
        return None
    top, _, rest = module.__name__.partition(".")
    known = [p for p in workshop.plugins.all if top in dict(p.code)]
    return next((p for p in known if p.module is module), next((p for p in known if p.name in (module.__name__, *rest.split("."))), None))


def _with(declared: Declared, found: tuple[Plugin, ...]) -> list[Plugin]:
    module = declared.module
    if module is None or any(p.module is module for p in found):
        return list(found)
    return [*found, Plugin(module.__name__, "loaded", module.__name__, module=module, code=code_of(module))]
