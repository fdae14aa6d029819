"""A workshop with the real plugins of vendor tools and devices, in which files are "executed" without any runtime but numpy.

`edgeroute_plugins`' own declarations, recognition, rules and converters; only their runners are replaced, by one that computes a
function of a file's border. So a conversion runs in seconds on a computer that has nothing installed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import edgeroute_plugins
from edgeroute.cache import Cache
from edgeroute.catalog import build
from edgeroute.environments import Environments
from edgeroute.plugins import Plugin, Plugins
from edgeroute.types import Converter, Environment, Facts, Runner, Tensor
from edgeroute.workshop import Workshop

PLUGINS = ("tflite", "onnx", "sources", "devices", "edgetpu", "ambarella")
FORMATS = ("tflite", "tflite-int8", "tflite-int8-pt", "onnx", "onnx-static")
CODE = (("bench", __file__), ("edgeroute_plugins", str(Path(next(iter(edgeroute_plugins.__path__))))))


def edgeroute_environments() -> list[Environment]:
    return [Environment("runtime", ("numpy",))]


def edgeroute_converters() -> list[Converter]:
    return [Converter("pin", "onnx", "onnx-static", "bench:pin")]


def edgeroute_runners() -> list[Runner]:
    return [Runner("bench", FORMATS, "bench:load")]


def pin(source: Path, out: Path, options: object) -> Facts:
    """The same file: the tests' models are static already."""
    out.write_bytes(source.read_bytes())
    return Facts()


class BorderSession:
    """Gives back numbers of its inputs, spread over its outputs: alive, and the same for every file with the same border."""

    def __init__(self, facts: Facts) -> None:
        self.inputs: Sequence[Tensor] = facts.inputs
        self.outputs: Sequence[Tensor] = facts.outputs

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        import numpy as np

        whole = np.concatenate([np.asarray(a).ravel().astype(np.float64) for a in arrays])
        return [self._spread(whole, t) for t in self.outputs]

    def _spread(self, whole: Any, tensor: Tensor) -> Any:
        import numpy as np

        shape = [d or 1 for d in tensor.shape]
        return whole[(np.arange(int(np.prod(shape))) * 7919) % whole.size].reshape(shape).astype(tensor.dtype)


def load(model: Path) -> BorderSession:
    """By the file's own border, as the real plugins read it."""
    for name in ("tflite", "onnx"):
        found = importlib.import_module(f"edgeroute_plugins.{name}.plugin").edgeroute_recognize(Path(model))
        if found is not None:
            return BorderSession(found.facts)
    raise ValueError(f"no border in {model}")


def workshop(folder: Path, plugins: Iterable[str] = PLUGINS) -> Workshop:
    """With these plugins, its home in this folder."""
    found = [Plugin(name, "loaded", "bench", module=without_runners(name), code=CODE) for name in plugins]
    found.append(Plugin("bench", "loaded", "bench", module=sys.modules[__name__], code=CODE))
    session = Plugins(found)
    catalog = build(session)
    broken = [f"{p.name}: {p.reason}" for p in session.all if p.status != "loaded"]
    assert not broken, broken
    return Workshop(session, catalog, Environments(folder / "environments", catalog.environments), Cache(folder))


def without_runners(name: str) -> ModuleType:
    """A plugin's answers but those to `runners`, and of environments only tools: `runtime` is the bench's own."""
    real = importlib.import_module(f"edgeroute_plugins.{name}.plugin")
    made = ModuleType(f"bench_{name}")
    for question in ("formats", "converters", "targets", "recognize", "check", "environments"):
        hook = getattr(real, f"edgeroute_{question}", None)
        if hook is not None:
            setattr(made, f"edgeroute_{question}", hook)
    return made
