"""The user's own code: what builds their network, where it lies, and which of their files had a part in it."""

from __future__ import annotations

import hashlib
import importlib
import sys
from pathlib import Path
from typing import Any

import torch

from edgeroute.errors import UsageError
from edgeroute_plugins.torch_onnx.options import ExportOptions

INSTALL_REMEDY = "where it needs more than torch, pip install 'edgeroute[torch]' beside it: the step then runs in that interpreter"


def build_network(options: ExportOptions) -> Any:
    """The network that the user's factory makes, with its initial weights. Imports and runs the user's code: that is their word."""
    if not options.model:
        raise UsageError(
            "weights alone do not say what the network looks like",
            remedy="name what builds it: --model package.module:factory",
            code="model-factory-needed",
        )
    made = resolve(options.model, options.code_path)
    network = made if isinstance(made, torch.nn.Module) else construct(made, options)
    if not isinstance(network, torch.nn.Module):
        raise UsageError(
            f"{options.model} made a {type(network).__name__}, not a torch.nn.Module",
            remedy="name a class or a function that returns the network: --model package.module:factory",
            code="model-factory-wrong",
        )
    return network


def construct(factory: Any, options: ExportOptions) -> Any:
    """Call the factory; what the user's code raises is said to come from there."""
    try:
        return factory(**options.model_arguments)
    except Exception as error:  # the user's code
        raise UsageError(
            f"{options.model} raised {type(error).__name__}: {error}",
            remedy="give it the arguments it needs: --set torch-export.model_arguments='{\"num_classes\": 10}'",
            code="model-factory-wrong",
        ) from error


def resolve(spec: str, code_path: Path | None) -> Any:
    """The object that `package.module:factory` names; its folder is importable from here on."""
    module_name, _, attribute = spec.partition(":")
    make_importable(code_path)
    try:
        found: Any = importlib.import_module(module_name)
        for part in (attribute or "model").split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"the model factory {spec} cannot be imported: {error}",
            remedy=f"spell it package.module:factory, and name the folder that holds the package: --set torch-export.code_path=FOLDER; {INSTALL_REMEDY}",
            code="model-factory-missing",
        ) from error
    return found


def make_importable(code_path: Path | None) -> None:
    """Put the user's folder (the current one if they named none) on the path, behind what is installed."""
    folder = str(Path(code_path or ".").resolve())
    if folder not in sys.path:
        sys.path.append(folder)


def code_read(folder: Path | None) -> dict[str, str]:
    """The user's files that were imported from their folder so far, by path, with their digests: they decide the result too."""
    root, own = Path(folder or ".").resolve(), Path(sys.prefix).resolve()
    files = {Path(file).resolve() for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))}
    theirs = sorted(f for f in files if f.is_relative_to(root) and f.is_file() and (root.is_relative_to(own) or not f.is_relative_to(own)))
    return {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in theirs}
