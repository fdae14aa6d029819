"""`edgeroute device test`: try a file on a camera over ssh."""

from __future__ import annotations

import argparse

from edgeroute.cli import shared
from edgeroute.device.request import device_test
from edgeroute.errors import CheckFailed
from edgeroute.types import Json


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("test",), help="copy the file, load it, time it, remove it again")
    parser.add_argument("file", metavar="FILE", help="a converted file; its .deploy.json is read if it lies beside it")
    parser.add_argument("--host", required=True, metavar="USER@CAMERA", help="as for ssh")
    parser.add_argument(
        "--target", default="", metavar="TARGET", help="the device that the file was made for (default: what its .deploy.json says)"
    )
    parser.add_argument("--device", default="", metavar="NAME", help="larod's name of another device on the camera")
    parser.add_argument("--rounds", type=int, default=1000, metavar="N", help="how many inferences are timed (default 1000)")
    parser.add_argument(
        "--time-limit", type=shared.duration, default=900.0, metavar="SECONDS", help="for loading, and for timing (default 900)"
    )
    group = parser.add_argument_group("connection")
    group.add_argument("--port", type=int, default=0, metavar="N", help="of the camera's ssh server")
    group.add_argument("--identity", metavar="FILE", help="your private key for it")
    group.add_argument("--ssh-option", action="append", default=[], metavar="NAME=VALUE", help="as after `ssh -o` (may be repeated)")


def run(arguments: argparse.Namespace) -> int:
    shop = shared.workshop(arguments)
    report = device_test(
        arguments.file, arguments.host, target=arguments.target, device=arguments.device, rounds=arguments.rounds, seconds=arguments.time_limit,
        port=arguments.port, identity=arguments.identity, ssh_options=arguments.ssh_option, workshop=shop,
    )  # fmt: skip
    if arguments.json:
        shared.emit(report)
    else:
        from edgeroute.report.text import render_findings

        rows: list[tuple[str, Json]] = [
            ("file", report.file), ("target", report.target), ("device", report.device), ("chip", report.soc or "not told"),
            ("loads", "yes" if report.loaded else "no"), ("first load", f"{report.load_seconds:.1f} s"),
            ("one inference", "not timed" if report.mean_ms is None else f"{report.mean_ms:.2f} ms, over {report.rounds}"),
        ]  # fmt: skip
        shared.say(shared.table([(name, str(value)) for name, value in rows], ("on the camera", "")))
        if report.findings:
            shared.say("\n" + render_findings(report.findings, **shared.look()))
    return 0 if report.ok else CheckFailed.exit_code
