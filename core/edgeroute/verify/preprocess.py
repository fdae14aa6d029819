"""What an application does to a picture, read from the command line or from a small JSON or TOML file."""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from edgeroute.errors import UsageError
from edgeroute.types import Finding, Json, Preprocess, Severity

COLORS = ("rgb", "bgr", "grey")
RESIZES = ("stretch", "crop", "letterbox")
FIELDS = ("preset", "scale", "mean", "std", "color", "resize")

PRESETS: Mapping[str, Preprocess] = {
    "imagenet": Preprocess(scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), known=True),
    "-1..1": Preprocess(scale=1.0, mean=(127.5,), std=(127.5,), known=True),
    "0..1": Preprocess(scale=1 / 255, known=True),
    "0..255": Preprocess(known=True),
}
ALIASES = {"signed": "-1..1", "unit": "0..1", "yolo": "0..1", "raw": "0..255", "pixels": "0..255", "caffe": "0..255", "gray": "grey"}


def from_options(
    *,
    file: str | Path = "",
    preset: str = "",
    mean: str = "",
    std: str = "",
    scale: str = "",
    color: str = "",
    resize: str = "",
) -> Preprocess:
    """Command-line values on top of a file's or a preset's; `known` as soon as one of them was given."""
    given = {"preset": preset, "mean": mean, "std": std, "scale": scale, "color": color, "resize": resize}
    values: dict[str, Json] = {name: text for name, text in given.items() if text}
    if not file:
        return parse(values)
    if preset:
        raise UsageError("a preprocessing file and a preset at once", remedy="give one of the two; --mean, --std, … may correct either")
    return parse(values, base=load(file))


def load(path: str | Path) -> Preprocess:
    """Read a preprocessing file: the keys preset, scale, mean, std, color, resize, at the top or in a table `preprocess`.

    Where no such file exists, a preset's name is taken as that preset.
    """
    path = Path(path)
    if not path.exists() and (path.name in PRESETS or path.name in ALIASES or not path.suffix):
        return parse({"preset": path.name})
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the preprocessing file cannot be read: {error}", where=path.name, remedy=_example()) from error
    try:
        data = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except ValueError as error:
        raise UsageError(f"the preprocessing file is neither JSON nor TOML: {error}", where=path.name, remedy=_example()) from error
    values = data.get("preprocess", data) if isinstance(data, dict) else data
    if not isinstance(values, dict):
        raise UsageError("a preprocessing file holds names and values", where=path.name, remedy=_example())
    return parse(values, where=path.name)


def parse(values: Mapping[str, Json], *, base: Preprocess | None = None, where: str = "") -> Preprocess:
    """Text or plain values → Preprocess. Lists are `0.485,0.456,0.406` or JSON lists; a scale may be `1/255`."""
    for name in values:
        if name not in FIELDS:
            raise UsageError(f"unknown preprocessing value {name!r}", where=where, remedy=_nearest(name, FIELDS))
    start = _preset(values["preset"], where) if "preset" in values else base or Preprocess()
    if not values:
        return start
    changes: dict[str, Json] = {"known": True}
    if "scale" in values:
        changes["scale"] = _number(values["scale"], "scale", where)
    for name in ("mean", "std"):
        if name in values:
            changes[name] = _numbers(values[name], name, where)
    if "color" in values:
        changes["color"] = _choice(values["color"], "color", COLORS, where)
    if "resize" in values:
        changes["resize"] = _choice(values["resize"], "resize", RESIZES, where)
    return _checked(dataclasses.replace(start, **changes), where)


def per_channel(values: tuple[float, ...], channels: int, name: str) -> tuple[float, ...]:
    """One value per channel; a single one serves them all."""
    if len(values) == 1:
        return values * channels
    if len(values) != channels:
        message = f"{len(values)} values for --{name}, but the model's input has {channels} channel(s)"
        raise UsageError(message, remedy=f"give --{name} one value, or {channels} separated by commas")
    return values


