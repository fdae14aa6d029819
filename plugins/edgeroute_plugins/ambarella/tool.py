"""Where the toolchain comes from; each chip has an environment script of its own."""

from __future__ import annotations

from edgeroute.types import Tool

EXECUTABLES = ("cavalry_gen", "onnxparser.py", "gen_image_list.py", "vas", "tfparser.py")
"""The first one is what a search on PATH looks for."""


def _tool(chip: str) -> Tool:
    variable = f"EDGEROUTE_AMBARELLA_{chip.upper()}"
    return Tool(
        name=f"ambarella-{chip}",
        executables=EXECUTABLES[:1],
        variable=variable,
        remedy="it is not public: ask Axis or Ambarella for CNNGen (Developer Zone, partner licence); then "
        f"export {variable}=/…/amba-cv-tools/env/{chip}.env (its environment script, or docker:IMAGE, or a command prefix)",
    )


TOOLS = {chip: _tool(chip) for chip in ("cv25", "cv75")}
