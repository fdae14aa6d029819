"""One file against a reference: feed it, pair its outputs, compare, look for dead groups."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeroute.codec import from_json
from edgeroute.errors import VerificationFailed
from edgeroute.types import Calibration, Finding, Json, OutputFidelity, Session, Severity, Tensor, Verification
from edgeroute.verify import arrays, border, layouts, liveness, outliers, pairing, thresholds
from edgeroute.verify.compare import Comparison
from edgeroute.verify.pairing import Feed, Pair, part_of
from edgeroute.verify.profile import Profile, profile
from edgeroute.verify.samples import measured, sample_names
from edgeroute.verify.sessions import run

Array = Any
PAIRING_SAMPLES = 3
AGREES = 0.9
"""A correlation over all outputs below which other ways to feed the file are tried."""


@dataclass(frozen=True)
class Head:
    """What is compared with one output of a file, in the reference's own order."""

    label: str
    reference: int
    """Which output of the reference."""
    cut: tuple[int, int, int] | None
    """As in `Pair`."""
    joined: tuple[Mapping[str, Json], ...]
    """The concats that it is known to end in: `axis` and `sizes`."""

    @property
    def axes(self) -> list[int]:
        return [int(j["axis"]) for j in self.joined]

    def of(self, reference: Array) -> Array:
        return part_of(reference, self.cut)


@dataclass(frozen=True)
class Again:
    """What is needed to measure something else just as a file was."""

    heads: tuple[Head, ...]
    rows: tuple[int, ...]
    """Of the reference's answers: those that the file was judged by."""
    sqnr_db: Mapping[str, float]
    """What the file keeps on the last of them, by output and part."""


@dataclass
class Compared:
    """One pair of outputs, everything seen."""

    pair: Pair
    comparison: Comparison
    blocks: list[liveness.Block]
    step: float


