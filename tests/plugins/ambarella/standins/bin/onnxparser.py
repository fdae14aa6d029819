#!/usr/bin/env python3
"""A stand-in for onnxparser.py and tfparser.py: reads the flag strings as documented, and the model's border; AMBA_STANDIN makes it fail."""

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
sys.path[:0] = [str(ROOT / "core"), str(ROOT / "plugins")]

# The standard library is all that whatever python3 runs this has.
from edgeroute_plugins.onnx import facts as onnx_facts  # noqa: E402
from edgeroute_plugins.onnx import header  # noqa: E402
from edgeroute_plugins.tflite import analysis, reader  # noqa: E402
from edgeroute_plugins.tflite import facts as tflite_facts  # noqa: E402

BITS = {"0,0,0,0": 1, "0,0,8,0": 1, "1,2,0,7": 4}


def border(path):
    """What the model takes and gives."""
    if path.suffix == ".tflite":
        model = reader.read(path)
        return tflite_facts.measure(model, analysis.analyse(model), path.stat().st_size)
    return onnx_facts.facts_of(header.read(path), path.stat().st_size, ())


def fields(text):
    """`is:1,3,64,64|iq|idf:0,0,8,0|i:x=list` as pairs."""
    return dict(part.partition(":")[::2] for part in text.split("|"))


def check_source(text, tensors):
    told = fields(text)
    name, _, listing = told["i"].partition("=")
    shape = tuple(map(int, told["is"].split(",")))
    tensor = tensors.get(name)
    if tensor is None:
        sys.exit(f"ERROR: no input {name}")
    if sorted(shape) != sorted(tensor.shape) or "iq" not in told:
        sys.exit(f"ERROR: input {name} is {tensor.shape}, not {shape}")
    size = BITS[told["idf"]]
    for d in shape:
        size *= d
    for entry in Path(listing).read_text().split():
        if Path(entry).stat().st_size != size:
            sys.exit(f"ERROR: {entry} has not {size} bytes")
    return name


parser = argparse.ArgumentParser()
parser.add_argument("-m", "-p", dest="model", required=True)
parser.add_argument("-isrc", action="append", required=True)
parser.add_argument("-odst", action="append", required=True)
parser.add_argument("-o", required=True)
parser.add_argument("-of", required=True)
parser.add_argument("-c", default="")
asked = parser.parse_args()
if os.environ.get("AMBA_STANDIN") == "operator":
    sys.exit("ERROR: Unsupported op: Einsum (node /attn/Einsum)")
if os.environ.get("AMBA_STANDIN") == "licence":
    sys.exit("License error: no licence for cvflow")
found = border(Path(asked.model))
inputs = [check_source(text, {t.name: t for t in found.inputs}) for text in asked.isrc]
outputs = [fields(text)["o"] for text in asked.odst]
if set(outputs) - {t.name for t in found.outputs}:
    sys.exit(f"ERROR: no output {outputs}")
Path(asked.of).mkdir(exist_ok=True)
(Path(asked.of) / f"{asked.o}.vas").write_text(json.dumps({"names": [*inputs, *outputs], "flags": asked.isrc, "force": asked.c}))
