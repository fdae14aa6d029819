"""The work behind `rknn-compile`, one function per chip."""

from __future__ import annotations

from pathlib import Path

from edgeroute.types import Facts, NoOptions
from edgeroute_rknn import vendor


def rk3588(source: Path, out: Path, options: NoOptions) -> Facts:
    return _compile(source, out, "rk3588")


def rk3576(source: Path, out: Path, options: NoOptions) -> Facts:
    return _compile(source, out, "rk3576")


def rk3566(source: Path, out: Path, options: NoOptions) -> Facts:
    return _compile(source, out, "rk3566")


def _compile(source: Path, out: Path, chip: str) -> Facts:
    """Build the project that was measured, and write what the chip loads."""
    with vendor.opened(source, chip) as toolkit:
        vendor.must(toolkit.export_rknn(str(out)), "export_rknn")
    return Facts(notes={"chip": chip})
