"""The child's side of the process border: reads job.json, calls one function, leaves outcome.json beside it.

Run by path: `PYTHON -I -X utf8 …/edgeroute/worker.py job.json`. Standard library only, and little of it: starting up must not
be felt. Nothing is importable here but what this interpreter has installed, edgeroute, and the packages that the job names.
Everything that decides how the function runs is set here and not by the parent, so that the command repeats the step by hand.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

SCRATCH = "scratch"
"""The function's working directory, inside the job's folder; it holds the temporary files and the tools' own caches."""
OUTCOME = "outcome.json"
LIFELINE = "EDGEROUTE_LIFELINE"
"""Environment variable: number of a pipe that closes when the parent is gone."""

QUIET = {
    "NO_COLOR": "1", "TERM": "dumb", "TQDM_DISABLE": "1", "MPLBACKEND": "Agg", "TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1", "TOKENIZERS_PARALLELISM": "false", "DO_NOT_TRACK": "1", "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
}  # fmt: skip
"""Silence, and the same numbers on every computer, whatever graphics card or CPU extension it has."""

DEAF = dict.fromkeys(
    ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"
)
OFFLINE = DEAF | {
    "no_proxy": "localhost,127.0.0.1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1", "WANDB_MODE": "disabled", "YOLO_OFFLINE": "true", "PIP_NO_INDEX": "1", "UV_OFFLINE": "1",
}  # fmt: skip

CACHES = ("XDG_CACHE_HOME", "HF_HOME", "TORCH_HOME", "KERAS_HOME", "TFHUB_CACHE_DIR", "MPLCONFIGDIR", "NUMBA_CACHE_DIR")
"""Kept inside the scratch folder: neither leaves anything in the user's home nor reads settings (a Keras backend, say) from there."""


class JobFinder:
    """Makes the job's packages importable, each from its own folder or file, and none of its neighbours."""

    def __init__(self, code: Mapping[str, str]) -> None:
        self.code = code

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in self.code:
            return None
        from importlib.util import spec_from_file_location

        place = Path(self.code[name])
        if not place.is_dir():
            return spec_from_file_location(name, place)
        if (place / "__init__.py").exists():
            return spec_from_file_location(name, place / "__init__.py", submodule_search_locations=[str(place)])
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(place)]
        return spec


class SeedFinder:
    """Seeds the random generators when they are first imported; importing them for it would cost every job a tenth of a second."""

    names = ("random", "numpy.random")

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in self.names:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_seed(module: ModuleType) -> None:
                execute(module)
                module.seed(0)

            spec.loader.exec_module = execute_and_seed  # type: ignore[method-assign]
        return spec


def main(arguments: Sequence[str]) -> None:
    """Run the job of `arguments[1]`; always leaves an outcome, unless the process is killed."""
    file = Path(arguments[1]).absolute()
    if sys.flags.ignore_environment:
        start_over(file)
    die_with_parent()
    job = json.loads(file.read_text(encoding="utf-8"))
    started = time.perf_counter()
    settle(file.parent, bool(job.get("offline", True)))
    make_importable({name: str(file.parent / place) for name, place in job.get("code", {}).items()})
    outcome = perform(job, file.parent)
    outcome["seconds"] = time.perf_counter() - started
    outcome["peak_rss_mb"] = peak_rss_mb()
    outcome["versions"] = imported_versions()
    leave(file.parent, outcome)


def start_over(file: Path) -> None:
    """Again with the same isolation but a fixed hash seed, which Python takes from its environment only (and -I ignores that)."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-s", "-P", "-X", "utf8", __file__, str(file)]
    os.execve(sys.executable, command, environ | {"PYTHONHASHSEED": "0"})


def die_with_parent() -> None:
    """Ask the kernel to kill this process group when the parent vanishes, however that happens (Linux)."""
    number = os.environ.pop(LIFELINE, "")
    if not number:
        return
    import fcntl

    if not hasattr(fcntl, "F_SETSIG"):
        return
    pipe = int(number)
    os.set_inheritable(pipe, False)
    fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, 9)
    fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    try:
        os.read(pipe, 1)
    except BlockingIOError:
        return
    os._exit(1)


def settle(folder: Path, offline: bool) -> None:
    """Environment variables, working directory and output streams, before anything else is imported."""
    scratch = folder / SCRATCH
    (scratch / "tmp").mkdir(parents=True, exist_ok=True)
    os.chdir(scratch)
    os.environ |= QUIET | (OFFLINE if offline else {})
    os.environ |= dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(scratch / "tmp"))
    os.environ |= {name: str(scratch / "caches" / name.lower()) for name in CACHES}
    binaries = os.path.dirname(sys.executable)  # noqa: PTH120  (a Path would be the slower half of this function)
    os.environ["PATH"] = os.pathsep.join([binaries, os.environ.get("PATH", os.defpath)])
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    import faulthandler

    faulthandler.enable()


def make_importable(code: Mapping[str, str]) -> None:
    """Put the job's packages, and edgeroute itself, in front of what is installed."""
    sys.meta_path.insert(0, SeedFinder())
    sys.meta_path.insert(0, JobFinder({"edgeroute": str(Path(__file__).parent)} | dict(code)))
    for name in SeedFinder.names:
        if name in sys.modules:
            sys.modules[name].seed(0)


