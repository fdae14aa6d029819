"""run.sh: the commands as one script that works in a folder, on any computer that has the toolchain. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

SCRIPT = "run.sh"


def write_script(folder: Path, commands: Sequence[str], chip: str, produced: str, env_script: str) -> None:
    """Each command stops the script when it fails; what an earlier run left is removed first."""
    lines = [
        "#!/bin/bash",
        f"# Compiles the model for {chip}. Run it in an environment that has Ambarella's CNNGen; or let ENV_SCRIPT name its script, env/{chip}.env.",
        "set -e",
        'cd "$(dirname "$0")"',
        f'ENV_SCRIPT="${{ENV_SCRIPT:-{_quoted(env_script)}}}"',
        'if [ -n "$ENV_SCRIPT" ]; then . "$ENV_SCRIPT"; fi',
        f"rm -rf out vas_output {produced}",
        "set -x",
        *commands,
        "{ set +x; } 2>/dev/null",
        f"test -s {produced} || {{ echo '{produced} was not written' >&2; exit 1; }}",
        f'echo "send back: {produced}"',
    ]
    (folder / SCRIPT).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / SCRIPT).chmod(0o755)


def _quoted(text: str) -> str:
    """For the inside of a double-quoted expansion."""
    return "".join(f"\\{c}" if c in '"$`\\}' else c for c in text)