class Measuring:
    """Runs a session over the measured samples next to the stored answers of the reference."""

    def __init__(
        self, session: Session, folder: Path, calibration: Calibration, limit: int, notes: Mapping[str, Json], raw_pixels: bool
    ) -> None:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self.session = session
        self.sources = [from_json(Tensor, t) for t in manifest["inputs"]]
        self.outputs = manifest["outputs"]
        self.joined = [*manifest.get("joined", []), *notes.get("joined", [])]
        self.answers = [arrays.open_npy(folder / f"{i}.npy", folder) for i in range(len(self.outputs))]
        stored = int(manifest["samples"])
        taken = min(limit, stored)
        indices = measured(calibration, stored)
        self.rows = list(range(stored))[-taken:]
        self.indices = list(indices)[-taken:]
        self._readers = self._open(calibration, raw_pixels)
        self._names = sample_names(calibration)
        self.raw_pixels, self.random = raw_pixels, calibration.random
        self.findings: list[Finding] = []

    def verification(self, kind: str, found: Sequence[Finding] = ()) -> Verification:
        """Compare everything; thresholds are for the caller."""
        self.findings += [*found, *self._ragged(), *(_random_data() if self.random and kind == "int8" else ())]
        feeds, pairs, early = self._connect()
        self.findings += [*_input_findings(self.session, self.sources, feeds), *self._unpaired(pairs), *self._renamed(pairs)]
        odd = self._odd(pairs) if kind == "int8" else []
        compared = [self._prepare(pair, self.rows) for pair in pairs]
        unusual = {self.rows[o.place] for o in odd}
        typical = [self._prepare(pair, [r for r in self.rows if r not in unusual]) for pair in pairs] if odd else []
        for place, (index, row) in enumerate(zip(self.indices, self.rows, strict=True)):
            results = early[place] if place < len(early) else self._results(feeds, index)
            self._add([*compared, *(typical if row not in unusual else ())], row, results)
        outputs, findings = self._concluded(compared, kind)
        if odd and _fails(kind, outputs, findings):
            fewer, others = self._concluded(typical, kind)
            if not _fails(kind, fewer, others):
                names = [self._names.get(self.indices[o.place], f"number {self.indices[o.place] + 1}") for o in odd]
                outputs, findings = fewer, [*others, outliers.finding(odd, names)]
        self.findings += [*findings, *_layout_findings(compared)]
        return Verification("passed", kind, len(self.rows), tuple(outputs), tuple(self.findings))

    def again(self, typical: bool, most: int) -> Again:
        """A short second measurement, on the last `most` samples; with `typical` none of them is an odd one."""
        feeds, pairs, _ = self._connect()
        unusual = {self.rows[o.place] for o in self._odd(pairs)} if typical else set()
        rows = [row for row in self.rows if row not in unusual]
        compared = [self._prepare(pair, rows) for pair in pairs]
        for index, row in zip(self.indices, self.rows, strict=True):
            if row in rows[-most:]:
                self._add(compared, row, self._results(feeds, index))
        kept = {name: db for one in compared for name, db in sqnr_db(one.comparison, one.blocks).items()}
        return Again(tuple(self._head(pair) for pair in pairs), tuple(rows), kept)

    def _add(self, compared: Sequence[Compared], row: int, results: Sequence[Array]) -> None:
        for one in compared:
            one.comparison.add(one.pair.of(self.answers[one.pair.reference].row(row)), one.pair.layout.apply(results[one.pair.output]))

    def _odd(self, pairs: Sequence[Pair]) -> list[outliers.Odd]:
        """Samples unlike all others, by the float model's answers."""
        used = dict.fromkeys(p.reference for p in pairs)
        return outliers.odd_samples([(self.outputs[i]["name"], [self.answers[i].row(r) for r in self.rows]) for i in used])

    def _connect(self) -> tuple[list[Feed], list[Pair], list[list[Array]]]:
        """The first way of feeding whose outputs follow the reference, otherwise the best of them; with its results of the first samples."""
        best: tuple[float, list[Feed], list[Pair], list[list[Array]]] | None = None
        for feeds in pairing.feeds(self._fed_from(), self.session.inputs):
            samples = [self._results(feeds, i) for i in self.indices[:PAIRING_SAMPLES]]
            values = [[s[j] for s in samples] for j in range(len(self.session.outputs))]
            usable = [i for i, o in enumerate(self.outputs) if not o["ragged"]]
            references = [[self.answers[i].row(r) for r in self.rows[:PAIRING_SAMPLES]] for i in usable]
            pairs = pairing.outputs(self.session.outputs, references, [self.outputs[i]["name"] for i in usable], values)
            pairs = [Pair(p.output, usable[p.reference], p.layout, p.cut) for p in pairs]
            score = _agreement(pairs, dict(zip(usable, references, strict=True)), values)
            if best is None or score > best[0] + 0.05:
                best = (score, feeds, pairs, samples)
            if score >= AGREES:
                break
        if best is None:
            raise self._unfeedable()
        return best[1:]

    def _results(self, feeds: Sequence[Feed], index: int) -> list[Array]:
        """One inference on one sample; real values."""
        values = []
        for feed, tensor in zip(feeds, self.session.inputs, strict=True):
            value = feed.apply(self._value(feed.source, index))
            values.append(np.ascontiguousarray(_pixel(value, tensor) if self.raw_pixels else self._at_border(value, feed, tensor)))
        results = run(self.session, values, "the file")
        return [border.to_real(np.array(a), t) for a, t in zip(results, self.session.outputs, strict=True)]

    def _at_border(self, value: Array, feed: Feed, tensor: Tensor) -> Array:
        """A quantized source's samples go through real numbers."""
        return border.to_dtype(border.to_real(value, self.sources[feed.source]), tensor)

    def _value(self, source: int, index: int) -> Array:
        shape = tuple(int(d or 1) for d in self._fed_from()[source].shape)
        return self._readers[source].row(index).reshape(shape)

    def _fed_from(self) -> Sequence[Tensor]:
        if not self.raw_pixels:
            return self.sources
        reader = self._readers[0]
        return [Tensor(self.sources[0].name, (1, *reader.shape[1:]), "uint8", "NHWC")]

    def _open(self, calibration: Calibration, raw_pixels: bool) -> list[arrays.RowReader]:
        if raw_pixels:
            return [arrays.open_npy(calibration.path / "pixels.npy", calibration.path)]
        positions = [calibration.names.index(t.name) if t.name in calibration.names else i for i, t in enumerate(self.sources)]
        return [arrays.open_npy(calibration.path / f"{i}.npy", calibration.path) for i in positions]

    def _prepare(self, pair: Pair, chosen: Sequence[int]) -> Compared:
        head, tensor = self._head(pair), self.session.outputs[pair.output]
        known: Profile = profile(Answers(self.answers[head.reference], chosen, head.of), head.axes)
        comparison = Comparison(head.label, known, border.real_limits(tensor))
        return Compared(pair, comparison, liveness.blocks(known, head.joined), tensor.scale[0] if tensor.scale else 0.0)

    def _head(self, pair: Pair) -> Head:
        name = self.outputs[pair.reference]["name"]
        joined = [j for j in self.joined if j.get("output") in (name, pair.reference)] if pair.cut is None else []
        label = name if pair.cut is None else f"{name} ({self.session.outputs[pair.output].name})"
        return Head(label, pair.reference, pair.cut, tuple(joined or self._own_joins(pair)))

    def _own_joins(self, pair: Pair) -> list[dict[str, Json]]:
        """What the file itself says it joined, in the reference's axes; in a transposed layout an axis is followed by its numbers."""
        tensor = self.session.outputs[pair.output]
        found: list[dict[str, Json]] = []
        for join in getattr(self.session, "joined", ()):
            if join["output"] != pair.output or not tensor.is_static or pair.layout.scrambled:
                continue
            shape = tuple(int(d or 1) for d in tensor.shape)
            marked = np.arange(shape[join["axis"]]).reshape([-1 if i == join["axis"] else 1 for i in range(len(shape))])
            turned = pair.layout.apply(np.broadcast_to(marked, shape))
            varying = [a for a in range(turned.ndim) if turned.shape[a] > 1 and np.ptp(turned.take([0, -1], a), a).any()]
            if len(varying) == 1:
                found.append({"output": pair.reference, "axis": varying[0], "sizes": join["sizes"]})
        return found

    def _concluded(self, compared: Sequence[Compared], kind: str) -> tuple[list[OutputFidelity], list[Finding]]:
        outputs: list[OutputFidelity] = []
        found: list[Finding] = []
        for one in compared:
            comparison = one.comparison
            if comparison.profile.exact:
                outputs.append(comparison.fidelity(one.pair.layout.text))
                continue
            if comparison.broken:
                found.append(_broken(comparison))
            dead = liveness.deaths(comparison, one.blocks, one.step, self.random)
            found += liveness.findings(dead, comparison, one.blocks, one.step)
            outputs += liveness.fidelities(comparison, one.blocks, dead, one.pair.layout.text, exact=kind != "int8")
        return outputs, found

    def _ragged(self) -> list[Finding]:
        remedy = "cut the post-processing off before converting; the application does it"
        return [
            Finding(
                "data-dependent-shape",
                Severity.WARNING,
                "its shape depends on the data, so it is not compared",
                remedy,
                o["name"],
                cost=0.5,
            )
            for o in self.outputs
            if o["ragged"]
        ]

    def _unpaired(self, pairs: Sequence[Pair]) -> list[Finding]:
        """Outputs of the source that the file does not have."""
        paired = {p.reference for p in pairs}
        has = ", ".join(arrays.describe(t.shape, t.dtype) for t in self.session.outputs)
        found = []
        for i, output in enumerate(self.outputs):
            if i not in paired and not output["ragged"]:
                message = f"the source's output {arrays.describe(tuple(output['shape']), output['dtype'])} is not among the file's ({has})"
                remedy = "take another converter with --avoid or --via; it lost or reshaped an output"
                found.append(Finding("output-missing", Severity.ERROR, message, remedy, output["name"], cost=1.0))
        return found

    def _renamed(self, pairs: Sequence[Pair]) -> list[Finding]:
        """Outputs that bear the name of another one."""
        plain = [pairing.plain_name(o["name"]) for o in self.outputs]
        found = []
        for pair in pairs:
            name = pairing.plain_name(self.session.outputs[pair.output].name)
            if name in plain and plain.index(name) != pair.reference and plain.count(name) == 1:
                true = self.outputs[pair.reference]["name"]
                message = f"bears the name of another output: it computes what the source calls {true}"
                remedy = f"read it as {true} in the application, or take another converter with --avoid or --via"
                found.append(Finding("output-renamed", Severity.WARNING, message, remedy, self.session.outputs[pair.output].name, cost=0.8))
        return found

    def _unfeedable(self) -> VerificationFailed:
        given = ", ".join(arrays.describe(t.shape, t.dtype) for t in self._fed_from())
        wanted = ", ".join(arrays.describe(t.shape, t.dtype) for t in self.session.inputs)
        message = f"the file takes {wanted}, which is no permutation of the source's {given}"
        remedy = "pin the shapes before converting with --input-shape, or take another converter with --avoid or --via"
        return VerificationFailed(
            message, where=self.session.inputs[0].name if self.session.inputs else "", remedy=remedy, code="input-differs"
        )


