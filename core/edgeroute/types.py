"""The nouns of edgeroute: frozen values that pass from one room to the next.

Standard library only, so that a plugin's declarations import in milliseconds and so that the worker can
import them in an environment where nothing but the converter is installed.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeAlias

Json: TypeAlias = Any
"""A value that `json.dumps` takes."""


class Shown:
    """Shows itself in a notebook's cell."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """HTML; the report's code is loaded when a notebook asks."""
        from importlib import import_module

        html: str = import_module("edgeroute.report.notebook").fragment(self)
        return html


class Severity(enum.StrEnum):
    """How much a finding weighs: an error stops the file, a warning costs speed or accuracy, a tip is advice."""

    ERROR = "error"
    WARNING = "warning"
    TIP = "tip"

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


@dataclass(frozen=True)
class Finding:
    """One thing that was found in a file or a run. The remedy is not optional."""

    code: str
    severity: Severity
    message: str
    remedy: str
    where: str = ""
    """Operator or tensor by name and index, or a converter's name."""
    cost: float = 0.0
    """What it costs, 0..1 (share of the MACs that leave the accelerator, say); orders findings of one severity."""

    def __post_init__(self) -> None:
        if not self.remedy.strip():
            raise ValueError(f"finding {self.code}: a remedy is not optional")


@dataclass(frozen=True)
class Tensor:
    """An input, an output or an inner tensor of a model."""

    name: str
    shape: tuple[int | None, ...]
    """None stands for a dimension that the file leaves open."""
    dtype: str
    """NumPy's name: float32, uint8, int8, int64, bool, …"""
    layout: str = ""
    """NCHW, NHWC, or empty where it is not known or not an image."""
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()

    @property
    def is_static(self) -> bool:
        return all(isinstance(d, int) and d > 0 for d in self.shape)

    @property
    def is_per_channel(self) -> bool:
        return len(self.scale) > 1


@dataclass(frozen=True)
class Facts:
    """What was measured from a file; what a converter's function returns may also carry notes and findings.

    A compiler's notes may hold `device_inputs` and `device_outputs` (Tensors as JSON): what the compiled file takes and gives on
    the device, where the file itself does not tell.
    """

    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Tensor, ...] = ()
    operators: Mapping[str, int] = field(default_factory=dict)
    """Operator name → count."""
    details: Mapping[str, Json] = field(default_factory=dict)
    """Format-specific: opset, producer, parameters, macs, per_channel, float_operators, …"""
    findings: tuple[Finding, ...] = ()
    notes: Mapping[str, Json] = field(default_factory=dict)
    """A converter's own remarks about what it did, shown in the report; never believed. `also`: a list of further settings of its own options
    that this very model gives reason to try; a search tries them next, and measures them like any other."""


@dataclass(frozen=True)
class Format:
    """A node of the graph. Distinctions are nodes, not flags."""

    name: str
    title: str
    suffix: str
    """With the dot; empty for a folder."""
    is_a: str = ""
    """The more general format that every file of this one also is."""
    precision: str = "float"
    """float, int8 (weights and activations), or opaque (compiled: nothing can be measured on this computer)."""
    static: bool = False
    """Every dimension of every input and output is a positive number."""
    promise: str = ""
    """`package.module:function(facts) -> list[str]`: what a file must still hold to deserve this name; standard library only."""
    companions: tuple[str, ...] = ()
    """Suffixes of further files whose names begin with the model's own (`m.bin` beside `m.xml`): delivered under its new name with it."""
    stamp: str = ""
    """`package.module:function(model: Path, out: Path, text: str) -> None`, called in a child: writes the file with this text inside, its
    origin. Standard library only; raises where the file's layout does not allow it (the text then goes into a file beside it)."""
    unstamp: str = ""
    """`package.module:function(model: Path, out: Path) -> str`, called in a child: the text, and `out` is the file as it was before `stamp`,
    to the byte; empty where there is none."""


@dataclass(frozen=True)
class Recognition:
    """A plugin's answer to "is this file yours?"."""

    format: str
    facts: Facts = Facts()
    files: tuple[Path, ...] = ()
    """Further files that belong to it (external data), all inside the model's folder."""


