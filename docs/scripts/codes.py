"""Finds the codes of errors and findings in the sources, without running them."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("core/edgeroute", "plugins/edgeroute_plugins")
POSITIONS = {"Finding": 0, "Symptom": 1}
"""Where the code stands among the arguments of the nouns that have one."""


@dataclass(frozen=True)
class Use:
    """One place that gives a code; a part that is only known when it runs is written `*`."""

    code: str
    where: str
    by: str = ""
    """What is called with it: an error's class, Finding, Symptom or a helper."""


@functools.cache
def uses() -> tuple[Use, ...]:
    """Every code that stands as an argument named `code`, of the nouns or of any function of ours that takes one."""
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for source in SOURCES for file in sorted((ROOT / source).rglob("*.py"))}
    constants = {name: value for tree in trees.values() for name, value in _constants(tree)}
    return tuple(use for file, tree in trees.items() for use in _in_module(file, tree, constants | dict(_constants(tree))))


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Upper-case names that a module gives a value; other modules import them."""
    for node in tree.body:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []:
            if isinstance(target, ast.Name) and target.id.isupper() and node.value is not None:
                yield target.id, node.value


def _in_module(file: Path, tree: ast.Module, constants: Mapping[str, ast.expr]) -> Iterator[Use]:
    positions = POSITIONS | dict(_helpers(tree))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            for node in _arguments(call, positions):
                place = f"{file.relative_to(ROOT)}:{call.lineno}"
                yield from (Use(text, place, _name(call)) for text in _texts(node, constants))


def _helpers(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Functions of the module with a parameter `code`, and its place in a call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names = [a.arg for a in node.args.args if a.arg not in ("self", "cls")]
            if "code" in names and node.name != "__init__":
                yield node.name, names.index("code")


def _arguments(call: ast.Call, positions: dict[str, int]) -> Iterator[ast.expr]:
    yield from (k.value for k in call.keywords if k.arg == "code")
    place = positions.get(_name(call))
    if place is not None and place < len(call.args):
        yield call.args[place]


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _texts(node: ast.expr, constants: Mapping[str, ast.expr]) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body, constants), *_texts(node.orelse, constants))
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(v.value) if isinstance(v, ast.Constant) else "*" for v in node.values)
    elif isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        yield from _texts(constants[name], {}) if name in constants else ()