def sqnr_db(comparison: Comparison, blocks: Sequence[liveness.Block]) -> dict[str, float]:
    """By output and part, under the names of an int8 file's verification; none of integers."""
    if comparison.profile.exact:
        return {}
    return {o.name: o.sqnr_db for o in liveness.fidelities(comparison, blocks, (), "")}


def _fails(kind: str, outputs: Sequence[OutputFidelity], findings: Sequence[Finding]) -> bool:
    """Whether the default thresholds refuse it."""
    return thresholds.judge(Verification("passed", kind, 1, tuple(outputs), tuple(findings)), kind).status == "failed"


def _pixel(value: Array, tensor: Tensor) -> Array:
    """A camera's byte as the file takes it; an application subtracts 128 for an int8 input."""
    return (value.astype(np.int16) - 128).astype(np.int8) if tensor.dtype == "int8" else value.astype(tensor.dtype)


class Answers(Sequence[Any]):
    """The reference's rows of one output, or a part of each, read when asked for."""

    def __init__(self, reader: arrays.RowReader, rows: Sequence[int], part: Callable[[Array], Array]) -> None:
        self._reader, self._rows, self._part = reader, rows, part

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Array:
        return self._part(self._reader.row(self._rows[index]))

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(len(self)))


def _agreement(pairs: Sequence[Pair], references: Mapping[int, Sequence[Array]], values: Sequence[Sequence[Array]]) -> float:
    """The worst correlation of all pairs; outputs that found no partner count as none."""
    if not pairs:
        return -1.0
    follows = [
        layouts.correlation([p.of(r) for r in references[p.reference]], [p.layout.apply(a) for a in values[p.output]]) for p in pairs
    ]
    return min(follows) if len({p.reference for p in pairs}) == len(references) else min(0.0, *follows)


