"""Requirements in pip's notation, held against what is installed."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from packaging.markers import UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion

from edgeroute.errors import PluginError


@functools.cache
def parse(text: str) -> Requirement:
    """A requirement; a wheel's path counts as the pin that its name spells. Raises PluginError."""
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        try:
            name, version, _, _ = parse_wheel_filename(PurePath(text).name)
        except (InvalidWheelFilename, InvalidVersion):
            raise PluginError(
                f"{text!r} is not a requirement: {str(error).splitlines()[0]}",
                remedy="write it as 'name==1.2', 'name @ git+https://…' or the path of a wheel",
                code="bad-requirement",
            ) from error
        return Requirement(f"{name}=={version}")


def name_of(text: str) -> str:
    """The canonical name of the distribution that a requirement asks for."""
    return canonicalize_name(parse(text).name)


def unmet(requirements: Iterable[str], versions: Mapping[str, str], markers: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The requirements that these installed versions (by canonical name) do not meet, each with what is there instead.

    `markers` describes the interpreter (PEP 508 names) where it is not this one. A pin by address is met by any version.
    """
    missing: list[str] = []
    for text in requirements:
        requirement = parse(text)
        if not _applies(requirement, markers):
            continue
        version = versions.get(canonicalize_name(requirement.name))
        if version is None:
            missing.append(f"{text} (not installed)")
        elif not _contains(requirement, version):
            missing.append(f"{text} ({version} is installed)")
    return tuple(missing)


def _applies(requirement: Requirement, markers: Mapping[str, str] | None) -> bool:
    try:
        return requirement.marker is None or requirement.marker.evaluate(dict(markers) if markers is not None else None)
    except UndefinedEnvironmentName:
        return True


def _contains(requirement: Requirement, version: str) -> bool:
    try:
        return requirement.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return re.fullmatch(r"===?\s*" + re.escape(version), str(requirement.specifier)) is not None
