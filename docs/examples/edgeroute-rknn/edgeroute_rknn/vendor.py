"""Opens the vendor's toolkit in the worker, without torch: it is named when the toolkit is imported, and used by one algorithm only."""

from __future__ import annotations

import contextlib
import importlib.machinery
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgeroute.errors import ConverterFailed
from edgeroute_rknn import project

ALGORITHMS = ("normal", "mmse", "kl_divergence")
"""Those that get along without torch."""


class Placeholder(types.ModuleType):
    """A module of torch that gives classes which do nothing; as decorators they give back what they decorate."""

    __path__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {"__init__": lambda self, *a, **k: None, "__call__": lambda self, function=None: function})


class PlaceholderFinder:
    """Finds torch and what is below it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] != "torch":
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return Placeholder(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run."""


@contextlib.contextmanager
def opened(folder: Path, chip: str) -> Iterator[Any]:
    """A toolkit that has built a project for a chip. Raises ConverterFailed where one of its calls fails."""
    settings: Mapping[str, Any] = project.read(folder)["settings"]
    toolkit = _toolkit()
    try:
        must(toolkit.config(target_platform=chip, quantized_algorithm=settings["algorithm"], quantized_method=settings["method"]), "config")
        must(toolkit.load_onnx(str(folder / project.MODEL)), "load_onnx")
        must(toolkit.build(do_quantization=True, dataset=str(folder / project.DATASET)), "build")
        yield toolkit
    finally:
        toolkit.release()


def _toolkit() -> Any:
    if "torch" not in sys.modules:
        sys.meta_path.insert(0, PlaceholderFinder())  # type: ignore[arg-type]
    from rknn.api import RKNN

    return RKNN(verbose=False)


def must(answer: int, call: str) -> None:
    """The toolkit answers 0 for success."""
    if answer != 0:
        raise ConverterFailed(
            f"rknn-toolkit2's {call}() answered {answer}",
            where="rknn",
            remedy="read the step's log: what it printed last is the reason",
            code="rknn-failed",
        )
