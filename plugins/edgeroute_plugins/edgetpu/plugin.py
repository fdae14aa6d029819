"""Declares `edgetpu-compiler`: tflite-int8 → tflite-edgetpu."""

from __future__ import annotations

from collections.abc import Iterable

from edgeroute.hookspecs import hookimpl
from edgeroute.types import Converter, Cost, Symptom, Tool
from edgeroute_plugins.edgetpu.options import Options
from edgeroute_plugins.edgetpu.tool import TOOL

PACKAGE = "edgeroute_plugins.edgetpu"

SYMPTOMS = (
    Symptom(
        r"^Model not quantized",
        "edgetpu-not-quantized",
        "edgetpu_compiler says that the model is not quantized",
        "a float operator or float inputs remain: `edgeroute check FILE --to artpec7 --certificate` names them; quantize again with integer inputs and outputs",
    ),
    Symptom(
        r"^ERROR: Didn't find op for builtin opcode '(\w+)' version '(\d+)'",
        "edgetpu-operator-version",
        "edgetpu_compiler does not know {0} in version {1}",
        "write {0} in an older version: take another converter or quantizer (--avoid NAME), or replace the operator in the network",
    ),
    Symptom(
        r"^Model could not be parsed",
        "edgetpu-unparsable",
        "edgetpu_compiler cannot read the model",
        "it was probably written by a newer TensorFlow than the compiler knows: take another converter or quantizer (--avoid NAME)",
    ),
    Symptom(
        r"^Compilation failed: Model failed in Tflite interpreter",
        "edgetpu-does-not-run",
        "edgetpu_compiler could not run the model in its own TFLite interpreter",
        "a custom operator remains, or the file is newer than the compiler: cut the model before it, or take another converter (--avoid NAME)",
    ),
    Symptom(
        r"Compilation failed due to large activation tensors",
        "edgetpu-large-activations",
        "the model's activations are too large for the Edge TPU, also where edgetpu_compiler looked for an earlier end",
        "take a smaller input (--input-shape 1,3,320,320, say), or end the Edge TPU part earlier: --set edgetpu-compiler.intermediate_tensors=TENSOR",
    ),
    Symptom(
        r"^Internal compiler error\. Aborting!",
        "edgetpu-internal-error",
        "edgetpu_compiler crashed on this model, also while it searched for an earlier end",
        "end the Edge TPU part earlier: --set edgetpu-compiler.intermediate_tensors=TENSOR (halve the model until it compiles)",
    ),
    Symptom(
        r"^Compilation (?:child process )?(?:timed out|was terminated|exceeded)",
        "edgetpu-timeout",
        "edgetpu_compiler ran out of the time that it gives itself",
        "give it more: --set edgetpu-compiler.timeout=600",
    ),
)


@hookimpl
def edgeroute_environments() -> Iterable[Tool]:
    return [TOOL]


@hookimpl
def edgeroute_converters() -> Iterable[Converter]:
    return [
        Converter(
            name="edgetpu-compiler",
            title="compile for the Edge TPU",
            source="tflite-int8",
            target="tflite-edgetpu",
            run=f"{PACKAGE}.run:run",
            options=Options,
            tool=TOOL.name,
            cost=Cost(risk=0.05, seconds=20),
            symptoms=SYMPTOMS,
            handover=f"{PACKAGE}.handover:handover",
        )
    ]
