"""Whether an exported program (`.pt2`) only computes; reads names and JSON, loads and unpickles nothing.

`torch.export.load` warns that it unpickles. In a file as torch 2.9 to 2.13 writes it only the sample inputs are pickled, and they
load as plain tensors when TORCH_FORCE_WEIGHTS_ONLY_LOAD is set. Four further ways to run code are in such a file (read in torch 2.13
and tried): node targets are resolved from `torch` (`torch.os.system`), symbolic expressions go through `sympify` (which evaluates
them), names become Python source, and guards are executed. A file that uses none of them needs no word of trust.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LARGEST_JSON = 256 << 20
MEMBERS = re.compile(
    r"models/\w+\.json|data/(weights|constants)/(weight|tensor)_\d+|data/(weights|constants)/\w+_config\.json"
    r"|data/sample_inputs/\w+\.pt|archive_format|archive_version|byteorder|version|\.data/(version|serialization_id)|\.format_version|\.storage_alignment"
)
"""What `torch.export.save` writes; compiled libraries (data/aotinductor) and pickled objects (custom_obj_, opaque_obj_) are not among them."""

TARGETS = re.compile(
    r"torch\.ops\.(aten|prims|quantized_decomposed|torchvision|higher_order)\.\w+(\.\w+)?"
    r"|_operator\.(add|sub|mul|truediv|floordiv|mod|pow|neg|pos|and_|or_|not_|eq|ne|lt|le|gt|ge|getitem)"
    r"|math\.(ceil|floor|trunc|sqrt)|torch\.sym_\w+"
)
FILE_OPERATORS = {"torch.ops.aten.from_file", "torch.ops.aten.save"}
SYMBOLS = re.compile(r"[A-Za-z0-9_ ,()='+*/-]*")
FUNCTIONS = re.compile(
    r"Symbol|Integer|Mul|Add|Pow|Max|Min|FloorDiv|ModularIndexing|Mod|PythonMod|CleanDiv|CeilDiv|CeilToInt|FloorToInt|IntTrueDiv|ToFloat"
    r"|Eq|Ne|Lt|Le|Gt|Ge|Equality|Unequality|StrictLessThan|LessThan|StrictGreaterThan|GreaterThan|Rational|TruncToInt|Identity"
    r"|positive|nonnegative|integer|evaluate|True|False|[suz]\d+"
)
NAMES = re.compile(r"[A-Za-z0-9_.]*")
REMARKS = {
    "torch_version",
    "stack_trace",
    "nn_module_stack",
    "source_fn_stack",
    "torch_fn",
    "custom",
    "from_node",
    "as_string",
    "as_strings",
}
"""Keys whose strings torch keeps as text (metadata) or quotes (string arguments such as "bilinear")."""
TREE_TYPES = {"builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict", None}


def screen(path: Path) -> list[str]:
    """Why the file may do more than compute; empty when it cannot. Raises BadZipFile, ValueError on a damaged one."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        root = names[0].split("/")[0] + "/" if names else ""
        reasons = list(strange_members(names, root))
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            reasons.append("compressed members")
        for name in names:
            if name.endswith(".json"):
                reasons += walk(read_json(archive, name), "")
    return list(dict.fromkeys(reasons))


def strange_members(names: list[str], root: str) -> Iterator[str]:
    """Members that `torch.export.save` does not write for a program of plain tensors."""
    if len(set(names)) != len(names):
        yield "two members of one name"
    for name in names:
        if not name.startswith(root) or not MEMBERS.fullmatch(name.removeprefix(root)):
            yield f"member {name}"


def read_json(archive: zipfile.ZipFile, name: str) -> Any:
    """A member's JSON, unless it is larger than any real program."""
    if archive.getinfo(name).file_size > LARGEST_JSON:
        raise ValueError(f"{name} is larger than {LARGEST_JSON} bytes")
    return json.loads(archive.read(name))


def walk(value: Any, key: str) -> Iterator[str]:
    """Strings, at any depth, that torch would evaluate, resolve or turn into source, and that are not of the harmless kind."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not (NAMES.fullmatch(name) or (key == "range_constraints" and harmless_expression(name))):
                yield f"name {name!r}"
            if name not in REMARKS:
                yield from walk(inner, name)
    elif isinstance(value, list):
        if key != "guards_code":
            for inner in value:
                yield from walk(inner, key)
    elif isinstance(value, str):
        yield from judge(value, key)


def judge(text: str, key: str) -> Iterator[str]:
    """One string under its key."""
    if key == "target":
        if not TARGETS.fullmatch(text) or ".".join(text.split(".")[:4]) in FILE_OPERATORS:
            yield f"operator {text}"
    elif key == "expr_str":
        if not harmless_expression(text):
            yield f"expression {text!r}"
    elif key in ("in_spec", "out_spec", "treespec"):
        yield from tree_types(json.loads(text) if text else None)
    elif not NAMES.fullmatch(text):
        yield f"{key or 'name'} {text!r}"


def harmless_expression(text: str) -> bool:
    """Whether SymPy's `sympify` can only build an arithmetic expression of it (it evaluates what it is given)."""
    words = re.findall(r"[A-Za-z_]\w*", text)
    return bool(SYMBOLS.fullmatch(text)) and "__" not in text and all(FUNCTIONS.fullmatch(w) for w in words)


def tree_types(spec: Any) -> Iterator[str]:
    """Containers of the arguments that are not Python's own."""
    if isinstance(spec, list):
        for inner in spec:
            yield from tree_types(inner)
    elif isinstance(spec, dict):
        if "type" in spec and spec["type"] not in TREE_TYPES:
            yield f"argument type {spec['type']!r}"
        for inner in spec.values():
            yield from tree_types(inner)


def rewritten(source: Path, out: Path) -> Path:
    """The archive written anew by the reader that screened it, so that torch's own reader cannot see another one."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as copy:
        for name in archive.namelist():
            with archive.open(name) as member, copy.open(zipfile.ZipInfo(name), "w", force_zip64=True) as target:
                while block := member.read(1 << 20):
                    target.write(block)
    return out
