"""What a colleague who has edgetpu_compiler gets: the script with the exact command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from edgeroute.types import Facts
from edgeroute_plugins.edgetpu import command
from edgeroute_plugins.edgetpu.options import Options

SCRIPT = "compile.sh"
NEEDS = (
    "on 64-bit x86 Linux, Google's package edgetpu-compiler (https://coral.ai/docs/edgetpu/compiler/). "
    "`EDGETPU_COMPILER=/path/to/edgetpu_compiler` in front of the command below names one that is not on PATH."
)
"""For the colleague, whose computer has no edgeroute."""


def handover(model: Path, folder: Path, options: Options) -> Facts:
    """Write `compile.sh`; the compiled file comes beside the model, further segments beside it."""
    left = command.outputs(model.stem, options)
    names = left if len(left) == 1 else command.delivered(Path(command.outputs(model.stem, Options())[0]).stem, options)
    plain, search = (_command(model, options, search=s) for s in (options.search_delegate == "always", True))
    script = _script(plain, search if options.search_delegate == "auto" else "", dict(zip(left, names, strict=True)))
    (folder / SCRIPT).write_text(script, encoding="utf-8")
    (folder / SCRIPT).chmod(0o755)
    notes = {"script": SCRIPT, "produces": names[0], "commands": [plain], "needs": NEEDS}
    return Facts(findings=command.findings(options), notes=notes | ({"companions": names[1:]} if names[1:] else {}))


def _command(model: Path, options: Options, *, search: bool) -> str:
    return shlex.join(["edgetpu_compiler", *command.flags(options, search=search), "--out_dir", ".", model.name])


def _script(plain: str, again: str, names: Mapping[str, str]) -> str:
    """`names`: what the compiler leaves → what it is sent back as."""
    lines = [
        "#!/bin/sh",
        "# Compiles the model for the Edge TPU. EDGETPU_COMPILER may name another executable, or a command in front of it.",
        "set -eu",
        'cd "$(dirname "$0")"',
        'edgetpu_compiler() { ${EDGETPU_COMPILER:-command edgetpu_compiler} "$@"; }',
        f"rm -f {' '.join(dict.fromkeys([*names, *names.values()]))}",
        f"{plain} 2>&1 | tee compile.log",
    ]
    if again:
        lines += [
            "if grep -q -e '^Internal compiler error' -e 'large activation tensors' compile.log; then",
            f"  {again} 2>&1 | tee compile.log",
            "fi",
        ]
    lines += [f"test -s {name} || {{ echo 'it was not compiled; compile.log says why' >&2; exit 1; }}" for name in names]
    lines += [f"mv {name} {sent}" for name, sent in names.items() if name != sent]
    return "\n".join([*lines, f'echo "send back: {" ".join(names.values())}"']) + "\n"
