"""Which versions the device has: `tflite=2.3.1`, `edgetpu=13`, or a profile by name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from edgeroute.errors import UsageError
from edgeroute.types import Target
from edgeroute_plugins.devices.tables import number

KNOWN = ("tflite", "edgetpu")
PROFILE = "profile"


def resolve(value: object, target: Target) -> dict[str, str]:
    """Name → version. Takes a profile's name, or a mapping whose `profile` entry names one that the other entries amend."""
    if not value:
        return {}
    if isinstance(value, str):
        return _profile(value, target)
    if not isinstance(value, Mapping):
        raise _unknown(repr(value), target)
    chosen = _profile(str(value[PROFILE]), target) if PROFILE in value else {}
    for name, version in value.items():
        if name == PROFILE:
            continue
        if name not in KNOWN:
            raise _unknown(str(name), target)
        chosen[str(name)] = _version(str(name), str(version))
    return chosen


def _version(name: str, version: str) -> str:
    """A version that can be compared; an Edge TPU runtime is one whole number."""
    parts = number(version)
    if not parts or (name == "edgetpu" and version != str(parts[0])):
        example = "13" if name == "edgetpu" else "2.3.1"
        raise UsageError(
            f"{version!r} is no version of {name}", where="--runtime", remedy=f"write --runtime {name}={example}", code="unknown-runtime"
        )
    return version


def _profile(name: str, target: Target) -> dict[str, str]:
    profiles = target.details.get("profiles", {})
    if name not in profiles:
        raise _unknown(name, target)
    return {key: str(version) for key, version in profiles[name].items() if key in KNOWN}


def _unknown(name: str, target: Target) -> UsageError:
    names = [*target.details.get("profiles", {}), *(f"{k}=VERSION" for k in KNOWN)]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(names)}"
    return UsageError(f"{target.name} has no runtime profile {name}", where="--runtime", remedy=hint, code="unknown-runtime")
