"""State dicts: found in checkpoints, read without unpickling anything else, and put into a network."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from edgeroute.errors import SourceError, TrustError
from edgeroute_plugins.torch_onnx.factories import INSTALL_REMEDY
from edgeroute_plugins.torch_onnx.programs import TRUST_REMEDY, trusted

STATE_KEYS = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params", "module")
DEEPEST = 3
"""How deep inside a checkpoint state dicts are looked for."""
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
            remedy=f"name the folder of that code: --set torch-export.code_path=FOLDER; {INSTALL_REMEDY}",
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
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        return False
    return bool(value) and sum(isinstance(v, torch.Tensor) for v in value.values()) * 2 >= len(value)


def find_state(content: Any, key: str, path: Path) -> tuple[Mapping[str, Any], str]:
    """The state dict in a checkpoint and its key, dotted where it lies deeper ("" where the file is one itself)."""
    found = dict(states(content))
    chosen = key if key else preferred(list(found))
    if chosen is None or chosen not in found:
        raise no_state(content, list(found), path)
    return found[chosen], chosen


def states(content: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every state dict in nested mappings, by dotted key."""
    if is_state(content):
        yield key, content
    if isinstance(content, Mapping) and depth <= DEEPEST:
        for name, value in content.items():
            if isinstance(name, str):
                yield from states(value, f"{key}.{name}" if key else name, depth + 1)


def preferred(keys: Sequence[str]) -> str | None:
    """The key that holds the network by common usage: a known name, the outermost first; else the file itself, else the only one."""
    for depth in range(DEEPEST + 1):
        for name in STATE_KEYS:
            for key in keys:
                if key.count(".") == depth and key.rpartition(".")[2] == name:
                    return key
    return "" if "" in keys else keys[0] if len(keys) == 1 else None


def no_state(content: Any, keys: Sequence[str], path: Path) -> SourceError:
    """A checkpoint in which no weights are to be found, or several that may be meant."""
    inside = ", ".join(map(str, list(content)[:12])) if isinstance(content, Mapping) else type(content).__name__
    named = f"its state dicts are {', '.join(keys[:12])}" if keys else f"it holds: {inside}"
    return SourceError(
        f"the checkpoint holds no state dict under a known key; {named}",
        where=path.name,
        remedy=f"say which key it is: --set torch-export.state_key={keys[0] if keys else 'KEY'}",
        code="torch-state-not-found",
    )


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
