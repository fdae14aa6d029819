"""PyTorch's files: exported programs, TorchScript, state dictionaries, checkpoints and pickled modules, zipped or from before 1.6."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from edgeroute.errors import SourceError
from edgeroute.types import Facts, Finding, Json, Recognition, Severity, Tensor
from edgeroute_plugins.layout import guess_layout
from edgeroute_plugins.sources.archives import MOST_BYTES, Archive, damaged_archive
from edgeroute_plugins.sources.pickles import Call, Global, Pairs, Pickle, Stored, Unreadable, read_pickle

LEGACY_MAGIC = bytes.fromhex("80028a0a6cfc9c46f920")
MOST_NAMES = 64
HARMLESS_MODULES = frozenset({"torch", "torch._utils", "torch.storage", "torch._tensor", "torch.nn.parameter", "torch.serialization"})
HARMLESS = frozenset(
    [
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.Counter",
        "builtins.set",
        "builtins.dict",
        "builtins.list",
        "__builtin__.set",
        "_codecs.encode",
        "numpy.dtype",
        "numpy.ndarray",
        "numpy.core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy._core.multiarray._reconstruct",
    ]
)
"""What a state dictionary or a checkpoint of numbers mentions."""
DANGEROUS = frozenset(
    [
        "os",
        "posix",
        "nt",
        "subprocess",
        "sys",
        "builtins",
        "__builtin__",
        "runpy",
        "socket",
        "shutil",
        "importlib",
        "pty",
        "ctypes",
        "code",
        "webbrowser",
        "asyncio",
        "multiprocessing",
        "pickle",
        "cloudpickle",
        "bdb",
        "pdb",
        "timeit",
        "operator",
    ]
)
"""Modules that a model has no business with."""
STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16", "LongStorage": "int64",
    "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool",
    "QInt8Storage": "int8", "QUInt8Storage": "uint8",
}  # fmt: skip
FORWARD = re.compile(r"^  def forward\(self[^,)]*((?:,[^)]*)?)\) ->", re.MULTILINE)
ARGUMENT = re.compile(r",\s*(\w+)\s*:")
"""As TorchScript prints a method's head."""
SCALARS = {1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64", 12: "bool", 13: "bfloat16"}
"""`torch.export`'s numbers for dtypes (torch/_export/serde/schema.py)."""


def recognize_zip(archive: Archive) -> Recognition | None:
    """Which of PyTorch's archives this is; None if it is none of them."""
    root, sizes = archive.root, archive.sizes
    if f"{root}archive_format" in sizes and any(n.endswith(".json") for n in archive.under(f"{root}models/")):
        return Recognition("torch-exported", _exported(archive, next(n for n in archive.under(f"{root}models/") if n.endswith(".json"))))
    if "serialized_exported_program.json" in sizes:
        return Recognition("torch-exported", _exported(archive, "serialized_exported_program.json"))
    if archive.under(f"{root}code/") and f"{root}data.pkl" in sizes:
        return Recognition("torchscript", _script(archive))
    if root and f"{root}data.pkl" in sizes:
        return _pickled(_look(archive.path, archive.read(f"{root}data.pkl")), archive.path, sum(sizes.values()))
    return None


def recognize_legacy(path: Path) -> Recognition:
    """A file from before 1.6: pickles of a magic number, the protocol, the system, then the object; its numbers follow."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES)
    found = _look(path, data)
    for _ in range(3):
        found = _look(path, data, found.end)
    return _pickled(found, path, path.stat().st_size)


def _look(path: Path, data: bytes, start: int = 0) -> Pickle:
    try:
        return read_pickle(data, start)
    except Unreadable as error:
        raise damaged_archive(path, f"its pickle cannot be read: {error}") from error


def _pickled(found: Pickle, path: Path, size: int) -> Recognition:
    """A state dictionary or a checkpoint of numbers is safe to load; whatever mentions a foreign class is a pickled module."""
    foreign = [g for g in found.globals if not is_harmless(g)]
    tensors = dict(_tensors(found.root))
    details: dict[str, Json] = {
        "bytes": size,
        "holds": _holds(found.root, bool(foreign)),
        "root": _root_name(found.root),
        "keys": _keys(found.root)[:MOST_NAMES],
        "globals": [str(g) for g in found.globals][:MOST_NAMES],
        "foreign": [str(g) for g in foreign][:MOST_NAMES],
        "tensors": len(tensors),
        "parameters": sum(prod(d or 1 for d in t.shape) for t in tensors.values() if t.dtype.startswith(("float", "bfloat"))),
    }
    findings = tuple(_warning(path, g) for g in foreign if g.module.split(".")[0] in DANGEROUS)
    return Recognition("torch-module" if foreign else "torch-state", Facts(details=details, findings=findings))


def is_harmless(mentioned: Global) -> bool:
    """Whether `torch.load(weights_only=True)` has no quarrel with a global, as far as one can tell without torch."""
    if str(mentioned) in HARMLESS:
        return True
    if mentioned.module not in HARMLESS_MODULES:
        return False
    return (
        mentioned.name.startswith(("_rebuild", "_load", "Tensor", "Size", "device", "Parameter"))
        or mentioned.name[-7:] == "Storage"
        or _is_dtype(mentioned)
    )


def _is_dtype(mentioned: Global) -> bool:
    names = ("float", "double", "half", "bfloat", "int", "uint", "long", "short", "bool", "complex", "qint", "quint")
    return mentioned.module == "torch" and mentioned.name.startswith(names)


def _warning(path: Path, mentioned: Global) -> Finding:
    return Finding(
        "pickle-suspicious",
        Severity.WARNING,
        f"loading {path.name} would call {mentioned}, which no model needs",
        "do not load this file with --trust-pickle unless you wrote it yourself",
        where=str(mentioned),
        cost=1.0,
    )


def _root_name(root: Any) -> str:
    if isinstance(root, Call):
        inner = root.function.identity if isinstance(root.function, Stored) else root.function
        named = inner[1] if isinstance(inner, tuple) and len(inner) > 1 else inner
        return str(named) if isinstance(named, Global) else "call"
    return {"Pairs": "dict", "list": "list", "tuple": "tuple"}.get(type(root).__name__, type(root).__name__)


def _items(holder: Any) -> list[tuple[Any, Any]]:
    return holder.items if isinstance(holder, (Pairs, Call)) else []


def _keys(root: Any) -> list[str]:
    return [key for key, _ in _items(root) if isinstance(key, str)]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Call) and isinstance(value.function, Global) and value.function.name.startswith("_rebuild")


def _holds(root: Any, foreign: bool) -> str:
    """state-dict, checkpoint, module, tensor or other."""
    if _is_tensor(root):
        return "tensor"
    values = [value for _, value in _items(root)]
    if isinstance(root, Call) and not values and foreign:
        return "module"
    if values and sum(map(_is_tensor, values)) * 2 >= len(values):
        return "state-dict"
    return "checkpoint" if values else "other"


def _tensors(root: Any) -> Iterator[tuple[str, Tensor]]:
    """Tensors of a dictionary and of the dictionaries directly inside it, by dotted name."""
    for key, value in _items(root):
        if _is_tensor(value):
            yield str(key), _tensor(str(key), value)
        for inner, tensor in _items(value):
            if _is_tensor(tensor):
                yield f"{key}.{inner}", _tensor(str(inner), tensor)


def _tensor(name: str, call: Any) -> Tensor:
    """`_rebuild_tensor_v2(storage, offset, size, stride, …)`, and `_rebuild_parameter(tensor, …)` around it."""
    arguments = call.arguments if isinstance(call.arguments, tuple) else ()
    if arguments and _is_tensor(arguments[0]) and call.function.name.startswith("_rebuild_parameter"):
        return _tensor(name, arguments[0])
    size = arguments[2] if len(arguments) > 2 and isinstance(arguments[2], tuple) else ()
    return Tensor(name, tuple(d for d in size if isinstance(d, int)), _storage_dtype(arguments[0] if arguments else None))


def _storage_dtype(storage: Any) -> str:
    identity = storage.identity if isinstance(storage, Stored) else ()
    kind = identity[1] if isinstance(identity, tuple) and len(identity) > 1 else None
    return STORAGES.get(kind.name, "") if isinstance(kind, Global) else ""


def _script(archive: Archive) -> Facts:
    """TorchScript: the inputs that it was traced with, where they were kept."""
    root = archive.root
    details: dict[str, Json] = {"bytes": sum(archive.sizes.values()), "modules": len(archive.under(f"{root}code/")), "traced": False}
    name = f"{root}traced_inputs.pkl"
    if name not in archive.sizes:
        return Facts(details=details)
    traced = _items(_untagged(_look(archive.path, archive.read(name)).root))
    arguments = _untagged(next((value for key, value in traced if key == "forward"), ()))
    given = arguments if isinstance(arguments, (tuple, list)) else (arguments,)
    names = _arguments(archive)
    inputs = tuple(_traced(names[i] if i < len(names) else f"input_{i}", value) for i, value in enumerate(given) if _is_tensor(value))
    return Facts(inputs=inputs, details={**details, "traced": bool(inputs)})


def _arguments(archive: Archive) -> list[str]:
    """What `forward` of the outermost module calls its arguments, from the text of the code; empty where that cannot be told."""
    kind = _root_name(_look(archive.path, archive.read(f"{archive.root}data.pkl")).root)
    module, _, name = kind.rpartition(".")
    place = f"{archive.root}code/{module.replace('.', '/')}.py"
    if place not in archive.sizes:
        return []
    text = archive.read(place).decode("utf-8", "replace")
    _, _, body = text.partition(f"class {name}(Module):\n")
    found = FORWARD.search(body.partition("\nclass ")[0])
    return ARGUMENT.findall(found[1]) if found else []


def _traced(name: str, call: Any) -> Tensor:
    tensor = _tensor(name, call)
    return replace(tensor, layout=guess_layout(tensor.shape))


def _untagged(value: Any) -> Any:
    """A container without the type tag that TorchScript's pickles put around it."""
    tagged = isinstance(value, Call) and isinstance(value.function, Global) and value.function.name == "restore_type_tag"
    return value.arguments[0] if tagged and isinstance(value.arguments, tuple) and value.arguments else value


def _exported(archive: Archive, name: str) -> Facts:
    """An exported program: inputs, outputs and operators from its JSON."""
    try:
        program = json.loads(archive.read(name))
        module = program["graph_module"]
        values, signature = module["graph"]["tensor_values"], module["signature"]
        given = [spec["user_input"]["arg"] for spec in signature["input_specs"] if "user_input" in spec]
        taken = [spec["user_output"]["arg"] for spec in signature["output_specs"] if "user_output" in spec]
        operators: dict[str, int] = {}
        for node in module["graph"]["nodes"]:
            target = str(node["target"]).removeprefix("torch.ops.")
            operators[target] = operators.get(target, 0) + 1
        inputs, outputs = (tuple(_meta(values, arg) for arg in args if "as_tensor" in arg) for args in (given, taken))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(
            f"{archive.path.name} is an exported program that cannot be read: {type(error).__name__} {error}",
            where=f"{archive.path}:{name}",
            remedy="save it again with torch.export.save of a released PyTorch",
            code="torch-exported-unreadable",
        ) from error
    version = str(program.get("torch_version", ""))
    return Facts(inputs, outputs, operators, {"bytes": sum(archive.sizes.values()), "torch_version": version})


def _meta(values: dict[str, Any], argument: dict[str, Any]) -> Tensor:
    name = argument["as_tensor"]["name"]
    meta = values[name]
    sizes = tuple(size.get("as_int") if isinstance(size.get("as_int"), int) else None for size in meta["sizes"])
    return Tensor(name, sizes, SCALARS.get(meta["dtype"], f"type-{meta['dtype']}"), guess_layout(sizes))
