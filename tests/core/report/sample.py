"""Results as a conversion makes them, by hand: a detector with long routes, bad luck and hostile names."""

from __future__ import annotations

import math
from pathlib import Path

from edgeroute.catalog import Catalog
from edgeroute.types import (
    Artifact,
    ConversionResult,
    Converter,
    Cost,
    Environment,
    Facts,
    Finding,
    Format,
    LeftOut,
    OutputFidelity,
    Plan,
    Route,
    Severity,
    StepRecord,
    Target,
    Tensor,
    ValidationReport,
    Verification,
)

HOSTILE = "</script><img src=x onerror=alert(1)>"
ESCAPES = "conv\x1b[2J\x1b[31m\u202egnp.exe\n\rhead"
LONG = "model/backbone/stage3/block7/expand_conv_bn_relu6/depthwise_separable/FusedBatchNormV3;model/backbone/stage3/add"
SURROGATE = "bad\udc80name"


def finding(
    code: str, severity: Severity, message: str, where: str = "", cost: float = 0.0, remedy: str = "type `edgeroute explain`"
) -> Finding:
    return Finding(code, severity, message, remedy, where, cost)


FINDINGS = (
    finding("A8-007", Severity.TIP, "64 of 71 convolutions have channels in sixteens", "CONV_2D #31", 0.01, "round the 7 others up to the next sixteen"),
    finding("A8-018", Severity.WARNING, "2 operators fall to the CPU in the middle of the network", "RESIZE_BILINEAR #38", 0.06, "use nearest-neighbour resizing"),
    finding("liveness", Severity.WARNING, f"one channel group is nearly constant: {HOSTILE}", "output 1", 0.31, "split the joined output: --set split.outputs=true"),
    finding("TFL-019", Severity.WARNING, "input quantization is not the camera's raw pixels (scale 0.0078, zero point 127)", ESCAPES, 0.5, "declare --scale 1/255 so that the preprocessing is folded into the file"),
    finding("A8-011", Severity.TIP, "explicit padding before a convolution costs memory traffic", LONG, 0.02, "train with padding that TFLite calls SAME"),
    finding("TFL-008", Severity.WARNING, "min_runtime_version 2.17.0 is newer than the firmware's 2.3.1", "", 0.0, "check with --runtime tflite=2.3.1"),
    finding("A8-003", Severity.TIP, "per-tensor weights cost 1.4 dB here; the device wants them", "", 0.0, "nothing to do"),
    finding("TFL-027", Severity.TIP, "decoding and non-maximum suppression stay in your application", "", 0.0, "see the how-to"),
    finding("onnx-dup", Severity.TIP, "equal initializers were merged by the simplifier", SURROGATE, 0.0, "nothing to do"),
)  # fmt: skip


def output(name: str, sqnr: float, max_abs: float, **more: object) -> OutputFidelity:
    values: dict[str, object] = {
        "shape": (1, 2100, 4), "relative": max_abs / 8, "cosine": 0.9991, "correlation": 0.9982, "spread": 0.993, **more
    }  # fmt: skip
    return OutputFidelity(name=name, max_abs=max_abs, sqnr_db=sqnr, **values)  # type: ignore[arg-type]


def verification(outputs: tuple[OutputFidelity, ...], status: str = "passed", kind: str = "float") -> Verification:
    return Verification(status, kind, samples=16, outputs=outputs, seconds=1.9)


EXACT = (output("boxes", math.inf, 0.0), output("scores", math.inf, 0.0), output(HOSTILE, math.inf, 0.0))
FLOAT = (output("boxes", 128.4, 3.1e-6), output("scores", 121.7, 8.8e-7), output(HOSTILE, 130.0, 2e-7))
SPLIT = (output("boxes", 127.9, 3.4e-6), output("scores", 120.2, 9.1e-7), output(HOSTILE, 129.0, 2.2e-7))
INT8 = (
    output("boxes", 29.7, 0.42),
    output("scores", 14.1, 0.21, spread=0.61, dead_groups=("[..., 3]", "[..., 17:20]"), top1=0.9375),
    output(HOSTILE, 33.4, 0.08, layout="NCHW → NHWC"),
)
BORDER = (output("boxes", 29.6, 0.42), output("scores", 14.0, 0.22, spread=0.61, top1=0.9375), output(HOSTILE, 33.2, 0.08))


