"""`<name>.deploy.json`: what an application must know of a file that the camera's API does not tell it.

larod gives neither scale nor zero point, nor which preprocessing a network was trained with; so it stands beside the file.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import edgeroute
from edgeroute.codec import from_json
from edgeroute.files import read_json
from edgeroute.pixels import pixel_error
from edgeroute.types import ConversionResult, Facts, Finding, Json, Preprocess, Target, Tensor

SCHEMA = "edgeroute-deploy/1"
SUFFIX = ".deploy.json"
MANIFEST = "2.2.0"
"""Schema of the application's manifest.json that the fragment is written for."""
REMOTE = "/tmp"
"""Where the commands put the file on a camera."""
SIZES = {"float32": 4, "float16": 2, "float64": 8, "int8": 1, "uint8": 1, "bool": 1, "int16": 2, "int32": 4, "int64": 8}
DEVICE_BORDER = ("device_inputs", "device_outputs")
"""Notes of a compiling step: the tensors that the compiled file takes and gives, where the file itself does not tell."""


@dataclass(frozen=True)
class DeployedInput:
    """What the application feeds."""

    index: int
    name: str
    dtype: str
    shape: tuple[int | None, ...]
    layout: str
    """NCHW, NHWC, or empty where it is no picture."""
    color: str
    """Channel order that the file wants; empty where it is no picture."""
    arrangement: str
    """planar, interleaved, or empty."""
    scale: float | None
    zero_point: int | None
    bytes: int
    row_pitch: int | None
    """Bytes from one row of pixels to the next, where the device pads rows."""
    pixel_identity: bool | None
    """Whether a camera's byte is the number that the network wants; null where the training normalisation is not known."""


@dataclass(frozen=True)
class DeployedOutput:
    """What the application reads; in the file's own order."""

    index: int
    name: str
    dtype: str
    shape: tuple[int | None, ...]
    scale: float | None
    """value = (q − zero_point) · scale."""
    zero_point: int | None
    bytes: int
    padded_bytes: int | None
    """Where the device pads rows; ask larodGetTensorPitches to be sure."""


@dataclass(frozen=True)
class Deployment:
    """Everything about a file on its way into an application."""

    schema: str
    edgeroute: str
    file: str
    sha256: str
    bytes: int
    format: str
    source: Mapping[str, Json]
    """name, format and sha256 of the model that it was made from."""
    target: str
    device: str
    """larod's name."""
    other_devices: tuple[str, ...]
    commands: Mapping[str, str]
    """copy, load and time, to be pasted; on the camera the last two."""
    inputs: tuple[DeployedInput, ...]
    outputs: tuple[DeployedOutput, ...]
    training: Preprocess
    """x = (pixel · scale − mean) / std, as in training."""
    preprocessing_inside: bool
    """The file contains it: the application feeds pixels as they come."""
    preprocessing: tuple[str, ...]
    """What the application does to a picture, step by step."""
    quantization: Mapping[str, Json]
    placement: Mapping[str, Json]
    fidelity: Mapping[str, Json]
    findings: tuple[Finding, ...]
    manifest: Mapping[str, Json]
    """A fragment for the application's manifest.json."""
    route: tuple[str, ...]
    tools: Mapping[str, str]
    """Distribution or tool → version."""
    labels: str = ""
    """File with one label per line, for the application's author to fill in."""


@dataclass(frozen=True)
class Border:
    """What the conversion knew about feeding the model: `details["feeding"]` of a result."""

    preprocess: Preprocess = field(default_factory=Preprocess)
    raw_pixels: bool = False
    calibration: Mapping[str, Json] = field(default_factory=dict)


def place_of(artifact: Path) -> Path:
    """`yolo.artpec8.tflite` → `yolo.artpec8.deploy.json`."""
    return artifact.with_suffix(SUFFIX)


def read(artifact: Path) -> Mapping[str, Json]:
    """The sidecar beside a file; empty where there is none, or none that speaks of it."""
    told = read_json(place_of(artifact))
    fits = isinstance(told, dict) and told.get("schema") == SCHEMA and told.get("file") == artifact.name
    return told if fits else {}


