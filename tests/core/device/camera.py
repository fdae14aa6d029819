"""A camera: an ssh server on a loopback port whose shell finds the stand-ins. It needs no account, no daemon and no rights."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

STANDINS = Path(__file__).parent / "standins"


@dataclass
class FakeCamera:
    """What a test knows of it, and may change while it runs."""

    folder: Path
    port: int = 0
    environ: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    """Everything that was asked of it."""
    full: bool = False
    """Whether its disk takes only the first bytes of a file."""

    @property
    def identity(self) -> Path:
        return self.folder / "id"

    @property
    def options(self) -> tuple[str, ...]:
        """For ssh: nothing of the tester's own settings counts."""
        return ("StrictHostKeyChecking=no", f"UserKnownHostsFile={self.folder / 'known'}", "IdentitiesOnly=yes", "LogLevel=ERROR")

    @property
    def where(self) -> Mapping[str, Any]:
        return {"host": "root@127.0.0.1", "port": self.port, "identity": self.identity, "ssh_options": self.options}

    def run(self, command: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
        """One command, as the camera's shell runs it; its /tmp is a folder of the test."""
        path = f"{STANDINS}:/usr/bin:/bin"
        inside = command.replace("/tmp/", f"{self.folder}/tmp/")
        given = stdin[:10] if self.full else stdin
        environ = {"PATH": path, **self.environ}
        done = subprocess.run(["sh", "-c", inside], input=given, capture_output=True, env=environ, check=False)
        return subprocess.CompletedProcess(
            command, done.returncode, done.stdout.replace(f"{self.folder}/tmp/".encode(), b"/tmp/"), done.stderr
        )

    def serve(self) -> threading.Thread:
        """Start it in a thread; `port` is set when it listens."""
        (self.folder / "tmp").mkdir(parents=True)
        key = asyncssh.generate_private_key("ssh-ed25519")
        self.identity.write_bytes(key.export_private_key())
        self.identity.chmod(0o600)
        (self.folder / "authorized").write_bytes(key.export_public_key())
        ready = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._main(ready)), daemon=True)
        thread.start()
        assert ready.wait(20)
        return thread

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._done.set)

    async def _main(self, ready: threading.Event) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncssh.create_server(
            asyncssh.SSHServer,
            "127.0.0.1",
            0,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            authorized_client_keys=str(self.folder / "authorized"),
            process_factory=self._answer,
            encoding=None,
        )
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._done.wait()
        server.close()
        await server.wait_closed()

    async def _answer(self, process: Any) -> None:
        command = process.command or ""
        self.commands.append(command)
        stdin = await process.stdin.read()
        done = await asyncio.get_running_loop().run_in_executor(None, self.run, command, stdin)
        process.stdout.write(done.stdout)
        process.stderr.write(done.stderr)
        process.exit(done.returncode)


def leftovers(camera: FakeCamera) -> list[str]:
    """What lies in the camera's /tmp."""
    return [p.name for p in (camera.folder / "tmp").iterdir()]