def artifact(name: str, format: str, size: int) -> Artifact:
    tensor = Tensor("images", (1, 320, 320, 3), "uint8", "NHWC", (0.003921569,), (0,))
    scores = Tensor(HOSTILE, (1, 2100, 80), "uint8", "", tuple(0.001 * (i + 1) for i in range(80)), (0,) * 80)
    operators = {"CONV_2D": 64, "DEPTHWISE_CONV_2D": 17, "ADD": 12, "RESIZE_BILINEAR": 2, "LOGISTIC": 1, HOSTILE: 1}
    details = {
        "parameters": 3157184,
        "macs": 1044480000,
        "opset": 17,
        "quantization": {"kind": "int8", "full_integer": True, "float_islands": []},
    }
    digest = (name.encode().hex() * 8)[:64]
    return Artifact(Path("out") / name, format, digest, size, Facts((tensor,), (scores,), operators, details))


def step(name: str, source: str, target: str, seconds: float, megabytes: float, found: Verification, **more: object) -> StepRecord:
    values: dict[str, object] = {
        "versions": {"onnx": "1.20.1", name: "2.6.9"}, "options": {"opset": 17, "note": HOSTILE}, "environment": name,
        "folder": f"steps/{name}", "command": f"python -m edgeroute.worker steps/{name}/job.json", **more,
    }  # fmt: skip
    return StepRecord(name, f"{name}:{source}->{target}", source, target, found.status, seconds, megabytes, verification=found, **values)  # type: ignore[arg-type]


STEPS = (
    step("onnxslim", "onnx", "onnx-static", 1.31, 214, verification(EXACT)),
    step("fold-affine", "onnx-static", "onnx-folded", 0.42, 180, verification(FLOAT)),
    step("split-outputs", "onnx-folded", "onnx-split", 0.38, 176, verification(FLOAT)),
    step("equalize", "onnx-split", "onnx-equalized", 0.92, 240, verification(SPLIT), cached=True),
    step("onnx2tf", "onnx-equalized", "tflite", 41.8, 1830, verification(SPLIT), notes={"layout": "NHWC", "warning": ESCAPES}),
    step("legalize", "tflite", "tflite-legal", 0.21, 96, verification(SPLIT)),
    step("tf-quantizer", "tflite-legal", "tflite-int8-pt", 96.4, 2412, verification(INT8, "degraded", "int8")),
    step("uint8-border", "tflite-int8-pt", "tflite-int8-camera", 0.33, 118, verification(BORDER, "degraded", "int8")),
)

OPERATORS = [
    {
        "index": i,
        "name": "RESIZE_BILINEAR" if i in (38, 52) else "LOGISTIC" if i == 95 else HOSTILE if i == 96 else "DEPTHWISE_CONV_2D" if i % 5 == 2 else "ADD" if i % 7 == 6 else "CONV_2D",
        "runs": "cpu" if i in (38, 52, 95) else "refused" if i == 96 else "accelerator",
        "macs": 0 if i in (38, 52, 95, 96) or i % 7 == 6 else int(3.2e7 / (1 + i / 12)) if i % 5 != 2 else 900_000,
        "after": [i - 1] if i else [], "why": "bilinear resizing with half-pixel centres is not in the table" if i in (38, 52) else f"unknown operator {HOSTILE}" if i == 96 else "",
    }
    for i in range(97)
]  # fmt: skip

CERTIFICATE = {
    "full_integer": False,
    "statement": "Partly integer: 1 operators compute in float (1 in islands, 0 in the tail).",
    "granularity": "per-channel",
    "per_channel_tensors": [{"tensor": LONG, "index": 12, "dtype": "int8", "scales": 64, "axis": 0}, {"tensor": HOSTILE, "index": 14, "dtype": "int8", "scales": 16, "axis": 0}],
    "float_islands": [{"subgraph": 0, "index": 96, "name": HOSTILE, "tensor": LONG}],
    "float_tail": [],
    "float_head": [],
    "float_operators": 1,
    "operators": 97,
    "inputs": [{"name": "images", "shape": [1, 320, 320, 3], "dtype": "uint8", "scale": [0.003921569], "zero_point": [0]}],
    "outputs": [{"name": "boxes", "shape": [1, 2100, 4], "dtype": "uint8", "scale": [1.2549], "zero_point": [3]}, {"name": HOSTILE, "shape": [1, 2100, 80], "dtype": "float32", "scale": [], "zero_point": []}],
    "op_versions": {"CONV_2D": [3], "DEPTHWISE_CONV_2D": [3], "ADD": [2], HOSTILE: [1]},
    "min_runtime_version": "2.17.0",
}  # fmt: skip