def describe(result: ConversionResult, target: Target, border: Border, before: Facts | None = None) -> Deployment:
    """The sidecar of a conversion's artifact; `before` are the facts of the file that was compiled, where the artifact tells nothing itself."""
    artifact = result.artifact
    if artifact is None:
        raise ValueError("a result without an artifact has no sidecar")
    inputs, outputs = _border(result, artifact.facts, before or Facts())
    pitch = int(target.details.get("row_pitch", 0))
    device = target.devices[0] if target.devices else ""
    fed = tuple(_input(i, t, border, target.camera, pitch) for i, t in enumerate(inputs))
    return Deployment(
        schema=SCHEMA,
        edgeroute=edgeroute.__version__,
        file=artifact.path.name,
        sha256=artifact.sha256,
        bytes=artifact.bytes,
        format=artifact.format,
        source={"name": result.source.path.name, "format": result.source.format, "sha256": result.source.sha256},
        target=target.name,
        device=device,
        other_devices=target.devices[1:],
        commands=commands(target, device, artifact.path.name),
        inputs=fed,
        outputs=tuple(_output(i, t, pitch) for i, t in enumerate(outputs)),
        training=border.preprocess,
        preprocessing_inside=border.raw_pixels,
        preprocessing=tuple(_steps(fed, border)),
        quantization=_quantization(artifact.facts, before, border),
        placement=_placement(result),
        fidelity=result.fidelity,
        findings=result.findings,
        manifest=_manifest(target, device, artifact.path.suffix),
        route=result.route,
        tools={name: version for step in result.steps for name, version in sorted(step.versions.items())},
    )


def commands(target: Target, device: str, name: str) -> dict[str, str]:
    """Copy the file to a camera; there, load it once and time it."""
    remote = f"{REMOTE}/{name}"
    templates = {"load": target.details.get("test", ""), "time": target.details.get("benchmark", "")}
    filled = {what: str(text).format(file=shlex.quote(remote), device=device) for what, text in templates.items() if text}
    return {"copy": f"scp {shlex.quote(name)} USER@CAMERA:{shlex.quote(remote)}", **filled} if filled else {}


def _border(result: ConversionResult, facts: Facts, before: Facts) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Inputs and outputs as the device has them: the file's own, else what the compiling step noted, else those before it."""
    if facts.inputs:
        return facts.inputs, facts.outputs
    notes = result.steps[-1].notes if result.steps else {}
    inputs, outputs = (tuple(from_json(Tensor, t) for t in notes.get(name, ())) for name in DEVICE_BORDER)
    return inputs or before.inputs, outputs or before.outputs


def _input(index: int, tensor: Tensor, border: Border, camera: bool, pitch: int) -> DeployedInput:
    picture = len(tensor.shape) == 4 and bool(tensor.layout)
    width = tensor.shape[3 if tensor.layout == "NCHW" else 2] if picture else None
    scale, zero = _single(tensor)
    return DeployedInput(
        index=index,
        name=tensor.name,
        dtype=tensor.dtype,
        shape=tensor.shape,
        layout=tensor.layout if picture else "",
        color=("rgb" if border.raw_pixels else border.preprocess.color) if picture else "",
        arrangement={"NCHW": "planar", "NHWC": "interleaved"}.get(tensor.layout, "") if picture else "",
        scale=scale,
        zero_point=zero,
        bytes=_bytes(tensor),
        row_pitch=_rounded(width * SIZES.get(tensor.dtype, 1), pitch) if pitch and width else None,
        pixel_identity=identity(tensor, border) if picture and camera else None,
    )


def _output(index: int, tensor: Tensor, pitch: int) -> DeployedOutput:
    scale, zero = _single(tensor)
    return DeployedOutput(
        index, tensor.name, tensor.dtype, tensor.shape, scale, zero, _bytes(tensor), padded_bytes(tensor, pitch) if pitch else None
    )  # fmt: skip


def padded_bytes(tensor: Tensor, pitch: int) -> int:
    """Size when every row has this pitch; [1, 1001] is 1001 rows of one element (Axis' sample reads 32032 bytes for 1001 classes)."""
    shape = [d or 1 for d in tensor.shape]
    rows, width = (shape[:-1], shape[-1]) if len(shape) > 2 else (shape, 1)
    return math.prod(rows) * _rounded(width * SIZES.get(tensor.dtype, 1), pitch)