def perform(job: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Call the job's function; whatever it raises becomes part of the outcome. This is the process border: the one broad catch."""
    try:
        return {"status": "ok", "value": KINDS[job["kind"]](job, folder), "error": {}}
    except SystemExit as stop:
        message = f"it called sys.exit({stop.code!r})"
        return {
            "status": "exit",
            "value": None,
            "error": _error("converter-exit", message, "read its log: what it printed last is the reason"),
        }
    except Exception as error:
        return {"status": "error", "value": None, "error": describe(error)}


def convert(job: Mapping[str, Any], folder: Path) -> Any:
    """`function(source, out, options) -> Facts`; relative paths are meant from the job's folder."""
    from edgeroute.codec import from_json
    from edgeroute.errors import PluginError
    from edgeroute.types import Facts, to_json

    arguments = job["arguments"]
    options_class = load(job.get("options_type") or "edgeroute.types:NoOptions")
    options = anchored(from_json(options_class, arguments.get("options") or {}), folder, job.get("memo", ""))
    facts = load(job["function"])(folder / arguments["source"], folder / arguments["out"], options)
    if not isinstance(facts, Facts):
        raise PluginError(
            f"{job['function']} returned {type(facts).__name__} instead of Facts",
            where=job["function"],
            remedy="end it with `return Facts()` from edgeroute.types",
            code="plugin-returned",
        )
    return to_json(facts)


def anchored(options: Any, folder: Path, memo: str = "") -> Any:
    """Samples at a relative path are meant from the job's folder, too: a folder that was kept travels; the memo's folder is filled in."""
    import dataclasses

    from edgeroute.types import Calibration

    values = {f.name: getattr(options, f.name) for f in dataclasses.fields(options)}
    moved: dict[str, Any] = {n: dataclasses.replace(v, path=folder / v.path) for n, v in values.items() if isinstance(v, Calibration)}
    moved |= {f.name: Path(memo) for f in dataclasses.fields(options) if memo and f.metadata.get("fill") == "memo"}
    return dataclasses.replace(options, **moved) if moved else options


def call(job: Mapping[str, Any], folder: Path) -> Any:
    """`function(**arguments)`, plain JSON in and out."""
    value = load(job["function"])(**job["arguments"])
    if "edgeroute.types" in sys.modules:
        from edgeroute.types import to_json

        value = to_json(value)
    json.dumps(value)
    return value


KINDS: Mapping[str, Callable[[Mapping[str, Any], Path], Any]] = {"convert": convert, "call": call}


def load(name: str) -> Any:
    """What `package.module:attribute` names."""
    import importlib

    module, _, attribute = name.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    return found


def _error(code: str, message: str, remedy: str, where: str = "", **more: object) -> dict[str, Any]:
    return {"code": code, "message": message, "where": where, "remedy": remedy, **more}


def describe(error: Exception) -> dict[str, Any]:
    """An exception as JSON; its traceback goes to the log."""
    import traceback

    traceback.print_exception(error)
    last = traceback.format_exception_only(error)[-1].strip()
    root = root_cause(error)
    place = traceback.extract_tb(root.__traceback__) or traceback.extract_tb(error.__traceback__)
    where = f"{place[-1].name}, line {place[-1].lineno} of {Path(place[-1].filename).name}" if place else ""
    more = {"class": type(error).__name__, "last_line": last}
    if hasattr(error, "as_json") and hasattr(error, "remedy"):
        return {**error.as_json(), **more}
    if isinstance(error, ImportError):
        return _error(
            "converter-import", last, "rebuild its environment (edgeroute env list, then edgeroute env build NAME)", where, **more
        )
    if isinstance(error, MemoryError):
        return _error("converter-memory", "memory ran out", "close other programs, or use a computer with more memory", where, **more)
    why = "" if root is error else f" (cause: {traceback.format_exception_only(root)[-1].strip()})"
    return _error("converter-raised", last + why, "read the traceback at the end of its log", where, **more)


def root_cause(error: BaseException) -> BaseException:
    """The exception that a chain of `raise … from …` began with: the last one often says no more than that something failed."""
    seen = {id(error)}
    while error.__cause__ is not None and id(error.__cause__) not in seen:
        error = error.__cause__
        seen.add(id(error))
    return error


def imported_versions() -> dict[str, str]:
    """Distribution → version of everything that was imported; nothing to look up when only the standard library was."""
    ours = {"edgeroute", "edgeroute_plugins", "__main__", "_distutils_hack"}
    strangers = {name.partition(".")[0] for name in list(sys.modules)} - set(sys.stdlib_module_names) - ours
    if not strangers:
        return {}
    from edgeroute.distributions import imported

    return imported(strangers)


def peak_rss_mb() -> float:
    """The high-water mark of this process; not `ru_maxrss` on Linux, which inherits the parent's."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def leave(folder: Path, outcome: Mapping[str, Any]) -> None:
    """Write the outcome atomically and go at once: libraries that crash while they are torn down cannot spoil a finished step."""
    part = folder / f"{OUTCOME}.part"
    part.write_text(json.dumps(outcome), encoding="utf-8")
    part.replace(folder / OUTCOME)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv)