VALIDATION = ValidationReport(
    "artpec8",
    Path("out/detector.artpec8.tflite"),
    "tflite-int8-camera",
    FINDINGS[:5],
    {"operators": OPERATORS, "partitions": 4, "partition_limit": 16, "parameter_bytes": 3301376},
    CERTIFICATE,
)

ATTRIBUTION = [
    *(
        {"layer": f"/backbone/stage{i // 4}/block{i % 4}/conv", "sqnr_db": 41.0 - 0.5 * i + (i % 3), "share": 0.2 / (34 - i) ** 1.4}
        for i in range(32)
    ),
    {"layer": HOSTILE, "sqnr_db": 17.2, "share": 0.17},
    {"layer": LONG, "sqnr_db": 19.0, "share": 0.04},
    {"layer": "/head/Concat", "sqnr_db": 12.4, "share": 0.61},
    {"layer": "/head/Sigmoid", "sqnr_db": 14.1, "share": 0.0},
]

WAY = ["onnxslim:onnx->onnx-static", "onnx2tf:onnx-static->tflite", "tf-quantizer:tflite->tflite-int8-pt"]
PREPARED = [WAY[0], "prepare:onnx-static->onnx-prepared", "equalize:onnx-prepared->onnx-equalized", *WAY[1:]]
CANDIDATES = [
    {"name": "plain", "route": WAY, "options": {}, "sqnr_db": 9.8, "score": 8.1, "seconds": 61.2, "chosen": False},
    {"name": "equalized", "route": PREPARED, "options": {}, "sqnr_db": 12.6, "score": 11.9, "seconds": 3.4, "chosen": False},
    {"name": "fine", "route": PREPARED, "options": {"equalize": {"fine": 0.15}, "tf-quantizer": {"refine": "weights"}}, "sqnr_db": 14.1, "score": 15.2, "seconds": 3.8, "chosen": True},
    {"name": HOSTILE, "sqnr_db": None, "score": None, "seconds": 2.2, "chosen": False, "why": "did not allocate"},
]  # fmt: skip

REJECTED = (
    {"converter": "ai-edge-quantizer", "key": "ai-edge-quantizer:tflite-legal->tflite-int8-pt", "from": "tflite-legal", "reason": f"left PRELU in float at {HOSTILE}", "code": "promise-broken", "remedy": "--avoid ai-edge-quantizer", "where": "ai-edge-quantizer"},
    {"route": ["onnxslim", "onnx2tf", "onnx2tf-int8"], "reason": "the file does not allocate", "remedy": "nothing to do: edgeroute took another route"},
)  # fmt: skip

RESULT = ConversionResult(
    status="degraded",
    target="artpec8",
    source=artifact("detector.onnx", "onnx", 12_650_000),
    artifact=artifact("detector.artpec8.tflite", "tflite-int8-camera", 3_480_000),
    route=tuple(s.converter for s in STEPS),
    steps=STEPS,
    fidelity={"status": "degraded", "kind": "int8", "samples": 16, "sqnr_db": 14.0, "outputs": INT8},
    findings=FINDINGS,
    rejected=REJECTED,
    validation=VALIDATION,
    seconds=187.4,
    details={
        "attribution": ATTRIBUTION,
        "candidates": CANDIDATES,
        "sidecar": "out/detector.artpec8.tflite.deploy.json",
        "provenance": {"versions": {"edgeroute": "0.1.0", "python": "3.11.13"}, "calibration_sha256": "5f" * 32, "environments": {"onnx2tf": "a1b2c3d4e5f6"}, "note": HOSTILE},
        "command": f"edgeroute convert detector.onnx --to artpec8 --calibrate images --set 'x.y={HOSTILE}'",
    },
)  # fmt: skip

CLEAN = ConversionResult(
    status="succeeded",
    target="artpec9",
    source=artifact("digits.onnx", "onnx", 130_406),
    artifact=artifact("digits.artpec9.tflite", "tflite-int8", 48_120),
    route=("onnxslim", "onnx2tf", "tf-quantizer"),
    steps=(
        step("onnxslim", "onnx", "onnx-static", 0.61, 160, verification((output("logits", math.inf, 0.0, shape=(1, 10), top1=1.0),))),
        step("onnx2tf", "onnx-static", "tflite", 6.2, 640, verification((output("logits", 131.0, 2e-6, shape=(1, 10), top1=1.0),))),
        step("tf-quantizer", "tflite", "tflite-int8", 4.9, 910, verification((output("logits", 34.6, 0.11, shape=(1, 10), top1=1.0),), kind="int8")),
    ),
    fidelity={"status": "passed", "kind": "int8", "samples": 16, "sqnr_db": 34.6, "outputs": (output("logits", 34.6, 0.11, shape=(1, 10), top1=1.0),)},
    findings=(),
    rejected=(),
    seconds=13.2,
)  # fmt: skip


