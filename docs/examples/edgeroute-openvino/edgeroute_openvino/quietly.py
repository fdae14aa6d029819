"""OpenVINO without its usage data: it would be sent, and a client number be kept in the user's home. A worker does neither."""

from __future__ import annotations

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
"""Importing it now raises ImportError, and OpenVINO and NNCF take the stub that they keep for that."""

import openvino  # noqa: E402

__all__ = ["openvino"]
