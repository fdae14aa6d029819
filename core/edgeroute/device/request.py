"""`edgeroute device test` as a function: which file, which camera, which of larod's devices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeroute import sidecar
from edgeroute.device.ssh import Camera
from edgeroute.device.trial import DeviceReport, Trial, try_on
from edgeroute.errors import UsageError
from edgeroute.recognize import recognize
from edgeroute.workshop import Workshop, open_workshop


def device_test(
    model: str | Path,
    host: str,
    *,
    target: str = "",
    device: str = "",
    rounds: int = 1000,
    seconds: float = 900.0,
    port: int = 0,
    identity: str | Path | None = None,
    ssh_options: Sequence[str] = (),
    workshop: Workshop | None = None,
) -> DeviceReport:
    """Try a file on a camera over ssh: copied, loaded, timed, removed. Target and larod device come from its sidecar unless they are given.

    Raises UsageError where nothing says which device is meant, EnvironmentFailed where the camera cannot be reached.
    """
    shop = workshop or open_workshop()
    artifact = recognize(Path(model), shop.plugins, shop.catalog)
    told = sidecar.read(artifact.path)
    name = target or str(told.get("target", ""))
    if not name:
        raise UsageError(
            f"nothing says which device {artifact.path.name} was made for",
            remedy="add --target TARGET; a file that edgeroute converts has that in its .deploy.json beside it",
            code="target-unknown",
        )
    found = shop.catalog.target(name)
    if not found.devices:
        raise UsageError(f"{name} is no device that larod serves", remedy="`edgeroute list targets` shows them", code="target-not-larod")
    known = str(told.get("device", "")) if told.get("target") == name else ""
    camera = Camera(host, port, Path(identity) if identity else None, tuple(ssh_options))
    return try_on(camera, Trial(artifact.path, found, device or known or found.devices[0], rounds, seconds), shop.progress)