@dataclass(frozen=True)
class Artifact(Shown):
    """A model in a file (or a folder): where, what, and the facts that were measured from it."""

    path: Path
    format: str
    sha256: str
    bytes: int
    facts: Facts = Facts()
    files: tuple[Path, ...] = ()
    """Further files that belong to it (external data), all inside the model's folder."""


def option(default: Any, help: str, *, choices: Sequence[Any] = (), fill: str = "") -> Any:
    """Declare one field of a converter's options class.

    `fill` names a value that edgeroute itself puts there unless the user set it: `calibration` (a `Calibration`),
    `input_shapes` (name → shape), `preprocess` (a `Preprocess`), `trust` (bool), `model_factory` (str), `code_path` (str: where its code lies), `signature` (str),
    `input_range` (what pixels 0 and 255 become at the model's input: (low, high), or None where that is not known),
    `memo` (see `Job.memo`; None where there is none).
    """
    metadata = {"help": help, "choices": tuple(choices), "fill": fill}
    if isinstance(default, (list, dict, set)):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class NoOptions:
    """The options of a converter that has none."""


@dataclass(frozen=True)
class Environment:
    """Pinned requirements and a Python range; edgeroute builds a virtual environment from it on first use."""

    name: str
    requirements: tuple[str, ...]
    """Pinned, in pip's notation; this is what gets installed."""
    python: str = ">=3.11"
    accepts: tuple[str, ...] = ()
    """Looser requirements under which the caller's own interpreter serves; empty means `requirements` as they stand."""
    megabytes: int = 0
    """Rough size on disk once built, for the plan."""
    no_deps: tuple[str, ...] = ()
    """Installed afterwards without their dependencies, where the tool's own pins conflict."""
    source: str = ""
    """How to get what no registry has, told to the user (a git address); such an environment is built only when that can be reached."""
    variable: str = ""
    """Environment variable that may name a clone of the tool, which is then used instead of what `no_deps` names."""

    @property
    def digest(self) -> str:
        return digest_json([self.requirements, self.no_deps, self.python])[:12]


@dataclass(frozen=True)
class Tool:
    """An executable that edgeroute cannot install: found by environment variable, on PATH, or in a user-named container image."""

    name: str
    executables: tuple[str, ...]
    variable: str
    """Environment variable that holds a path to it, a command prefix or `docker:IMAGE`."""
    remedy: str
    """How to get it."""


@dataclass(frozen=True)
class Symptom:
    """A known failure of a tool: a pattern in its log, and what to tell the user."""

    pattern: str
    """Regular expression (multi-line mode); its groups fill the `{0}`, `{1}`, … of message and remedy."""
    code: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Cost:
    """Expected trouble of an edge; the planner adds these up."""

    risk: float
    """Probability (0..1) that the step fails or its output does not verify, as far as the field knows."""
    loss: float = 0.0
    """What the step approximates: 0 exact, 1 full int8 quantization with typical damage."""
    seconds: float = 1.0
    """Typical time on a small computer."""

    @property
    def total(self) -> float:
        return 10 * self.risk + 2 * self.loss + self.seconds / 60