def _rounded(size: int, pitch: int) -> int:
    return -(-size // pitch) * pitch


def _single(tensor: Tensor) -> tuple[float | None, int | None]:
    if len(tensor.scale) != 1:
        return None, None
    return tensor.scale[0], tensor.zero_point[0] if tensor.zero_point else 0


def _bytes(tensor: Tensor) -> int:
    return math.prod(d or 1 for d in tensor.shape) * SIZES.get(tensor.dtype, 1)


def identity(tensor: Tensor, border: Border) -> bool | None:
    """Whether q(p) differs from the pixel p by at most 1 for all 256 bytes; None where the training is not known."""
    if tensor.dtype not in ("uint8", "int8"):
        return False if tensor.dtype.startswith("float") else None
    if not (border.raw_pixels or border.preprocess.known):
        return None
    if not tensor.scale:
        return True
    training = Preprocess() if border.raw_pixels else border.preprocess
    return pixel_error(tensor.dtype, tensor.scale[0], tensor.zero_point[0] if tensor.zero_point else 0, training) <= 1


def _steps(inputs: Sequence[DeployedInput], border: Border) -> list[str]:
    """What the application does, in words."""
    told = []
    for entry in inputs:
        if not entry.layout:
            told.append(f"{entry.name}: {entry.dtype} of shape {list(entry.shape)}, as the network was trained.")
            continue
        height, width = entry.shape[2:4] if entry.layout == "NCHW" else entry.shape[1:3]
        told.append(
            f"{entry.name}: resize the picture to {width}x{height} ({border.preprocess.resize}), {entry.color.upper()}, {entry.arrangement}."
        )
        told.append(_feeding(entry, border))
        if entry.row_pitch and width and entry.row_pitch != width * SIZES.get(entry.dtype, 1):
            told.append(f"{entry.name}: every row takes {entry.row_pitch} bytes; leave the rest of it empty.")
    return told


def _feeding(entry: DeployedInput, border: Border) -> str:
    train = border.preprocess
    formula = f"x = (pixel * {train.scale:.9g} - {list(train.mean)}) / {list(train.std)}"
    if entry.dtype.startswith("float") and not border.raw_pixels:
        return f"{entry.name}: compute {formula} and feed it as {entry.dtype}."
    if entry.pixel_identity is None and not border.raw_pixels:
        return f"{entry.name}: how the network was trained is not known (give --preprocess to convert); feed q = round(x / scale) + zero_point."
    if entry.pixel_identity is False and entry.scale and not entry.dtype.startswith("float"):
        return f"{entry.name}: compute {formula}, then feed q = round(x / {entry.scale:.9g}) + {entry.zero_point}."
    if entry.dtype == "int8":
        return f"{entry.name}: subtract 128 from every byte of the picture; nothing else."
    return f"{entry.name}: feed the bytes of the picture as they are."


def _quantization(facts: Facts, before: Facts | None, border: Border) -> dict[str, Json]:
    told = facts.details if "per_tensor" in facts.details and facts.details.get("kind") != "edgetpu" else (before or facts).details
    scheme = "" if "per_tensor" not in told or not told.get("full_integer") else "per-tensor" if told["per_tensor"] else "per-channel"
    return {"scheme": scheme, "float_operators": len(told.get("float_operators", ())), "calibration": dict(border.calibration)}


def _placement(result: ConversionResult) -> dict[str, Json]:
    """Counts, partitions and parameters, and the operators that stay on the CPU by name; not the whole list."""
    placement = result.validation.placement if result.validation else {}
    short = {key: placement[key] for key in ("counts", "macs", "partitions", "parameters", "packages", "estimated") if key in placement}
    cpu = [f"{o['index']}: {o['name']}" for o in placement.get("operators", ()) if o.get("place") != "accelerator"]
    return {**short, "cpu_operators": cpu}


def _manifest(target: Target, device: str, suffix: str) -> dict[str, Json]:
    """For the application's manifest.json; `APP` stands for its name."""
    resources = target.details.get("manifest") or {}
    groups = {"linux": {"user": {"groups": ["video"]}}}
    model = f"/usr/local/packages/APP/model/model{suffix}"
    options = {"runOptions": f"{model} -c {device}"} if device else {}
    return {"schemaVersion": MANIFEST, "acapPackageConf": {"setup": options}, "resources": {**resources, **groups}} if device else {}
