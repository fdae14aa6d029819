"""A file on a camera: copied, loaded, timed, removed again."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgeroute.device import larod
from edgeroute.device.ssh import Camera, Said
from edgeroute.errors import EnvironmentFailed
from edgeroute.progress import Progress, silent
from edgeroute.types import Finding, Severity, Target

SOON = 60.0
LOG_LINES = 60


@dataclass(frozen=True)
class DeviceReport:
    """What a camera did with a file."""

    ok: bool
    """It loaded and ran, and no finding is an error."""
    file: str
    target: str
    device: str
    """larod's name of it."""
    soc: str
    """As the camera names its chip; empty where it does not say."""
    devices: tuple[str, ...]
    """All that larod on this camera offers."""
    loaded: bool
    load_seconds: float
    """Of the first load and run, compilation on the camera included."""
    mean_ms: float | None
    """One inference, over `rounds`."""
    rounds: int
    commands: tuple[str, ...]
    """What was run on the camera."""
    findings: tuple[Finding, ...]
    log: str
    """The end of what larod-client and its service said."""


@dataclass(frozen=True)
class Trial:
    """What is to be tried, and how long that may take."""

    file: Path
    target: Target
    device: str
    rounds: int = 1000
    seconds: float = 900.0


def try_on(camera: Camera, trial: Trial, progress: Progress = silent) -> DeviceReport:
    """Copy the file, load it once, time it. Raises EnvironmentFailed where the camera cannot be reached; what larod says becomes findings."""
    soc = _soc(camera)
    listed = camera.run("larod-client -a", seconds=SOON)
    devices = larod.devices(listed.text)
    early = [*_of_listing(listed), *_of_device(trial, devices), *_of_soc(trial, soc)]
    if any(f.severity == Severity.ERROR for f in early):
        return _report(trial, soc, devices, early, listed.text)
    with _folder(camera) as folder:
        progress(f"copying {trial.file.name} to the camera", None)
        remote = f"{folder}/model{trial.file.suffix}"
        _copy(camera, trial, remote)
        progress("loading it; a first load may take minutes", None)
        return _run(camera, trial, folder, remote, soc, devices, early)


def _run(camera: Camera, trial: Trial, folder: str, remote: str, soc: str, devices: tuple[str, ...], early: list[Finding]) -> DeviceReport:
    since = camera.run("date +%s", seconds=SOON).text.strip()
    load, timed = (_command(trial, name, remote) for name in ("test", "benchmark"))
    started = time.monotonic()
    said = camera.run(f"cd {folder} && {load}", seconds=trial.seconds)
    took = time.monotonic() - started
    text, ran = said.text, [load]
    mean: float | None = None
    if said.ok:
        again = camera.run(f"cd {folder} && {timed}", seconds=trial.seconds)
        text, mean, ran = text + again.text, larod.mean_milliseconds(again.text), [load, timed]
    service = _journal(camera, since)
    found = [*early, *larod.findings(f"{text}\n{service}")]
    loaded = said.ok and not larod.ERROR.search(said.text)
    if not loaded and not any(f.severity == Severity.ERROR for f in found):
        found.append(_silent(said))
    if loaded and mean is None:
        found.append(_untimed())
    return _report(trial, soc, devices, found, f"{text}\n{service}", ran, loaded=loaded, took=took, mean=mean)


def _report(
    trial: Trial, soc: str, devices: tuple[str, ...], found: list[Finding], text: str, ran: Sequence[str] = (), *, loaded: bool = False,
    took: float = 0.0, mean: float | None = None,
) -> DeviceReport:  # fmt: skip
    findings = tuple(sorted(dict.fromkeys(found), key=lambda f: (f.severity.rank, -f.cost, f.code)))
    ok = loaded and all(f.severity != Severity.ERROR for f in findings)
    log = "\n".join(line for line in text.splitlines() if line.strip()).splitlines()[-LOG_LINES:]
    return DeviceReport(
        ok, trial.file.name, trial.target.name, trial.device, soc, devices, loaded, round(took, 2), mean, trial.rounds, tuple(ran), findings, "\n".join(log)
    )  # fmt: skip


