"""What larod-client prints, as values and as findings with a remedy. Messages were read in public reports of Axis' users."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeroute.types import Finding, Severity

MEAN = re.compile(r"Mean execution time for job:(.*)$", re.MULTILINE)
ERROR = re.compile(r"ERROR: (.*)$", re.MULTILINE)
DEVICE = re.compile(r"\b((?:[a-z0-9]+-)+(?:tflite|native|cvflow|proc|libyuv|armnn)|cpu-tflite|cpu-proc|ambarella-cvflow)\b")


@dataclass(frozen=True)
class Message:
    """A known message, and what to tell the user; groups of the pattern fill {0}, {1}, …"""

    pattern: str
    code: str
    severity: Severity
    text: str
    remedy: str


MESSAGES = (
    Message(
        r"too many graph partitions \((\d+) > (\d+)\)",
        "A8-001",
        Severity.ERROR,
        "the model has {0} graph partitions, the device takes {1}",
        "`edgeroute check FILE --to artpec8` names the operators that leave the DLPU: replace them, or cut the model before them",
    ),
    Message(
        r"Asynchronous connection has been closed",
        "larod-connection-closed",
        Severity.ERROR,
        "larod's service ended while it loaded the model: out of memory, or a crash in the device's driver",
        "`edgeroute check` the file; restart the camera and try again; take a smaller input or model; look at `journalctl -u larod` on the camera",
    ),
    Message(
        r"[Cc]ould not allocate tensors",
        "larod-allocate",
        Severity.ERROR,
        "the camera's TFLite could not allocate the tensors",
        "`edgeroute check FILE --to cpu` runs the file here; an operator version may be too new for the firmware (--runtime tflite=VERSION), or memory too small",
    ),
    Message(
        r"Failed model format type check",
        "larod-format",
        Severity.ERROR,
        "this device takes another kind of file",
        "convert for the chip that the camera has; firmware before AXIS OS 10.7 wants the deprecated .larod container",
    ),
    Message(
        r"unresolved custom op: *([\w-]+)",
        "larod-custom-operator",
        Severity.ERROR,
        "the device does not know the operator {0}",
        "edgetpu-custom-op runs on google-edge-tpu-tflite only; cut other custom operators off (`edgeroute list converters`: cut)",
    ),
    Message(
        r"Fallback unsupported op (\d+) to TfLite",
        "A8-011",
        Severity.TIP,
        "operator {0} of the model runs on the CPU",
        "32 is a custom operator, most often detection post-processing at the end: let the application do that",
    ),
    Message(
        r"(?i)(?:out of memory|cannot allocate memory|oom-kill)",
        "larod-memory",
        Severity.ERROR,
        "the camera ran out of memory",
        "stop other applications on the camera, or take a smaller model or input",
    ),
    Message(
        r"(?i)permission denied.*larod|larod.*(?:access denied|permission denied|not authorized)",
        "larod-permission",
        Severity.ERROR,
        "this account may not use larod",
        "use an account in the group that larod serves (root, or a developer account of the group video)",
    ),
    Message(
        r"larod-client: (?:command )?not found",
        "larod-missing",
        Severity.ERROR,
        "the camera has no larod-client",
        "a camera with ARTPEC-7 or newer and AXIS OS 10 or later has it; check that the host is the camera",
    ),
)


def mean_milliseconds(text: str) -> float | None:
    """The time of one inference; the last number on its line, as Axis' own scripts read it."""
    numbers = [n for line in MEAN.findall(text) for n in re.findall(r"\d+(?:\.\d+)?", line)]
    return float(numbers[-1]) if numbers else None


def devices(text: str) -> tuple[str, ...]:
    """The devices that `larod-client -a` lists."""
    return tuple(dict.fromkeys(DEVICE.findall(text)))


def findings(text: str) -> list[Finding]:
    """Every known message in a text, once; an unknown error in its own words."""
    found = [_finding(m, match) for m in MESSAGES for match in [re.search(m.pattern, text)] if match]
    unknown = ERROR.findall(text)
    if unknown and not any(f.severity == Severity.ERROR for f in found):
        found.append(
            Finding(
                "larod-error",
                Severity.ERROR,
                f"larod-client says: {unknown[-1].strip()[:300]}",
                "`edgeroute check` the file; `journalctl -u larod` on the camera may say more",
                cost=1.0,
            )
        )
    return found


def _finding(message: Message, match: re.Match[str]) -> Finding:
    groups = [g or "" for g in match.groups()]
    cost = 1.0 if message.severity == Severity.ERROR else 0.1
    return Finding(message.code, message.severity, message.text.format(*groups), message.remedy.format(*groups), "camera", cost)
