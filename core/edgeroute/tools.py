"""Executables that edgeroute cannot install: where they are, and how they are called. Standard library only (workers use it)."""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeroute.errors import EnvironmentFailed
from edgeroute.types import Tool, digest_json

DOCKER = "docker:"
VERSION_SECONDS = 20
SCRIPTS = (".sh", ".bash")
"""Files of these kinds that are not executable are sourced, as `.env` files always are."""
SOURCED = ("bash", "-c", 'set -e; . "$0"; exec "$@"')


@dataclass(frozen=True)
class ToolState:
    """A tool on this computer, or why it is not there."""

    name: str
    how: str
    """variable, script (an environment script that is sourced first), path, docker or missing."""
    command: tuple[str, ...] = ()
    """What its arguments are appended to; of a container only the executable's name inside."""
    image: str = ""
    executable: str = ""
    """Its name, without folders."""
    reason: str = ""
    remedy: str = ""

    @property
    def found(self) -> bool:
        return self.how != "missing"

    @property
    def digest(self) -> str:
        """Changes when the tool does: its file's size and time, or the image's name. Empty while it is missing."""
        if not self.found:
            return ""
        stamps = [(file.stat().st_size, file.stat().st_mtime_ns) for file in map(Path, self.command) if file.is_file()]
        return digest_json([self.command, self.image, stamps])[:32]


def find_tool(tool: Tool, environ: Mapping[str, str] = os.environ) -> ToolState:
    """Look where the user's variable points, then on PATH. A variable that points nowhere is an error, never passed over in silence."""
    value = environ.get(tool.variable, "").strip() if tool.variable else ""
    if value.startswith(DOCKER):
        return _in_image(tool, value.removeprefix(DOCKER).strip(), environ)
    if value:
        return _from_variable(tool, value, environ)
    for name in tool.executables:
        path = shutil.which(name, path=environ.get("PATH", os.defpath))
        if path:
            return ToolState(tool.name, "path", (path,), executable=name)
    return _missing(tool, f"{' or '.join(tool.executables)} is not on PATH, and {tool.variable} is not set", tool.remedy)


def require_tool(tool: Tool, environ: Mapping[str, str] = os.environ) -> ToolState:
    """The same; raises EnvironmentFailed (tool-missing)."""
    state = find_tool(tool, environ)
    if not state.found:
        raise EnvironmentFailed(state.reason, where=tool.name, remedy=state.remedy, code="tool-missing")
    return state


def invocation(state: ToolState, folders: Sequence[Path], workdir: Path) -> tuple[str, ...]:
    """What to put in front of the tool's arguments; a container sees these folders (and the working directory) under the same paths.

    It runs as the user, so that what it writes belongs to the user, without network, and is removed afterwards.
    """
    if state.how != "docker":
        return state.command
    mounts = dict.fromkeys(str(folder.absolute()) for folder in (*folders, workdir))
    options = [option for place in mounts for option in ("--volume", f"{place}:{place}")]
    user = ("--user", f"{os.getuid()}:{os.getgid()}")
    start = ("docker", "run", "--rm", "--init", "--network", "none", *user, *options, "--workdir", str(workdir.absolute()))
    return (*start, "--entrypoint", state.command[0], state.image, *state.command[1:])


def shell_invocation(state: ToolState, folders: Sequence[Path], workdir: Path) -> tuple[str, ...]:
    """What to put in front of a command (`bash run.sh`, say) so that it finds a toolchain of several executables."""
    if state.how == "docker":
        return invocation(dataclasses.replace(state, command=("env",)), folders, workdir)
    if state.how == "script":
        return state.command[:-1]
    if state.how == "path":
        return ()
    if len(state.command) == 1 and state.command[0].endswith(f"/{state.executable}"):
        return ("env", f"PATH={Path(state.command[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    return state.command


def tool_version(state: ToolState, workdir: Path) -> str:
    """The first line that it prints for `--version`; empty if it does not answer. Starts the tool: for `doctor`, not for planning."""
    if not state.found:
        return ""
    try:
        said = subprocess.run(
            [*invocation(state, (), workdir), "--version"],
            capture_output=True,
            text=True,
            timeout=VERSION_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
            errors="replace",
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = (said.stdout + said.stderr).strip().splitlines()
    return lines[0].strip() if said.returncode == 0 and lines else ""


def _missing(tool: Tool, reason: str, remedy: str) -> ToolState:
    return ToolState(tool.name, "missing", reason=reason, remedy=remedy)


def _in_image(tool: Tool, image: str, environ: Mapping[str, str]) -> ToolState:
    if not image:
        return _missing(tool, f"{tool.variable} names no image", f"export {tool.variable}=docker:IMAGE")
    if shutil.which("docker", path=environ.get("PATH", os.defpath)) is None:
        return _missing(tool, f"{tool.variable} asks for a container, but docker is not on PATH", "install docker and start its service")
    return ToolState(tool.name, "docker", (tool.executables[0],), image, tool.executables[0])


def _from_variable(tool: Tool, value: str, environ: Mapping[str, str]) -> ToolState:
    """A path to the executable, a folder that holds it, an environment script to be sourced, or a command prefix."""
    place = Path(value).expanduser()
    if place.is_file() and (place.suffix == ".env" or (place.suffix in SCRIPTS and not os.access(place, os.X_OK))):
        return ToolState(tool.name, "script", (*SOURCED, str(place.absolute()), tool.executables[0]), executable=tool.executables[0])
    for path in (place, *(place / name for name in tool.executables)):
        if path.is_file() and os.access(path, os.X_OK):
            return ToolState(tool.name, "variable", (str(path.absolute()),), executable=tool.executables[0])
    try:
        words = shlex.split(value)
    except ValueError:
        words = []
    first = shutil.which(str(Path(words[0]).expanduser()), path=environ.get("PATH", os.defpath)) if words else None
    if first:
        return ToolState(tool.name, "variable", (first, *words[1:]), executable=tool.executables[0])
    return _missing(
        tool,
        f"{tool.variable} is {value!r}, which is neither an executable nor a command",
        f"export {tool.variable}=/path/to/{tool.executables[0]} (or an environment script *.env, a command prefix, or docker:IMAGE)",
    )