def _command(trial: Trial, name: str, remote: str) -> str:
    """The target's own command, with this file, device and number of rounds."""
    text = str(trial.target.details[name]).format(file=shlex.quote(remote), device=shlex.quote(trial.device))
    return re.sub(r"-R \d+", f"-R {trial.rounds}", text)


def _soc(camera: Camera) -> str:
    """`root.Properties.System.Soc=Axis Artpec-8`; empty where the camera has no such command."""
    said = camera.run("parhandclient getgroup root.Properties.System.Soc", seconds=SOON)
    match = re.search(r"Soc\s*=\s*[\"']?([^\"'\n]+)", said.text) if said.ok else None
    return match[1].strip() if match else ""


def _of_listing(listed: Said) -> list[Finding]:
    found = larod.findings(listed.text)
    if listed.code == 127 and not found:
        found = larod.findings("larod-client: not found")
    return found


def _of_device(trial: Trial, devices: tuple[str, ...]) -> list[Finding]:
    if not devices or trial.device in devices:
        return []
    code = "A7-002" if trial.device == "google-edge-tpu-tflite" else "larod-no-device"
    return [
        Finding(
            code,
            Severity.ERROR,
            f"this camera has no device {trial.device}; it has {', '.join(devices)}",
            "convert for the chip that it has (`edgeroute list targets` names the devices), or name another device: --device NAME",
            "camera",
            1.0,
        )
    ]


def _of_soc(trial: Trial, soc: str) -> list[Finding]:
    wanted = str(trial.target.details.get("soc", ""))
    if not soc or not wanted or soc.lower() == wanted.lower():
        return []
    return [
        Finding(
            "device-other-chip", Severity.WARNING, f"the camera's chip is {soc}; {trial.target.name} is {wanted}",
            "convert for the camera's own chip: `edgeroute list targets`", "camera", 0.5,
        )
    ]  # fmt: skip


@contextmanager
def _folder(camera: Camera) -> Iterator[str]:
    """A folder of its own on the camera, removed with all that was written into it."""
    made = camera.run("mktemp -d /tmp/edgeroute.XXXXXX", seconds=SOON)
    folder = made.text.strip().splitlines()[-1] if made.text.strip() else ""
    if not made.ok or not re.fullmatch(r"/tmp/edgeroute\.\w+", folder):
        raise EnvironmentFailed(
            f"the camera gave no folder to work in: {made.text.strip()[:200]}",
            where=camera.host,
            remedy="free space in the camera's /tmp, and check that the account has a shell",
            code="device-no-room",
        )
    try:
        yield folder
    finally:
        camera.run(f"rm -rf {folder}", seconds=SOON)


def _copy(camera: Camera, trial: Trial, remote: str) -> None:
    """Through the shell, since cameras need not have scp or sftp; the size is compared afterwards."""
    size = trial.file.stat().st_size
    sent = camera.run(f"cat > {remote} && wc -c < {remote}", seconds=trial.seconds, stdin=trial.file)
    if not sent.ok or sent.text.strip() != str(size):
        raise EnvironmentFailed(
            f"{trial.file.name} did not arrive whole: {sent.text.strip()[:200]}",
            where=camera.host,
            remedy="free space in the camera's /tmp (df /tmp), and try again",
            code="device-copy",
        )


def _journal(camera: Camera, since: str) -> str:
    """What larod's service logged meanwhile; empty where the account may not read it."""
    if not since.isdigit():
        return ""
    said = camera.run(f"journalctl -u larod --no-pager -o cat --since @{since} 2>/dev/null | tail -n 100", seconds=SOON)
    return said.text if said.ok else ""


def _silent(said: Said) -> Finding:
    return Finding(
        "larod-failed", Severity.ERROR, f"larod-client ended with code {said.code} and said nothing of why", "run its command by hand on the camera", "camera", 1.0
    )  # fmt: skip


def _untimed() -> Finding:
    return Finding(
        "larod-untimed", Severity.WARNING, "the file runs, but larod-client printed no execution time", "run its command by hand on the camera", "camera", 0.2
    )  # fmt: skip