@dataclass(frozen=True)
class Converter:
    """An edge of the graph, and the function behind it. One name may serve several (source, target) pairs."""

    name: str
    source: str
    target: str
    run: str
    """`package.module:function`, called in the worker as `function(source: Path, out: Path, options) -> Facts`."""
    options: type = NoOptions
    """A frozen dataclass whose fields are declared with `option(…)`."""
    environment: str = ""
    """Name of an Environment; empty: edgeroute's own requirements suffice."""
    tool: str = ""
    """Name of a Tool that must be on this computer."""
    cost: Cost = Cost(risk=0.05)
    preflight: str = ""
    """`package.module:function(facts, options) -> list[Finding]`: reasons why it cannot take this file; standard library only, milliseconds."""
    symptoms: tuple[Symptom, ...] = ()
    version: str = "1"
    """Of the edge itself: raised when what it does changes, so that cached results are not mixed."""
    title: str = ""
    on_request: bool = False
    """Taken only when pinned by `via` or by a search; otherwise the planner leaves it out."""
    gain: float = 0.0
    """dB that an int8 result is expected to gain by this edge, as far as the field knows; a search tries the largest sum first."""
    variants: tuple[Mapping[str, Json], ...] = ()
    """Settings of its options that a search may try beside the defaults, most promising first; `gain` in one is its own expected dB."""
    effort: str = "balanced"
    """From which effort (fast, balanced, max) a search takes an edge that is `on_request`; empty: never."""
    code: tuple[str, ...] = ()
    """Top-level packages that the worker must be able to import; filled in by discovery."""
    handover: str = ""
    """`package.module:function(model: Path, folder: Path, options) -> Facts`, called in the worker where only the tool is missing: it writes
    the script with the exact commands (and the data they read) into the folder that holds the model, for a colleague who has the tool.
    `Facts.notes` says `script` and `produces` (names in the folder) and, if it likes, `commands`, `holds` (what else is in the folder) and
    `companions` (further files that the script leaves beside what it produces)."""

    @property
    def key(self) -> str:
        """The edge's own name in the graph: unique."""
        return f"{self.name}:{self.source}->{self.target}"


@dataclass(frozen=True)
class Runner:
    """How files of some formats are executed on arrays."""

    name: str
    formats: tuple[str, ...]
    run: str
    """`package.module:function(model: Path) -> Session`, called in the worker.

    What the user said besides the path is in the environment: EDGEROUTE_TRUST_MODEL=1 (code in the file may run),
    EDGEROUTE_SIGNATURE (of a model that has several) and EDGEROUTE_INPUT_SHAPES (name → shape as JSON, for files that tell none).
    """
    environment: str = ""
    inspect: str = ""
    """`package.module:function(model: Path) -> Facts`, called in the worker: what takes a library to measure (shapes, MACs)."""
    code: tuple[str, ...] = ()
    trace: str = ""
    """`package.module:function(model: Path) -> Trace`, called in the worker: what every operator computes, for `edgeroute blame`."""
    part: str = ""
    """`package.module:function(model: Path, out: Path, keep: Sequence[int]) -> list[str]`, called in the worker: writes the operators at these
    places as a model of their own (nothing, for none) and answers all operators by name, in the order of execution; for `--bisect`."""


