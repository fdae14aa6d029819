"""The compiler's words as values, from logs as they were published and from anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeroute.types import Severity
from edgeroute_plugins.edgetpu.log import Row, findings, parse

PUBLISHED = """Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 3438 ms.

Input model: X.tflite
Input size: 7.31MiB
Output model: X_edgetpu.tflite
Output size: 7.52MiB
On-chip memory used for caching model parameters: 6.89MiB
On-chip memory remaining for caching model parameters: 1.00KiB
Off-chip memory used for streaming uncached model parameters: 175.00KiB
Number of Edge TPU subgraphs: 1
Total number of operations: 229
Operation log: X_edgetpu.log

Model successfully compiled but not all operations are supported by the Edge TPU. A percentage of the model will instead run on the CPU.
Number of operations that will run on Edge TPU: 222
Number of operations that will run on CPU: 7

Operator                       Count      Status

CONV_2D                        60         Mapped to Edge TPU
RESIZE_NEAREST_NEIGHBOR        2          Mapped to Edge TPU
TRANSPOSE                      4          Operation is otherwise supported, but not mapped due to some unspecified limitation
CONCATENATION                  2          More than one subgraph is not supported
CONCATENATION                  18         Mapped to Edge TPU
SOFTMAX                        1          Max 16000 elements supported
"""


def test_a_published_log_is_read_whole() -> None:
    log = parse(PUBLISHED)
    assert (log.version, log.milliseconds, log.stuck) == ("16.0.384591198", 3438, False)
    assert log.counts == {"subgraphs": 1, "operators": 229, "on_tpu": 222, "on_cpu": 7}
    assert log.bytes["cached"] == round(6.89 * 2**20) and log.bytes["streamed"] == 175 * 1024 and log.bytes["cache_free"] == 1024
    assert Row("CONCATENATION", 2, "More than one subgraph is not supported") in log.rows and len(log.rows) == 6
    assert log.on_cpu == 7


def test_every_row_that_leaves_the_tpu_becomes_a_finding_with_a_remedy_of_its_own() -> None:
    found = findings(parse(PUBLISHED))
    assert [f.where for f in found] == ["TRANSPOSE", "CONCATENATION", "SOFTMAX"]
    assert {f.severity for f in found} == {Severity.WARNING} and len({f.remedy for f in found}) == 3
    assert "4 TRANSPOSE stay on the CPU" in found[0].message and "1 SOFTMAX stays" in found[2].message
    assert found[0].cost > found[2].cost


def test_a_status_that_nobody_has_seen_counts_as_the_cpu() -> None:
    assert parse("FOO_OP    3    Something new").on_cpu == 3


SEARCH = """Searching for valid delegate with step 10
Try to compile segment with 340 ops
Compilation failed: Compilation failed due to large activation tensors in model.
Compilation child process completed within timeout period.
Compilation failed!
Try to compile segment with 330 ops
Intermediate tensors: Reshape_2,Reshape_4
"""


@pytest.mark.parametrize("text", ["Internal compiler error. Aborting! \n", "…\nInternal compiler error. Aborting!", SEARCH])
def test_a_compiler_that_is_stuck_is_told(text: str) -> None:
    log = parse(text)
    assert log.stuck and log.milliseconds is None


def test_a_search_that_found_an_end_is_a_success() -> None:
    log = parse(SEARCH + PUBLISHED)
    assert not log.stuck and log.milliseconds == 3438


@given(st.text())
def test_any_text_is_read_without_an_exception(text: str) -> None:
    log = parse(text)
    assert all(row.count >= 0 for row in log.rows)
    findings(log)