def _input_findings(session: Session, sources: Sequence[Tensor], feeds: Sequence[Feed]) -> list[Finding]:
    """Axes in an order that no usual layout explains: the application would have to know."""
    found = []
    for feed, tensor in zip(feeds, session.inputs, strict=True):
        usual = feed.is_plain or feed.order in layouts.USUAL
        if not usual:
            message = (
                f"takes {list(feed.shape)}, the source's axes {feed.order} of {list(sources[feed.source].shape)}: neither NCHW nor NHWC"
            )
            remedy = "let the converter keep the input's shape (onnx2tf: --set onnx2tf.keep_inputs=INPUT), or declare its layout"
            found.append(Finding("input-axes", Severity.WARNING, message, remedy, tensor.name, cost=0.5))
    return found


def _layout_findings(compared: Sequence[Compared]) -> list[Finding]:
    """Outputs in another order, those of one order together."""
    groups: dict[tuple[str, bool], list[str]] = {}
    for one in compared:
        layout = one.pair.layout
        if layout.text:
            groups.setdefault((layout.text, layout.scrambled), []).append(one.comparison.name)
    return [_layout_finding(text, scrambled, ", ".join(names)) for (text, scrambled), names in groups.items()]


def _layout_finding(text: str, scrambled: bool, names: str) -> Finding:
    if scrambled:
        remedy = "reorder it in the application, or end the network before the reshape"
        return Finding("output-order", Severity.WARNING, f"holds the source's numbers in another order: {text}", remedy, names, cost=0.5)
    remedy = "nothing to do if the application expects it; otherwise transpose there"
    return Finding("output-layout", Severity.TIP, f"has another layout than the source's: {text}", remedy, names)


def _random_data() -> list[Finding]:
    message = "measured on random data, on which int8 files look worse or better than they are"
    return [Finding(thresholds.RANDOM_DATA, Severity.WARNING, message, "give 100 to 200 typical pictures: --calibrate images/", cost=0.5)]


def _broken(comparison: Comparison) -> Finding:
    message = f"{comparison.broken} value(s) are NaN or infinite where the source's are finite"
    return Finding(
        "not-finite",
        Severity.ERROR,
        message,
        "`edgeroute blame` finds the layer; take another converter with --avoid or --via",
        comparison.name,
        cost=1.0,
    )
