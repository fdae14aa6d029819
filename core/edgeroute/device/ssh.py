"""Commands on a camera, by the system's OpenSSH client: it knows the user's keys, agents, jump hosts and host keys."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from edgeroute.errors import EnvironmentFailed, UsageError

CONNECT_SECONDS = 15
UNREACHABLE = 255
"""ssh's own exit code where it did not get as far as the command."""
HOST = re.compile(r"(?:[A-Za-z0-9_][\w.-]*@)?(?:\[[0-9A-Fa-f:.%\w]+\]|[A-Za-z0-9_][\w.:%-]*)")


@dataclass(frozen=True)
class Said:
    """What a command on the camera answered."""

    code: int
    text: str
    """stdout and stderr."""

    @property
    def ok(self) -> bool:
        return self.code == 0


@dataclass(frozen=True)
class Camera:
    """Where to connect to, and how."""

    host: str
    """`user@name`, or whatever the user's ssh configuration knows."""
    port: int = 0
    identity: Path | None = None
    options: tuple[str, ...] = ()
    """Further settings as after `ssh -o`."""

    def __post_init__(self) -> None:
        if not HOST.fullmatch(self.host):
            raise UsageError(
                f"{self.host!r} is no host", remedy="write --host USER@CAMERA, for example --host root@192.168.0.90", code="bad-host"
            )

    def run(self, command: str, *, seconds: float, stdin: Path | None = None) -> Said:
        """Run a command in the camera's shell. Raises EnvironmentFailed where it cannot be reached or does not answer in time."""
        try:
            with (stdin or Path("/dev/null")).open("rb") as source:
                said = subprocess.run(
                    [*self._start(), command], stdin=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, check=False
                )
        except subprocess.TimeoutExpired as error:
            raise EnvironmentFailed(
                f"the camera did not answer within {seconds:.0f} s",
                where=self.host,
                remedy="a first load may take minutes: give it more with --time-limit SECONDS; or look at the camera",
                code="device-timeout",
            ) from error
        text = said.stdout.decode("utf-8", "replace")
        if said.returncode == UNREACHABLE:
            raise self._unreachable(text)
        return Said(said.returncode, text)

    def _start(self) -> list[str]:
        client = shutil.which("ssh")
        if client is None:
            raise EnvironmentFailed(
                "there is no ssh on this computer", remedy="install OpenSSH's client: apt install openssh-client", code="ssh-missing"
            )
        settings = ["BatchMode=yes", f"ConnectTimeout={CONNECT_SECONDS}", "ClearAllForwardings=yes", *self.options]
        words = [client, "-T", *(w for s in settings for w in ("-o", s))]
        words += ["-p", str(self.port)] if self.port else []
        words += ["-i", str(self.identity)] if self.identity else []
        return [*words, "--", self.host]

    def _unreachable(self, text: str) -> EnvironmentFailed:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        last = lines[-1] if lines else "ssh gave no reason"
        return EnvironmentFailed(f"{self.host} cannot be reached: {last}", where=self.host, remedy=_remedy(text), code="device-unreachable")


def _remedy(text: str) -> str:
    if "Permission denied" in text:
        return (
            "let the camera know your key (ssh-copy-id USER@CAMERA, with ssh enabled for a developer account), or name it: --identity FILE"
        )
    if "Host key verification failed" in text:
        return "connect once by hand and compare the host key: ssh USER@CAMERA"
    if "Connection refused" in text:
        return "enable SSH on the camera (Settings > System > SSH, or its developer mode), or give another --port"
    return "check the address, and that `ssh USER@CAMERA true` works by hand"