def converter(name: str, source: str, target: str, risk: float = 0.05, environment: str = "", **more: object) -> Converter:
    return Converter(
        name, source, target, f"{name.replace('-', '_')}.run:convert", environment=environment, cost=Cost(risk, 0.1, 12), **more
    )  # type: ignore[arg-type]


FORMATS = ("torch", "keras", "onnx", "onnx-static", "onnx-folded", "onnx-split", "onnx-equalized", "tflite", "tflite-legal", "tflite-int8", "tflite-int8-pt", "tflite-int8-camera", "openvino")  # fmt: skip
CONVERTERS = (
    *(converter(s.converter, s.source, s.target, environment=s.environment) for s in STEPS),
    converter("torch-export", "torch", "onnx", environment="torch"),
    converter("litert-torch", "torch", "tflite", environment="litert-torch"),
    converter("keras-tflite", "keras", "tflite", environment="tensorflow"),
    converter("onnx2tf-legacy", "onnx-static", "tflite", 0.2, "onnx2tf1"),
    converter("onnx2tf", "onnx-static", "tflite", 0.1, "onnx2tf"),
    converter("ai-edge-quantizer", "tflite", "tflite-int8", 0.12, "ai-edge-quantizer"),
    converter("ai-edge-quantizer", "tflite-legal", "tflite-int8-pt", 0.12, "ai-edge-quantizer"),
    converter("tf-quantizer", "tflite", "tflite-int8", 0.05, "tensorflow"),
    converter("openvino", "onnx", "openvino", 0.05, "openvino"),
)
CATALOG = Catalog(
    formats={n: Format(n, n.replace("-", " ").capitalize(), ".bin", is_a={"onnx-static": "onnx", "tflite-int8-pt": "tflite-int8", "tflite-int8-camera": "tflite-int8-pt"}.get(n, "")) for n in FORMATS},
    converters=CONVERTERS,
    targets={
        "artpec8": Target("artpec8", "ARTPEC-8", ("tflite-int8-camera", "tflite-int8-pt", "tflite-int8")),
        "artpec9": Target("artpec9", "ARTPEC-9", ("tflite-int8",)),
        "cpu": Target("cpu", "CPU", ("tflite", "tflite-int8")),
    },
    environments={n: Environment(n, (f"{n}==1",)) for n in ("onnx2tf", "tensorflow")},
)  # fmt: skip


def _by_key(*keys: str) -> tuple[Converter, ...]:
    table = {c.key: c for c in CONVERTERS}
    return tuple(table[k] for k in keys)


PLAN = Plan(
    "onnx",
    "artpec8",
    (
        Route("onnx", "artpec8", _by_key(*(s.key for s in STEPS)), 7.2, "tflite-int8-camera"),
        Route("onnx", "artpec8", _by_key("onnxslim:onnx->onnx-static", "onnx2tf:onnx-static->tflite", "tf-quantizer:tflite->tflite-int8"), 8.4, "tflite-int8"),
        Route("onnx", "artpec8", _by_key("onnxslim:onnx->onnx-static", "onnx2tf-legacy:onnx-static->tflite", "ai-edge-quantizer:tflite->tflite-int8"), 9.9, "tflite-int8"),
    ),
    (
        LeftOut("openvino:onnx->openvino", "nothing leads from openvino to artpec8"),
        LeftOut("torch-export:torch->onnx", "nothing leads from onnx to torch"),
        LeftOut("ai-edge-quantizer:tflite-legal->tflite-int8-pt", f"it would leave PRELU in float at {HOSTILE}", "rewrite it with --set prepare.prelu=relu"),
        LeftOut("litert-torch:torch->tflite", "nothing leads from onnx to torch"),
    ),
    ("onnxslim → edgetpu-compiler would be better, but the tool edgetpu_compiler was not found; to open it: set EDGEROUTE_EDGETPU_COMPILER=docker:IMAGE",),
)  # fmt: skip
STATES = {"onnx2tf": "built", "tensorflow": "missing: 2.5 GB to install", "onnxslim": "built", "onnx2tf1": "missing: 1.9 GB to install"}