class Session(Protocol):
    """A loaded model. Opening it must allocate; arrays have the dtypes and shapes that the file declares.

    It may have an attribute `joined`: for outputs that end in a concat `{"output": position, "axis": …, "sizes": […]}`.
    """

    inputs: Sequence[Tensor]
    outputs: Sequence[Tensor]

    def run(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """One inference: one array per input, in order; returns one array per output, in order."""


@dataclass(frozen=True)
class Layer:
    """One operator inside a model."""

    name: str
    operator: str
    """The format's own name: Conv, CONV_2D, …"""
    inputs: tuple[str, ...]
    """Keys of tensors; constants among them."""
    outputs: tuple[str, ...]


class Trace(Protocol):
    """A loaded model whose inner tensors can be read. Tensors go by keys that are unique in the model."""

    inputs: Sequence[Tensor]
    outputs: Sequence[str]
    layers: Sequence[Layer]
    """In the order of execution."""

    def run(self, arrays: Sequence[Any]) -> None:
        """One inference: one array per input, in order, in the dtypes and shapes that the file declares."""

    def value(self, key: str) -> Any | None:
        """A tensor of the last run, or a constant, as real numbers (dequantized); None where it cannot be had."""

    def is_constant(self, key: str) -> bool:
        """Whether the tensor stands in the file."""

    def shape(self, key: str) -> tuple[int, ...]:
        """A tensor's shape, empty where it is not known before the first run."""

    def label(self, key: str) -> str:
        """The tensor's name for people and for comparison with other files."""


@dataclass(frozen=True)
class Target:
    """A device: what it loads, in order of preference, and the rules that its files obey."""

    name: str
    title: str
    accepts: tuple[str, ...]
    rules: str = ""
    """`package:file.toml` with the rules as data (code, severity, scope, condition, why, source, certainty, remedy)."""
    camera: bool = False
    """The device feeds raw uint8 pixels."""
    devices: tuple[str, ...] = ()
    """larod device names, the preferred one first."""
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Preprocess:
    """What an application does to a picture before the network sees it: `x = (pixel * scale - mean) / std` per channel."""

    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    color: str = "rgb"
    """rgb, bgr or grey: the channel order that the network was trained on."""
    resize: str = "stretch"
    """stretch, crop (centre crop after scaling the short side) or letterbox."""
    known: bool = False
    """Whether the user said so; a guess must never be folded into a file."""


@dataclass(frozen=True)
class Calibration:
    """Sample inputs in a folder: `<n>.npy` per input (float32 or the input's dtype, samples on axis 0), read memory-mapped.

    The arrays are what the source model takes: preprocessed, in its own layout. `names[i]` belongs to `<i>.npy`.
    An axis of 1 at the front of an input is the batch and is left out; an input without one keeps its whole shape.
    """

    path: Path
    names: tuple[str, ...]
    count: int
    held_back: int = 0
    """The last `held_back` samples are for measuring: nothing is fitted to them. The ranges of activations may take them in, so that
    an output is not cut off below what the samples are known to show."""
    random: bool = False
    """Made up, because the user gave none."""
    sha256: str = ""
    pixels: bool = False
    """`pixels.npy` holds the same samples as uint8 pictures [count, H, W, C], RGB, before any preprocessing: what a camera feeds."""

    @property
    def usable(self) -> int:
        """How many samples (the first ones) a quantizer may use."""
        return self.count - self.held_back

    def array(self, index: int) -> Any:
        """All samples of one input, memory-mapped: shape [count, *input shape without batch]."""
        import numpy

        return numpy.load(self.path / f"{index}.npy", mmap_mode="r", allow_pickle=False)


@dataclass(frozen=True)
class Limits:
    """What one child process may use."""

    seconds: float = 3600.0
    megabytes: int = 0
    """Resident memory of its process tree; 0 is no limit."""


@dataclass(frozen=True)
class Job:
    """One call across the process border, as JSON.

    kind `convert`: `function(source: Path, out: Path, options) -> Facts`, where `options_type` names the dataclass that
    `arguments["options"]` (plain JSON) is turned into, nested `Calibration` and `Preprocess` included.
    kind `call`: `function(**arguments)` with plain JSON in and out (core's own work that needs numpy or a runtime).
    """

    kind: str
    function: str
    arguments: Mapping[str, Json]
    options_type: str = ""
    code: Mapping[str, str] = field(default_factory=dict)
    """Top-level package → its folder (or file) on this computer, made importable in the child and nothing else with it."""
    offline: bool = True
    """Tools never need the network: the child's environment says so to those that ask (proxies, hubs, telemetry off)."""
    memo: str = ""
    """Folder for what the function worked out and its next call can use; shared by all edges of one name, and decides nothing."""


@dataclass(frozen=True)
class Outcome:
    """What came back from a job."""

    status: str
    """ok, error (the function raised), exit (it called exit or died of a signal), timeout, memory."""
    value: Json = None
    """The Facts of a conversion or the result of a call, as JSON."""
    error: Mapping[str, Json] = field(default_factory=dict)
    """code, message, where, remedy, traceback's last line."""
    seconds: float = 0.0
    peak_rss_mb: float = 0.0
    """Of the child's process tree."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Distribution → version of what the child had imported."""
    log: str = ""
    """Path of its captured stdout and stderr."""
    command: str = ""
    """The one command that repeats it."""


@dataclass(frozen=True)
class LeftOut:
    """An edge that a plan does not use, and why."""

    converter: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True)
