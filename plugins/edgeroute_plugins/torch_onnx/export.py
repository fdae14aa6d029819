"""The work behind `torch-export`: weights or a module to an exported program, compared with the network it came from."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from edgeroute.errors import ConverterFailed, SourceError, TrustError, UsageError, VerificationFailed
from edgeroute.types import Facts, Tensor
from edgeroute_plugins.torch_onnx.factories import build_network, code_read, make_importable
from edgeroute_plugins.torch_onnx.options import ExportOptions
from edgeroute_plugins.torch_onnx.programs import TRUST_REMEDY, program_facts, random_tensor, trusted
from edgeroute_plugins.torch_onnx.weights import find_state, load_state, read_weights

TOLERANCE = 1e-4
"""Largest difference between the network and its program, relative to the output's range."""


def run(source: Path, out: Path, options: ExportOptions) -> Facts:
    """Write the network in `source` to `out` as an exported program in eval mode.

    The program is compared with the network on three random inputs: what is downstream is compared with the program.
    Raises TrustError before anything is unpickled, UsageError where factory or shapes are missing.
    """
    network, notes = network_of(source, options)
    inputs = sample_inputs(network, options.input_shapes, options.input_dtypes)
    program, difference = export_network(network, inputs)
    torch.export.save(program, out)
    return program_facts(program, largest_relative_change=difference, code_read=code_read(options.code_path), **notes)


def run_module(source: Path, out: Path, options: ExportOptions) -> Facts:
    """As `run`, for a whole pickled module: refused, before anything is read, unless the user gave their word."""
    if not trusted(options.trust):
        raise TrustError(
            "a pickled module runs code when it is loaded",
            where=source.name,
            remedy=f"save the weights alone (torch.save(model.state_dict(), …)), or, {TRUST_REMEDY}",
            code="trust-needed",
        )
    return run(source, out, options)


def network_of(source: Path, options: ExportOptions) -> tuple[Any, dict[str, Any]]:
    """The network with its weights, in eval mode, and remarks on how it was found."""
    make_importable(options.code_path)
    content = read_weights(source, options.trust)
    network = inner_module(content)
    if network is not None:
        return network.float().eval(), {"from": "pickled module"}
    state, key = find_state(content, options.state_key, source)
    network = build_network(options)
    prefix = load_state(network, state, source)
    return network.float().eval(), {"state_key": key, "prefix": prefix, "model": options.model}


def inner_module(content: Any) -> Any:
    """The module that was pickled, alone or in a checkpoint (`ema`, `model`), else None."""
    if isinstance(content, torch.nn.Module):
        return content
    if isinstance(content, Mapping):
        return next((content[k] for k in ("ema", "model", "module", "net") if isinstance(content.get(k), torch.nn.Module)), None)
    return None


def sample_inputs(network: Any, shapes: Mapping[str, Sequence[int]], dtypes: Mapping[str, str]) -> tuple[Any, ...]:
    """Random inputs in the order of the network's `forward`, from shapes by name (or by order where no name fits)."""
    if not shapes:
        raise UsageError(
            "weights do not say how large the input is",
            remedy="say it: --input-shape NAME:1,3,224,224",
            code="input-shape-needed",
        )
    parameters = [
        p for p in inspect.signature(network.forward).parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    names = [p.name for p in parameters]
    ordered = [n for n in names if n in shapes] if set(shapes) <= set(names) else list(shapes)
    needed = [p.name for p in parameters if p.default is p.empty]
    if len(ordered) < len(needed) or (ordered != names[: len(ordered)] and set(shapes) <= set(names)):
        raise UsageError(
            f"the network takes {', '.join(names)}; shapes were given for {', '.join(shapes)}",
            remedy="give one --input-shape NAME:DIMS for each input",
            code="input-shape-needed",
        )
    generator = torch.Generator().manual_seed(0)
    return tuple(random_tensor(Tensor(n, tuple(shapes[n]), dtypes.get(n, "float32")), generator) for n in ordered)


def export_network(network: Any, inputs: tuple[Any, ...]) -> tuple[Any, float]:
    """The exported program, and how far it is from the network. Raises ConverterFailed or VerificationFailed."""
    expected = call(network, inputs)
    try:
        with torch.no_grad():
            program = torch.export.export(network, inputs)
    except Exception as error:  # torch._dynamo and user code: dozens of types without a common base
        raise ConverterFailed(
            f"torch.export cannot trace the network: {first_line(error)}",
            remedy="take branches on values, .item() and loops over data out of forward(), or save it as TorchScript and take torch-onnx-legacy",
            code="torch-export-failed",
        ) from error
    return program, held(expected, call(program.module(), inputs))


def held(expected: list[Any], got: list[Any]) -> float:
    """How far the program's outputs are from the network's. Raises VerificationFailed where that is too far."""
    difference = relative_difference(expected, got)
    if not difference <= TOLERANCE:
        raise VerificationFailed(
            f"the exported program differs from the network by {difference:.2g} of the output's range",
            remedy="look for randomness or state in forward() (dropout that ignores eval(), buffers that change)",
            code="torch-export-differs",
        )
    return difference


def outputs(module: Any, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> list[Any]:
    """What a module makes of copies of its inputs, as a flat list of tensors."""
    with torch.no_grad():
        answer = module(*(a.clone() for a in args), **{name: value.clone() for name, value in (kwargs or {}).items()})
    return [t for t in torch.utils._pytree.tree_leaves(answer) if isinstance(t, torch.Tensor)]


def call(module: Any, inputs: tuple[Any, ...]) -> list[Any]:
    """Outputs on inputs that were made of the shapes which the user gave."""
    try:
        return outputs(module, inputs)
    except (RuntimeError, ValueError, IndexError, TypeError, AssertionError) as error:
        shapes = ", ".join(str(list(i.shape)) for i in inputs)
        raise SourceError(
            f"the network does not run on inputs of shape {shapes}: {first_line(error)}",
            remedy="give the shape it was trained with: --input-shape NAME:1,3,H,W (and --set torch-export.input_dtypes for integers)",
            code="torch-network-does-not-run",
        ) from error


def relative_difference(expected: list[Any], got: list[Any]) -> float:
    """Largest difference over each expected output's range; infinite where outputs differ in number or shape."""
    if [t.shape for t in expected] != [t.shape for t in got]:
        return float("inf")
    worst = 0.0
    for a, b in zip(expected, got, strict=True):
        a, b = a.double(), b.double()
        span = float(a.max() - a.min()) if a.numel() else 0.0
        worst = max(worst, float((a - b).abs().max()) / max(span, 1e-6) if a.numel() else 0.0)
    return worst


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
