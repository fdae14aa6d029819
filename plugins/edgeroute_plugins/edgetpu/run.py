"""The work behind `edgetpu-compiler`: compile, retry where the compiler crashes, and read the result offline."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

from edgeroute.errors import ConverterFailed
from edgeroute.tools import ToolState, invocation, require_tool
from edgeroute.types import Facts, Json
from edgeroute_plugins.devices.edgetpu_package import Package, packages
from edgeroute_plugins.edgetpu import command
from edgeroute_plugins.edgetpu.log import Log, findings, parse
from edgeroute_plugins.edgetpu.options import Options
from edgeroute_plugins.edgetpu.tool import TOOL
from edgeroute_plugins.tflite import reader
from edgeroute_plugins.tflite.analysis import EDGETPU

SLACK = 60
"""Seconds beyond its own timeout after which the compiler is ended."""


def run(source: Path, out: Path, options: Options) -> Facts:
    """Compile `source` (int8 TFLite) to `out`; further segments come beside it. The notes hold the compiler's log as values and what the package says.

    Raises EnvironmentFailed where the compiler is gone, ConverterFailed where it refuses the model, or maps nothing.
    """
    tool = require_tool(TOOL)
    model = source.rename(source.with_name("model.tflite"))
    folder = (Path.cwd() / "compiled").absolute()
    log, searched = compile_model(tool, model, folder, options)
    files = [folder / name for name in command.outputs(model.stem, options)]
    if log.milliseconds is None or not all(file.is_file() for file in files):
        raise ConverterFailed(
            f"edgetpu_compiler {log.version} wrote no compiled model",
            remedy="its log says why; check the file before it with `edgeroute check FILE --to artpec7`",
            code="edgetpu-refused",
        )
    parts = [inspect(file, log) for file in files]
    companions = deliver(files, out, options)
    return Facts(findings=(*findings(log), *command.findings(options)), notes=notes(log, searched, parts, companions, options))


def compile_model(tool: ToolState, model: Path, folder: Path, options: Options) -> tuple[Log, bool]:
    """The log of the last attempt, and whether it searched for an earlier end: after a crash, that is what helps."""
    search = options.search_delegate == "always"
    log = attempt(tool, model, folder, options, search=search)
    if log.stuck and not search and options.search_delegate == "auto":
        print("edgeroute: the compiler was stuck; again with --search_delegate", flush=True)
        log, search = attempt(tool, model, folder, options, search=True), True
    return log, search


def attempt(tool: ToolState, model: Path, folder: Path, options: Options, *, search: bool) -> Log:
    """One call of the compiler; what it says goes to the step's log too."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    start = invocation(tool, (model.parent, folder), Path.cwd())
    words = [*start, *command.flags(options, search=search), "--out_dir", str(folder), str(model)]
    try:
        said = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=options.timeout + SLACK if options.timeout else None,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ConverterFailed(
            f"edgetpu_compiler did not end within {options.timeout + SLACK} s",
            remedy="give it more: --set edgetpu-compiler.timeout=600",
            code="edgetpu-timeout",
        ) from error
    print(said.stdout, flush=True)
    return parse(said.stdout)


def inspect(file: Path, log: Log) -> list[Package]:
    """What the compiler put into a file; raises ConverterFailed where that is nothing, or cannot be read."""
    model = reader.read(file)
    operators = tuple(o for s in model.subgraphs for o in s.operators if o.label == EDGETPU)
    found = packages(operators)
    unreadable = [p for p in found if isinstance(p, str)]
    if not operators or unreadable:
        raise ConverterFailed(
            f"edgetpu_compiler {log.version} mapped nothing to the Edge TPU"
            if not operators
            else f"the compiled part cannot be read: {unreadable[0]}",
            where=file.name,
            remedy="`edgeroute check` of the file before it with --to artpec7 names the first operator that cannot be mapped",
            code="edgetpu-nothing-mapped" if not operators else "edgetpu-package",
        )
    return [p for p in found if isinstance(p, Package)]


def deliver(files: list[Path], out: Path, options: Options) -> list[str]:
    """The first file to `out`; further segments beside it, by name."""
    names = [out.name, *command.delivered(out.stem, options)[1:]]
    for file, name in zip(files, names, strict=True):
        shutil.move(file, out.with_name(name))
    return names[1:]


def notes(log: Log, searched: bool, parts: list[list[Package]], companions: list[str], options: Options) -> dict[str, Json]:
    """The compilation as plain data."""
    told: dict[str, Json] = {
        "compiler": log.version,
        "milliseconds": log.milliseconds,
        "flags": command.flags(options, search=searched),
        "bytes": dict(log.bytes),
        "counts": dict(log.counts),
        "operators": [{**asdict(row), "mapped": row.mapped} for row in log.rows],
        "packages": [
            {"min_runtime": p.min_runtime, "compiler": p.compiler, "cached_bytes": p.cached_bytes, "streamed_bytes": p.streamed_bytes}
            for packages_of_file in parts
            for p in packages_of_file
        ],
        "parity": "measured on the file before compilation: nothing but an Edge TPU executes this one",
    }
    return told | ({"companions": companions} if companions else {})
