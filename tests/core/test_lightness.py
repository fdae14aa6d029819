"""Planning is light: what runs in the caller's process imports the standard library and three small packages."""

from __future__ import annotations

import ast
import functools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeroute.types import Converter
from edgeroute.workshop import Workshop, open_workshop

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
SOURCES = {"edgeroute": ROOT / "core" / "edgeroute", "edgeroute_plugins": ROOT / "plugins" / "edgeroute_plugins"}
LIGHT = {"pluggy", "networkx", "packaging"}
"""edgeroute's own dependencies."""
WATCH = """
import contextlib, io, json, sys
from edgeroute.cli.main import main
code = 0
with contextlib.redirect_stdout(io.StringIO()):
    try:
        code = main(sys.argv[1:])
    except SystemExit as stop:
        code = stop.code or 0
print(json.dumps([code, sorted(sys.modules)]))
"""
COMMANDS = [
    f"plan {DIGITS} --to artpec9 -k 3",
    "plan torch-state --to artpec8",
    "list converters",
    "env list",
    "plugins",
    "explain shape-open",
    f"check {DIGITS} --to artpec9 --no-run",
    f"inspect {DIGITS} --offline",
]


def imported(words: str, home: Path) -> tuple[int, set[str]]:
    """Exit code and modules of one command in a fresh process."""
    path = os.pathsep.join(str(folder.parent) for folder in SOURCES.values())
    environ = os.environ | {"EDGEROUTE_HOME": str(home), "PYTHONPATH": path}
    ran = subprocess.run([sys.executable, "-c", WATCH, *words.split()], env=environ, capture_output=True, text=True, check=True)
    code, modules = json.loads(ran.stdout)
    return code, set(modules)


def strangers(modules: set[str]) -> set[str]:
    """Top-level packages that are neither of the standard library nor ours, nor what an interpreter loads by itself at its start."""
    at_start = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True)
    given = {name.partition(".")[0] for name in at_start.stdout.split()}
    return {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names) - set(SOURCES) - given


@pytest.mark.parametrize("words", COMMANDS, ids=lambda w: w.split()[0] + "-" + w.split()[-1])
def test_nothing_heavy_is_imported(words: str, tmp_path: Path) -> None:
    code, modules = imported(words, tmp_path)
    assert code in (0, 8)
    assert strangers(modules) <= LIGHT


def test_the_version_costs_nothing(tmp_path: Path) -> None:
    code, modules = imported("--version", tmp_path)
    assert code == 0
    assert {m for m in modules if m.startswith("edgeroute")} == {"edgeroute", "edgeroute.cli", "edgeroute.cli.main", "edgeroute.errors"}
    assert not strangers(modules)


def test_a_plan_has_a_budget_of_modules(tmp_path: Path) -> None:
    _, modules = imported(COMMANDS[0], tmp_path)
    assert len([m for m in modules if m.startswith("edgeroute.")]) < 110
    assert len([m for m in modules if m.startswith("edgeroute_plugins.")]) < 110
    assert len([m for m in modules if m.startswith("networkx")]) < 400
    assert not modules & {"edgeroute.runner.convert", "edgeroute.runner.audit", "edgeroute.runner.blame", "edgeroute.provenance"}


def imports(module: str) -> Iterator[str]:
    """What a module of ours imports at its top level (below an `if` or a `try` too, but not inside functions)."""
    for node in _outside_functions(ast.parse(file_of(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if is_module(f"{node.module}.{alias.name}"))


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _is_for_types_only(child):
            continue
        yield child
        yield from _outside_functions(child)


def _is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def file_of(module: str) -> Path:
    top, *rest = module.split(".")
    place = SOURCES[top].joinpath(*rest)
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def is_module(name: str) -> bool:
    return name.partition(".")[0] in SOURCES and file_of(name).is_file()


@functools.cache
def reached(module: str) -> frozenset[str]:
    """A module of ours and everything that importing it imports."""
    found, queue = set(), [module]
    while queue:
        name = queue.pop()
        if name in found:
            continue
        found.add(name)
        parents = [name.rsplit(".", n)[0] for n in range(1, name.count(".") + 1)]
        if is_module(name):
            queue += [*imports(name), *parents]
    return frozenset(found)


def foreign(module: str) -> set[str]:
    return {name.partition(".")[0] for name in reached(module)} - set(sys.stdlib_module_names) - set(SOURCES) - {"__future__"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return open_workshop(root=tmp_path_factory.mktemp("home"))


def declarations(shop: Workshop) -> set[str]:
    """The rule: a plugin's `plugin` module, its options classes, its preflights and its formats' promises are declarations."""
    modules = {p.module.__name__ for p in shop.plugins.loaded if p.module is not None}
    addresses = [c.preflight for c in shop.catalog.converters] + [f.promise for f in shop.catalog.formats.values()]
    options = {c.options.__module__ for c in shop.catalog.converters}
    return modules | options | {address.partition(":")[0] for address in addresses if address}


def work(shop: Workshop) -> set[str]:
    """The rule's other half: what `run`, `handover`, `inspect` and `trace` name is imported in the worker only."""
    edges = [address for c in shop.catalog.converters for address in (c.run, c.handover)]
    runners = [address for r in shop.catalog.runners for address in (r.run, r.inspect, r.trace)]
    return {address.partition(":")[0] for address in (*edges, *runners) if address}


def test_declarations_import_the_standard_library_only(shop: Workshop) -> None:
    heavy = {module: foreign(module) - {"pluggy"} for module in declarations(shop)}
    assert {module: names for module, names in heavy.items() if names} == {}


def test_declarations_reach_no_work(shop: Workshop) -> None:
    ours = {module: reached(module) & work(shop) for module in declarations(shop)}
    assert {module: names for module, names in ours.items() if names} == {}


def test_options_can_be_imported_without_the_hooks(shop: Workshop) -> None:
    """The worker imports an options class in environments that have no pluggy of their own."""
    edges: tuple[Converter, ...] = shop.catalog.converters
    assert {c.options.__module__ for c in edges if foreign(c.options.__module__)} == set()


def test_core_is_light_but_for_what_verifies() -> None:
    modules = [
        ".".join(("edgeroute", *file.relative_to(SOURCES["edgeroute"]).with_suffix("").parts)).removesuffix(".__init__")
        for file in sorted(SOURCES["edgeroute"].rglob("*.py"))
    ]
    own = {m: {n.partition(".")[0] for n in imports(m)} - set(sys.stdlib_module_names) - set(SOURCES) for m in modules}
    outside = {m: names for m, names in own.items() if names - LIGHT and not m.startswith(("edgeroute.verify.", "edgeroute.testing"))}
    assert outside == {}
    assert [m for m, names in own.items() if "networkx" in names] == ["edgeroute.planner"]
    assert [m for m, names in own.items() if "pluggy" in names] == ["edgeroute.hookspecs", "edgeroute.plugins"]


def test_the_function_verify_is_not_hidden_by_the_package_of_its_name() -> None:
    """Any import of edgeroute.verify.… would put the package there, in whatever order."""
    code = "import edgeroute.verify.thresholds, edgeroute.api; from edgeroute import verify; assert callable(verify) and callable(edgeroute.verify)"
    subprocess.run([sys.executable, "-c", code], check=True)
