"""Files tried on a camera that is an ssh server of the test's own, by the system's ssh."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeroute import sidecar
from edgeroute.device.request import device_test
from edgeroute.device.ssh import Camera
from edgeroute.device.trial import DeviceReport
from edgeroute.errors import EnvironmentFailed, UsageError
from edgeroute.workshop import Workshop
from tests.core.device.camera import FakeCamera, leftovers
from tests.plugins import bench
from tests.plugins.devices.cases_tflite import sound


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeCamera]:
    camera = FakeCamera(tmp_path_factory.mktemp("camera"))
    thread = camera.serve()
    yield camera
    camera.stop()
    thread.join(20)


@pytest.fixture
def camera(server: FakeCamera) -> FakeCamera:
    server.environ.clear()
    server.commands.clear()
    server.full = False
    return server


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return bench.workshop(tmp_path / "home")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "net.artpec8.tflite"
    file.write_bytes(sound())
    return file


def tried(camera: FakeCamera, shop: Workshop, model: Path, mood: str = "", **more: object) -> DeviceReport:
    camera.environ["LAROD_STANDIN"] = mood
    asked = {"target": "artpec8", "rounds": 20, **camera.where, **more}
    return device_test(model, workshop=shop, **asked)  # type: ignore[arg-type]


def test_a_file_is_copied_loaded_timed_and_removed(camera: FakeCamera, shop: Workshop, model: Path) -> None:
    report = tried(camera, shop, model)
    assert (report.ok, report.loaded, report.mean_ms, report.soc) == (True, True, 5.6, "Axis Artpec-8")
    assert report.device == "axis-a8-dlpu-tflite" and report.device in report.devices
    assert any("larod-client -R 20 -w 5 -p -c axis-a8-dlpu-tflite -g /tmp/edgeroute." in c for c in camera.commands)
    assert leftovers(camera) == [] and not report.findings


def test_the_sidecar_says_what_the_file_is_for(camera: FakeCamera, shop: Workshop, model: Path) -> None:
    told = {"schema": sidecar.SCHEMA, "file": model.name, "target": "artpec7", "device": "google-edge-tpu-tflite"}
    sidecar.place_of(model).write_text(json.dumps(told))
    report = tried(camera, shop, model, target="")
    assert (report.target, report.device) == ("artpec7", "google-edge-tpu-tflite")
    assert [f.code for f in report.findings] == ["device-other-chip"]


def test_without_target_and_sidecar_nothing_is_guessed(camera: FakeCamera, shop: Workshop, model: Path) -> None:
    with pytest.raises(UsageError) as caught:
        tried(camera, shop, model, target="")
    assert caught.value.code == "target-unknown" and camera.commands == []


FAILURES = {
    "partitions": "A8-001",
    "closed": "larod-connection-closed",
    "tensors": "larod-allocate",
    "custom": "larod-custom-operator",
    "new": "larod-error",
    "silent": "larod-failed",
}


@pytest.mark.parametrize("mood", FAILURES)
def test_a_file_that_the_camera_refuses_is_told_with_a_remedy(camera: FakeCamera, shop: Workshop, model: Path, mood: str) -> None:
    report = tried(camera, shop, model, mood)
    assert not report.ok and not report.loaded and report.mean_ms is None
    assert [f.code for f in report.findings] == [FAILURES[mood]] and report.findings[0].remedy
    assert leftovers(camera) == []


def test_a_fallback_to_the_cpu_is_a_tip(camera: FakeCamera, shop: Workshop, model: Path) -> None:
    report = tried(camera, shop, model, "fallback")
    assert report.ok and [f.code for f in report.findings] == ["A8-011"]


def test_a_file_that_runs_untimed_is_not_called_fast(camera: FakeCamera, shop: Workshop, model: Path) -> None:
    report = tried(camera, shop, model, "untimed")
    assert report.ok and report.mean_ms is None and [f.code for f in report.findings] == ["larod-untimed"]


def test_a_camera_without_the_device_is_told_before_anything_is_copied(camera: FakeCamera, shop: Workshop, model: Path) -> None:
    report = tried(camera, shop, model, "no-tpu", target="artpec7")
    assert not report.ok and {f.code for f in report.findings} >= {"A7-002"}
    assert not any("mktemp" in c for c in camera.commands)


def test_a_camera_that_hangs_ends_at_the_time_limit(camera: FakeCamera, shop: Workshop, model: Path) -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        tried(camera, shop, model, "slow", seconds=1.0)
    assert caught.value.code == "device-timeout"


def test_a_file_that_does_not_arrive_whole_is_told(camera: FakeCamera, shop: Workshop, model: Path) -> None:
    camera.full = True
    with pytest.raises(EnvironmentFailed) as caught:
        tried(camera, shop, model)
    assert caught.value.code == "device-copy" and leftovers(camera) == []


def test_a_key_that_the_camera_does_not_know_is_told(camera: FakeCamera, shop: Workshop, model: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        tried(camera, shop, model, identity=tmp_path / "none", ssh_options=(*camera.options, "PubkeyAuthentication=no"))
    assert caught.value.code == "device-unreachable" and "ssh-copy-id" in caught.value.remedy


def test_a_camera_that_is_not_there_is_told(shop: Workshop, model: Path) -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        device_test(model, "root@127.0.0.1", target="artpec8", port=1, workshop=shop)
    assert caught.value.code == "device-unreachable" and "SSH" in caught.value.remedy


@pytest.mark.parametrize("host", ["", "-oProxyCommand=touch /tmp/x", "root@-h", "a b", "root@host;rm", "$(id)@host"])
def test_a_host_is_a_host_and_nothing_else(host: str) -> None:
    with pytest.raises(UsageError):
        Camera(host)


@pytest.mark.parametrize("host", ["camera", "root@192.168.0.90", "root@[fe80::1%eth0]", "axis-b8a44f03c31d.local", "me@camera-1"])
def test_hosts_are_taken_as_ssh_takes_them(host: str) -> None:
    assert Camera(host).host == host
