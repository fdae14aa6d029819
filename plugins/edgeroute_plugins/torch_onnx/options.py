"""What a user can set on the PyTorch edges; imported in the worker too, so without the hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeroute.types import Json, option

TRUST_VARIABLE = "EDGEROUTE_TRUST_MODEL"
"""Set to 1 by whoever has the user's word and cannot hand options over (a Runner gets nothing but the path)."""
SHAPES_VARIABLE = "EDGEROUTE_INPUT_SHAPES"
"""Name → shape as JSON, in the order of the inputs: what a TorchScript file does not tell."""
LEGACY_OPSETS = (13, 14, 15, 16, 17, 18, 19, 20)
DYNAMO_OPSETS = (18, 19, 20, 21, 22, 23)


@dataclass(frozen=True)
class ExportOptions:
    """How weights become a network, and what is fed to it while it is traced."""

    model: str = option("", "what builds the network, as package.module:factory", fill="model_factory")
    model_arguments: Mapping[str, Json] = option({}, "keyword arguments of the factory")
    code_path: Path | None = option(None, "folder of the factory's code, where it is neither installed nor here", fill="code_path")
    input_shapes: Mapping[str, Sequence[int]] = option({}, "shape of each input by name, batch included", fill="input_shapes")
    input_dtypes: Mapping[str, str] = option({}, "dtype of inputs that are not float32, by name")
    state_key: str = option("", "key of the state dict in a checkpoint; empty: state_dict, model_state_dict, model, …")
    trust: bool = option(False, "unpickle the file although that can run code from it", fill="trust")


@dataclass(frozen=True)
class DynamoOptions:
    """How torch.onnx writes the file."""

    opset: int = option(18, "ONNX operator set", choices=DYNAMO_OPSETS)
    input_names: tuple[str, ...] = option(
        (), "names of the inputs in the ONNX file; empty: those that the user gave shapes for, or the program's"
    )
    input_shapes: Mapping[str, Sequence[int]] = option({}, "shape of each input by name; the names are taken over", fill="input_shapes")
    output_names: tuple[str, ...] = option((), "names of the outputs in the ONNX file; empty: those of the program")
    optimize: bool = option(True, "let onnxscript simplify the graph")
    trust: bool = option(False, "load a program that may run code", fill="trust")


@dataclass(frozen=True)
class LegacyOptions:
    """How the TorchScript exporter of torch.onnx writes the file."""

    opset: int = option(17, "ONNX operator set", choices=LEGACY_OPSETS)
    input_shapes: Mapping[str, Sequence[int]] = option(
        {}, "shape of each input by name, batch included; needed for TorchScript", fill="input_shapes"
    )
    input_dtypes: Mapping[str, str] = option({}, "dtype of inputs that are not float32, by name")
    output_names: tuple[str, ...] = option((), "names of the outputs in the ONNX file; empty: output, or output_0, output_1, …")
    trust: bool = option(False, "load a file that runs code", fill="trust")