class Route:
    """An ordered list of converters from a format to a target."""

    source: str
    target: str
    converters: tuple[Converter, ...]
    cost: float
    delivers: str = ""
    """The format that the target receives."""
    handover: str = ""
    """Key of its last edge, where the tool for it is missing here: everything before it runs, and a colleague gets a bundle."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.converters)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(c.key for c in self.converters)


@dataclass(frozen=True)
class Plan(Shown):
    """What the planner answers: ranked routes, and for every edge that was left out, the reason."""

    source: str
    target: str
    routes: tuple[Route, ...]
    left_out: tuple[LeftOut, ...] = ()
    better: tuple[str, ...] = ()
    """Better routes that something missing keeps closed, each with what to type."""


@dataclass(frozen=True)
class OutputFidelity:
    """How one output of a step compares with the pristine source's."""

    name: str
    shape: tuple[int, ...]
    max_abs: float
    relative: float
    """max_abs over the reference's range."""
    sqnr_db: float
    cosine: float
    correlation: float
    """Pearson's."""
    spread: float
    """Standard deviation over the reference's."""
    top1: float | None = None
    """Share of samples with the same largest entry; None where the output is not classifier-like."""
    layout: str = ""
    """A permutation under which the output equals the reference's; empty for none."""
    dead_groups: tuple[str, ...] = ()
    """Channel groups that are constant although the reference is alive."""
    exact: bool = False
    """Integers or booleans: compared by equality, and `top1` is the share of equal values."""
    judged: bool = True
    """False where the samples never made the reference move: its numbers then say nothing."""


@dataclass(frozen=True)
class Verification:
    """What a step did to the model, measured against the pristine source."""

    status: str
    """passed, degraded, failed, or unmeasured (nothing on this computer can execute the file)."""
    kind: str = "float"
    """float or int8: which thresholds applied."""
    samples: int = 0
    outputs: tuple[OutputFidelity, ...] = ()
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    @property
    def sqnr_db(self) -> float | None:
        """The worst output's signal-to-quantization-noise ratio in dB."""
        return min((o.sqnr_db for o in self.outputs), default=None)


@dataclass(frozen=True)
class StepRecord:
    """One step of a route: what ran, where, how long, how much memory, what it changed."""

    converter: str
    key: str
    source: str
    target: str
    status: str
    """passed, degraded, failed or skipped."""
    seconds: float = 0.0
    peak_rss_mb: float = 0.0
    cached: bool = False
    verification: Verification | None = None
    artifact: Artifact | None = None
    options: Mapping[str, Json] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    environment: str = ""
    folder: str = ""
    """Where job.json, the log and the output are."""
    command: str = ""
    """The one command that repeats it."""
    findings: tuple[Finding, ...] = ()
    notes: Mapping[str, Json] = field(default_factory=dict)
    error: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class ValidationReport(Shown):
    """A file held against the rules of a device."""

    target: str
    path: Path
    format: str
    findings: tuple[Finding, ...] = ()
    placement: Mapping[str, Json] = field(default_factory=dict)
    """Where operators and MACs run, the partition estimate, parameter memory."""
    certificate: Mapping[str, Json] = field(default_factory=dict)
    """What "int8" means for this file."""

    @property
    def ok(self) -> bool:
        return all(f.severity != Severity.ERROR for f in self.findings)


@dataclass(frozen=True)
class ConversionResult(Shown):
    """What the user gets."""

    status: str
    """succeeded, degraded, handed-over or failed."""
    target: str
    source: Artifact
    artifact: Artifact | None
    route: tuple[str, ...]
    steps: tuple[StepRecord, ...]
    fidelity: Mapping[str, Json]
    findings: tuple[Finding, ...]
    rejected: tuple[Mapping[str, Json], ...]
    """Routes and edges that were tried or left out, with the reason of each."""
    validation: ValidationReport | None = None
    calibrated: bool = True
    seconds: float = 0.0
    details: Mapping[str, Json] = field(default_factory=dict)
    """Provenance, the tried candidates of a search, the bundle of a hand-over."""


def to_json(value: object) -> Json:
    """A noun as plain JSON; non-finite floats become None, and option classes their fields."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, type):
        return f"{value.__module__}:{value.__qualname__}"
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [to_json(v) for v in items]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def digest_json(value: object) -> str:
    """SHA-256 of a value's canonical JSON."""
    text = json.dumps(to_json(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