def pixel_range(preprocess: Preprocess) -> tuple[float, float] | None:
    """What pixels 0 and 255 become before the model sees them; None where that is unknown or differs between the channels."""
    if not preprocess.known or len(set(preprocess.mean)) > 1 or len(set(preprocess.std)) > 1:
        return None
    low, high = ((pixel * preprocess.scale - preprocess.mean[0]) / preprocess.std[0] for pixel in (0, 255))
    return (low, high)


def leaves_bytes(preprocess: Preprocess) -> bool:
    """Whether a uint8 input's scale and zero point alone say all of it, so that a camera's bytes need nothing else.

    True for one scale and mean for all channels in RGB or grey, where pixel mean/scale is the zero point: a whole number of 0..255.
    """
    limits = pixel_range(preprocess)
    if limits is None or preprocess.color == "bgr" or limits[0] >= limits[1]:
        return False
    zero = preprocess.mean[0] / preprocess.scale
    return 0 <= round(zero) <= 255 and abs(zero - round(zero)) < 1e-6


def doubts(preprocess: Preprocess) -> tuple[Finding, ...]:
    """What looks like a slip: the means and deviations of 0..1 pictures applied to 0..255 pixels, or the reverse."""
    largest = max(abs(v) for v in (*preprocess.mean, *preprocess.std))
    changed = preprocess.mean != (0.0,) or preprocess.std != (1.0,)
    if preprocess.scale == 1.0 and changed and largest <= 1.0:
        return (_doubt("mean and std look as if they were meant for pixels of 0..1, but the pixels are 0..255", "add --scale 1/255"),)
    if preprocess.scale < 0.01 and largest > 2.0:
        return (
            _doubt("mean and std look as if they were meant for pixels of 0..255, but --scale divides them first", "leave --scale out"),
        )
    return ()


def _doubt(message: str, remedy: str) -> Finding:
    return Finding("preprocess-doubtful", Severity.WARNING, message, remedy, where="--mean, --std, --scale")


def _preset(value: Json, where: str) -> Preprocess:
    name = str(value).strip().lower()
    name = ALIASES.get(name, name)
    if name not in PRESETS:
        raise UsageError(f"unknown preprocessing preset {value!r}", where=where, remedy=_nearest(name, PRESETS))
    return PRESETS[name]


def _number(value: Json, name: str, where: str) -> float:
    """A finite number; text may be a fraction."""
    try:
        if isinstance(value, str) and "/" in value:
            upper, lower = value.split("/")
            number = float(upper) / float(lower)
        elif isinstance(value, bool):
            raise ValueError
        else:
            number = float(value)
        if not math.isfinite(number):
            raise ValueError
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise UsageError(f"{name} is not a number: {value!r}", where=where, remedy=_syntax(name)) from error
    return number


def _numbers(value: Json, name: str, where: str) -> tuple[float, ...]:
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    if len(parts) not in (1, 3):
        raise UsageError(f"{name} has {len(parts)} values", where=where, remedy=_syntax(name))
    return tuple(_number(p, name, where) for p in parts)


def _choice(value: Json, name: str, choices: tuple[str, ...], where: str) -> str:
    text = str(value).strip().lower()
    text = ALIASES.get(text, text)
    if text not in choices:
        raise UsageError(f"unknown {name} {value!r}", where=where, remedy=_nearest(text, choices))
    return text


def _checked(preprocess: Preprocess, where: str) -> Preprocess:
    if any(s == 0 for s in preprocess.std):
        raise UsageError(
            "std holds a zero, and the picture is divided by it",
            where=where,
            remedy="give --std the deviation of each channel, or leave it out",
        )
    if preprocess.scale == 0:
        raise UsageError("a scale of zero makes every picture black", where=where, remedy="give --scale 1/255 for pixels of 0..1")
    return preprocess


def _syntax(name: str) -> str:
    if name == "scale":
        return "give one number or a fraction: --scale 1/255"
    return f"give one number, or one per channel, separated by commas: --{name}=0.485,0.456,0.406"


def _nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return (f"did you mean {near[0]!r}? " if near else "") + "known: " + ", ".join(names)


def _example() -> str:
    return 'write for example {"scale": 0.00392157, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "color": "rgb", "resize": "crop"}'
