"""State dicts: found in checkpoints, read without unpickling anything else, and put into a network."""

from __future__ import annotations

import importlib
import os
import pickle
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from edgeroute.errors import SourceError, TrustError, UsageError
from edgeroute_plugins.torch_onnx.options import ExportOptions
from edgeroute_plugins.torch_onnx.programs import TRUST_REMEDY, trusted

STATE_KEYS = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params", "module")
PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
"""What DataParallel, torch.compile and training frameworks put before every name."""


def read_weights(path: Path, trust: bool) -> Any:
    """What the file holds: a mapping of tensors, a checkpoint, or (with the user's word) a module. Nothing else is unpickled."""
    with path.open("rb") as file:
        is_safetensors = file.read(9)[8:] == b"{"
    if is_safetensors:
        from safetensors.torch import load_file

        return load_file(str(path))
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "GLOBAL" not in str(error):
            raise unreadable(path, error) from None
        if not trusted(trust):
            raise untrusted(path, str(error)) from None
    except RuntimeError as error:
        raise unreadable(path, error) from error
    return unpickle(path)


def unpickle(path: Path) -> Any:
    """The whole pickle, classes and all; only ever with the user's word."""
    os.environ.pop("TORCH_FORCE_WEIGHTS_ONLY_LOAD", None)
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except (AttributeError, ModuleNotFoundError) as error:
        raise SourceError(
            f"the pickled module needs code that cannot be imported: {error}",
            where=path.name,
            remedy="name the folder of that code: --set torch-export.code_path=FOLDER (and install what it imports in this environment)",
            code="torch-module-code-missing",
        ) from error
    except RuntimeError as error:
        raise unreadable(path, error) from error


def untrusted(path: Path, text: str) -> TrustError:
    """The refusal, naming the first thing that torch would not unpickle."""
    culprit = re.search(r"GLOBAL ([\w.]+)", text)
    named = f" ({culprit[1]})" if culprit else ""
    return TrustError(
        f"the file holds pickled Python objects{named}; unpickling them runs code",
        where=path.name,
        remedy=f"save the weights alone (torch.save(model.state_dict(), …)), or, {TRUST_REMEDY}",
        code="trust-needed",
    )


def unreadable(path: Path, error: Exception) -> SourceError:
    """A damaged file."""
    return SourceError(
        f"torch cannot read the file: {str(error).strip().splitlines()[0]}",
        where=path.name,
        remedy="save it again with torch.save(model.state_dict(), PATH)",
        code="torch-file-unreadable",
    )


def is_state(value: object) -> bool:
    """Whether it maps names to tensors (and to little else)."""
    return isinstance(value, Mapping) and bool(value) and any(isinstance(v, torch.Tensor) for v in value.values())


def find_state(content: Any, key: str, path: Path) -> tuple[Mapping[str, Any], str]:
    """The state dict in a checkpoint and its key ("" where the file is one itself)."""
    if key:
        if isinstance(content, Mapping) and is_state(content.get(key)):
            return content[key], key
        raise no_state(content, path)
    for candidate in STATE_KEYS:
        if isinstance(content, Mapping) and is_state(content.get(candidate)):
            return content[candidate], candidate
    if is_state(content):
        return content, ""
    others = [k for k, v in content.items() if is_state(v)] if isinstance(content, Mapping) else []
    if len(others) == 1:
        return content[others[0]], str(others[0])
    raise no_state(content, path)


def no_state(content: Any, path: Path) -> SourceError:
    """A checkpoint in which no weights are to be found."""
    keys = ", ".join(map(str, list(content)[:12])) if isinstance(content, Mapping) else type(content).__name__
    return SourceError(
        f"the checkpoint holds no state dict under a known key; it holds: {keys}",
        where=path.name,
        remedy="say which key it is: --set torch-export.state_key=KEY",
        code="torch-state-not-found",
    )


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
            remedy="spell it package.module:factory, and name the folder that holds the package: --set torch-export.code_path=FOLDER",
            code="model-factory-missing",
        ) from error
    return found


def make_importable(code_path: Path | None) -> None:
    """Put the user's folder (the current one if they named none) on the path, behind what is installed."""
    folder = str(Path(code_path or ".").resolve())
    if folder not in sys.path:
        sys.path.append(folder)


def load_state(network: Any, state: Mapping[str, Any], path: Path) -> str:
    """Put the weights into the network, under whatever prefix they are; returns the prefix. All names must match."""
    wanted = set(network.state_dict())
    for prefix in matching_prefixes(state, wanted):
        renamed = {k.removeprefix(prefix): v for k, v in state.items() if isinstance(v, torch.Tensor)}
        if wanted <= set(renamed) | counters(wanted):
            assign(network, {k: v for k, v in renamed.items() if k in wanted}, path)
            return prefix
    names = {strip_prefixes(k) for k in state}
    missing, extra = sorted(wanted - names - counters(wanted)), sorted(names - wanted)
    raise SourceError(
        f"the weights do not fit the network: {len(missing)} names missing ({', '.join(missing[:3])}…), {len(extra)} left over ({', '.join(extra[:3])}…)",
        where=path.name,
        remedy="build the network as it was trained: arguments with --set torch-export.model_arguments='{\"num_classes\": 10}'",
        code="torch-state-mismatch",
    )


def matching_prefixes(state: Mapping[str, Any], wanted: set[str]) -> list[str]:
    """Prefixes to try: none, and those that every name carries, also two in a row."""
    found = [""]
    for first in PREFIXES:
        if any(k.startswith(first) for k in state):
            found += [first, *(first + second for second in PREFIXES if any(k.startswith(first + second) for k in state))]
    return found


def strip_prefixes(name: str) -> str:
    """The name without what wrappers put before it."""
    for prefix in ("module.", "_orig_mod."):
        name = name.removeprefix(prefix)
    return name


def counters(names: set[str]) -> set[str]:
    """Batch counters, which old files lack and inference does not use."""
    return {n for n in names if n.endswith("num_batches_tracked")}


def assign(network: Any, state: Mapping[str, Any], path: Path) -> None:
    """`load_state_dict`, with shapes that differ named."""
    try:
        network.load_state_dict(state, strict=False)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines() if "size mismatch" in line]
        raise SourceError(
            f"the weights do not fit the network: {lines[0] if lines else error}",
            where=path.name,
            remedy="build the network as it was trained: arguments with --set torch-export.model_arguments='{\"num_classes\": 10}'",
            code="torch-state-mismatch",
        ) from error
