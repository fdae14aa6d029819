"""What the user asked for, and the options of converters, which have an address: `CONVERTER.OPTION=VALUE`."""

from __future__ import annotations

import collections.abc
import dataclasses
import difflib
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeroute import codec
from edgeroute.catalog import Catalog
from edgeroute.errors import UsageError
from edgeroute.types import Converter, Json, Limits, Preprocess
from edgeroute.verify import thresholds as marks


@dataclass(frozen=True)
class Request:
    """One conversion as the user wants it; every field has the meaning of the CLI option of its name."""

    out: Path | None = None
    calibrate: Path | None = None
    preprocess: Preprocess = Preprocess()
    input_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Input name → shape; the empty name stands for a model's only input."""
    via: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Converter name → option → value (strings are parsed by the option's type)."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    allow_degraded: bool = False
    effort: str = "auto"
    """fast (the first route that holds), auto (that route if its int8 file is good, else the best of some), balanced or max (the best of several)."""
    metric: str = ""
    """`package.module:function(path: str) -> float`, the user's own measure of a result; larger is better."""
    trust_pickle: bool = False
    model_factory: str = ""
    signature: str = ""
    limits: Limits = Limits()
    runtime: Mapping[str, str] = field(default_factory=dict)
    """Runtime or firmware profile that the target is narrowed to."""
    require_complete: bool = False
    """Refuse before any work, rather than hand the last step to a colleague."""
    c_header: Path | None = None
    """Where a C header with the sidecar's numbers goes; None for none."""
    check_determinism: bool = False
    """Run every step once more, and tell which ones give other bytes."""
    attribution: bool = False
    """Compare the quantizing step's files layer by layer."""
    bisect: float = 0.0
    """Seconds for finding the smallest part of an ONNX model on which a failed step fails; 0 for none."""
    extra: Mapping[str, Json] = field(default_factory=dict)


def parse_settings(settings: typing.Sequence[str]) -> dict[str, dict[str, str]]:
    """`["onnx2tf.strict=false"]` → `{"onnx2tf": {"strict": "false"}}`."""
    answer: dict[str, dict[str, str]] = {}
    for text in settings:
        address, equals, value = text.partition("=")
        name, dot, option = address.rpartition(".")
        if not (equals and dot and name and option):
            raise UsageError(
                f"--set {text} is not CONVERTER.OPTION=VALUE", remedy="write for example --set tf-quantizer.border=int8", code="bad-setting"
            )
        answer.setdefault(name, {})[option] = value
    return answer


def parse_thresholds(texts: typing.Sequence[str], min_sqnr: float | None = None) -> dict[str, float]:
    """`["min_correlation=0.8"]` → `{"min_correlation": 0.8}`; dashes serve as well. UsageError for names that do not exist."""
    answer = {} if min_sqnr is None else {"min_sqnr": min_sqnr}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            answer[name.strip().replace("-", "_")] = float(value)
        except ValueError as error:
            raise UsageError(
                f"--threshold {text} is not NAME=NUMBER", remedy="write for example --threshold min_correlation=0.8", code="bad-setting"
            ) from error
    marks.thresholds(answer)
    return answer


def check_options(catalog: Catalog, options: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse names that no converter has, before any work."""
    for name, values in options.items():
        edges = catalog.named(name)
        fields = {f.name for edge in edges for f in dataclasses.fields(edge.options)}
        for option in values:
            if option not in fields:
                near = difflib.get_close_matches(option, fields, n=1, cutoff=0.4)
                hint = f"did you mean {name}.{near[0]}? " if near else ""
                known = ", ".join(sorted(fields)) or "none"
                raise UsageError(
                    f"{name} has no option {option}",
                    remedy=f"{hint}its options: {known} (`edgeroute list converters` explains them)",
                    code="unknown-option",
                )


def options_for(converter: Converter, request: Request, fills: Mapping[str, Any]) -> Any:
    """The options of one edge: defaults, then what edgeroute fills in, then what the user set."""
    hints = typing.get_type_hints(converter.options)
    values: dict[str, Any] = {}
    for item in dataclasses.fields(converter.options):
        fill = item.metadata.get("fill", "")
        if fill and fill in fills:
            values[item.name] = fills[fill]
    for name in (converter.name, converter.key):
        for option, value in request.options.get(name, {}).items():
            if option in hints:
                values[option] = _parse(f"{name}.{option}", value, hints[option], _choices(converter, option))
    return converter.options(**values)


def _choices(converter: Converter, option: str) -> tuple[Any, ...]:
    return next((tuple(f.metadata.get("choices", ())) for f in dataclasses.fields(converter.options) if f.name == option), ())


def _parse(address: str, value: Any, hint: Any, choices: tuple[Any, ...]) -> Any:
    parsed = _convert(address, value, hint) if isinstance(value, str) else value
    if choices and parsed not in choices:
        near = difflib.get_close_matches(str(parsed), [str(c) for c in choices], n=1)
        hint_text = f"did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"{address} cannot be {parsed}", remedy=f"{hint_text}choose one of {', '.join(map(str, choices))}", code="bad-option-value"
        )
    return parsed


def _convert(address: str, text: str, hint: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if text.lower() in ("none", ""):
            return None
        return _convert(address, text, next(a for a in arguments if a is not type(None)))
    if origin in (dict, collections.abc.Mapping):
        return _mapping(address, text, hint)
    if origin in (tuple, list, collections.abc.Sequence):
        inner = arguments[0] if arguments else str
        return tuple(_convert(address, part.strip(), inner) for part in text.split(",") if part.strip())
    if hint is bool:
        return _bool(address, text)
    if hint in (int, float):
        try:
            return hint(text)
        except ValueError as error:
            raise UsageError(
                f"{address} wants {'a whole number' if hint is int else 'a number'}, not {text}",
                remedy=f"write {address}=8, say",
                code="bad-option-value",
            ) from error
    if hint is Path:
        return Path(text).expanduser().absolute()
    return text


def _mapping(address: str, text: str, hint: Any) -> Any:
    try:
        return codec.decode(hint, json.loads(text), address)
    except (ValueError, UsageError) as error:
        raise UsageError(
            f"{address} wants a JSON object, not {text}",
            remedy=f"write it in quotes of the shell, so: --set {address}='{{\"name\": 1}}'",
            code="bad-option-value",
        ) from error


def _bool(address: str, text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise UsageError(f"{address} wants true or false, not {text}", remedy=f"write {address}=true", code="bad-option-value")
