"""Where operators run: the Edge TPU's one part, ARTPEC-8's partitions, ARTPEC-9's predicates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from edgeroute.types import Json, Severity
from tests.plugins.devices.builder import Net, S
from tests.plugins.devices.cases_artpec7 import compiled
from tests.plugins.devices.cases_artpec89 import alternating, first
from tests.plugins.devices.cases_tflite import custom, floating, island, sound, start, then
from tests.plugins.devices.holding import Held, codes, only, report


def placed(data: bytes, target: str, folder: Path) -> Json:
    return report(Held(data, target), folder).placement


def names(placement: Json, place: str) -> list[str]:
    return [o["name"] for o in placement["operators"] if o["place"] == place]


def test_edge_tpu_takes_everything_it_knows(tmp_path: Path) -> None:
    placement = placed(sound(), "artpec7", tmp_path)
    assert placement["counts"] == {"accelerator": 3, "cpu": 0, "refused": 0}
    assert placement["cut"]["index"] is None and placement["share"] == 1.0


def test_what_depends_on_the_cut_is_lost_and_what_does_not_is_kept(tmp_path: Path) -> None:
    """As MoveNet compiles: a second head that comes later in the file, but does not depend on the cut, is in the part."""
    net, x = start()
    trunk = net.conv(x, 16)
    lost = net.conv(net.plain("HARD_SWISH", trunk), 16)
    kept = net.conv(trunk, 16)
    placement = placed(net.build(lost, kept), "artpec7", tmp_path)
    assert names(placement, "cpu") == ["HARD_SWISH", "CONV_2D"]
    assert placement["cut"] == {"index": 2, "operator": "HARD_SWISH", "mapped": 3, "in_front": 0, "left": 2}
    assert [r["code"] for r in placement["operators"][3]["reasons"]] == ["A7-005"]


def test_what_comes_before_the_first_mapped_operator_stays_in_front(tmp_path: Path) -> None:
    net = Net()
    x = net.plain("CAST", net.input(scale=0.0), dtype="float32")
    net.conv(net.plain("QUANTIZE", x, dtype="int8", scale=S), 16)
    answer = report(Held(net.build(), "artpec7"), tmp_path)
    assert answer.placement["cut"] == {"index": None, "operator": "", "mapped": 1, "in_front": 2, "left": 0}
    assert "A7-005" not in codes(answer)


def test_an_unmapped_operator_is_told_with_what_maps_in_its_place(tmp_path: Path) -> None:
    net, x = start()
    net.plain("FLOOR_MOD", net.plain("HARD_SWISH", net.conv(x, 16)))
    found = {f.where: f.remedy for f in report(Held(net.build(), "artpec7"), tmp_path).findings if f.code == "A7-018"}
    assert found["HARD_SWISH#2"] == "Use RELU6 and MUL in place of HARD_SWISH." and "FLOOR_MOD#3" in found


def test_a_split_into_one_part_is_no_split(tmp_path: Path) -> None:
    """As in Google's traffic model, which the compiler maps."""
    placement = placed(split((0,), 1), "artpec7", tmp_path)
    assert placement["cut"]["left"] == 0


def test_losing_nearly_all_macs_is_an_error(tmp_path: Path) -> None:
    net, x = start()
    net.conv(net.plain("HARD_SWISH", net.conv(x, 1, (1, 1))), 64, (5, 5))
    assert only(report(Held(net.build(), "artpec7"), tmp_path), "A7-005").severity == Severity.ERROR


def test_a_float_island_behind_the_edge_tpu_part_is_a_warning(tmp_path: Path) -> None:
    """As in MoveNet, which Google compiled and ships."""

    def behind(net: Net, x: int) -> None:
        island(net, net.plain("HARD_SWISH", x))

    assert only(report(Held(then(behind), "artpec7"), tmp_path), "TFL-008").severity == Severity.WARNING
    assert only(report(Held(then(behind), "artpec8"), tmp_path), "TFL-008").severity == Severity.ERROR


@pytest.mark.parametrize(("times", "optimistic", "severity"), [(7, 15, None), (8, 17, Severity.ERROR)])
def test_partitions_are_runs_of_device_and_cpu(times: int, optimistic: int, severity: Severity | None, tmp_path: Path) -> None:
    answer = report(Held(alternating(times), "artpec8"), tmp_path)
    assert answer.placement["partitions"] == {"optimistic": optimistic, "pessimistic": optimistic, "limit": 16}
    assert [f.severity for f in answer.findings if f.code == "A8-001"] == ([severity] if severity else [])


def test_doubts_alone_are_a_warning(tmp_path: Path) -> None:
    """SUB is in VeriSilicon's table and not in Axis': pessimistically it runs on the CPU."""

    def grow(net: Net, x: int) -> None:
        for _ in range(8):
            x = net.conv(net.plain("SUB", x, x), 16)

    answer = report(Held(then(grow), "artpec8"), tmp_path)
    assert answer.placement["partitions"] == {"optimistic": 1, "pessimistic": 17, "limit": 16}
    assert only(answer, "A8-001").severity == Severity.WARNING


def test_artpec9_runs_what_breaks_a_predicate_on_the_cpu(tmp_path: Path) -> None:
    placement = placed(first(kernel=(6, 6)), "artpec9", tmp_path)
    assert names(placement, "cpu") == ["CONV_2D"] and placement["operators"][1]["reasons"] == [
        {"code": "A9-014", "what": "its kernel is 6x6"}
    ]
    assert 0 < placement["share"] < 1


def test_macs_add_up(tmp_path: Path) -> None:
    macs = placed(first(kernel=(6, 6)), "artpec9", tmp_path)["macs"]
    assert macs["accelerator"] + macs["cpu"] + macs["refused"] == macs["total"] == 8 * 8 * 48 * (36 * 3 + 9 * 48)


def test_on_the_cpu_only_what_tflite_does_not_know_is_refused(tmp_path: Path) -> None:
    assert placed(custom("Mystery"), "cpu", tmp_path)["counts"] == {"accelerator": 0, "cpu": 2, "refused": 1}
    assert placed(floating(), "cpu", tmp_path)["counts"]["cpu"] == 1


def test_the_gpu_takes_integers(tmp_path: Path) -> None:
    placement = placed(sound(), "artpec7-gpu", tmp_path)
    assert placement["counts"]["accelerator"] == 3 and placement["operators"][0]["certainty"] == "unverified"


def test_a_compiled_file_shows_what_stayed_behind(tmp_path: Path) -> None:
    answer = report(Held(compiled(left=True), "artpec7", format="tflite-edgetpu"), tmp_path)
    assert "A7-023" in codes(answer), "no part at all"
    assert "A7-001" in codes(answer)


def test_a_compiled_file_is_for_the_edge_tpu_only(tmp_path: Path) -> None:
    from tests.plugins.devices.builder import package

    assert "A7-001" in codes(report(Held(compiled(package()), "artpec8", format="tflite-edgetpu"), tmp_path))


def test_on_its_way_to_the_compiler_a_file_may_be_uncompiled(tmp_path: Path) -> None:
    assert "A7-001" not in codes(report(Held(sound(), "artpec7", {"phase": "before-compile"}), tmp_path))


def pool(size: Sequence[int], kernel: int, stride: int, padding: str) -> bytes:
    net = Net()
    x = net.input((1, *size, 16), "int8", S)
    options = {"filter_height": kernel, "filter_width": kernel, "stride_h": stride, "stride_w": stride, "padding": padding}
    net.plain("MAX_POOL_2D", x, shape=(1, *(-(-d // stride) for d in size), 16), **options)
    return net.build()


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "fits"),
    [
        ((8, 8), 2, 2, "SAME", True),
        ((9, 9), 2, 2, "SAME", True),
        ((8, 9), 2, 2, "SAME", False),
        ((9, 9), 2, 2, "VALID", False),
        ((8, 8), 3, 2, "SAME", True),
        ((8, 500), 3, 2, "SAME", False),
        ((20, 20), 17, 1, "SAME", True),
        ((20, 20), 17, 1, "VALID", False),
        ((20, 20), 9, 1, "VALID", True),
        ((8, 8), 2, 3, "SAME", False),
        ((1, 8), 2, 2, "VALID", False),
    ],
)
def test_max_pools_of_artpec9(size: tuple[int, int], kernel: int, stride: int, padding: str, fits: bool, tmp_path: Path) -> None:
    assert bool(placed(pool(size, kernel, stride, padding), "artpec9", tmp_path)["counts"]["accelerator"]) == fits


def test_the_contradictory_pool_is_a_tip_that_names_both_readings(tmp_path: Path) -> None:
    found = only(report(Held(pool((8, 8), 3, 2, "SAME"), "artpec9"), tmp_path), "A9-014")
    assert found.severity == Severity.TIP and "the opposite" in found.remedy


def elementwise(
    name: str, constant: Sequence[int] | None, *, zero: int = 0, scale: float = S, other: Sequence[int] = (1, 8, 8, 16)
) -> bytes:
    net = Net()
    x = net.input((1, 8, 8, 16), "int8", S)
    y = net.input(other, "int8", S) if constant is None else net.constant(constant, fill=20)
    net.plain(name, x, y, scale=scale, zero=zero)
    return net.build()


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        (elementwise("ADD", None), True),
        (elementwise("ADD", None, other=(1, 1, 1, 16)), False),
        (elementwise("ADD", (1, 1, 1, 16)), True),
        (elementwise("ADD", (16,)), True),
        (elementwise("ADD", (1, 8, 8, 16)), False),
        (elementwise("ADD", (1, 1, 1, 1), zero=-20), True),
        (elementwise("ADD", (1, 1, 1, 1), zero=0), False),
        (elementwise("MUL", None), False),
        (elementwise("MUL", (1, 1, 1, 16)), True),
        (elementwise("MUL", (1, 1, 1, 1)), True),
        (elementwise("MUL", (1, 1, 1, 1), scale=2 * S), False),
        (elementwise("MUL", ()), False),
    ],
)
def test_additions_and_products_of_artpec9(data: bytes, fits: bool, tmp_path: Path) -> None:
    assert bool(placed(data, "artpec9", tmp_path)["counts"]["accelerator"]) == fits


def one(
    name: str, shape: Sequence[int], out: Sequence[int], *operands: Sequence[int], scale: float = S, first: bool = False, **options: object
) -> bytes:
    """One operator on an int8 input; further operands are int32 constants, before the data where `first`."""
    net = Net()
    x = net.input(shape, "int8", S)
    constants = [net.numbers(v, shape=(4, 2) if name == "PAD" else None) for v in operands]
    y = net.tensor(out, "int8", scale)
    net.op(name, [*constants, x] if first else [x, *constants], [y], **options)
    return net.build(y)


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        (one("MEAN", (1, 7, 7, 16), (1, 1, 1, 16), (1, 2), keep_dims=True), True),
        (one("MEAN", (1, 7, 7, 16), (1, 16), (1, 2), keep_dims=False), False),
        (one("MEAN", (1, 9, 9, 16), (1, 1, 1, 16), (1, 2), keep_dims=True), False),
        (one("MEAN", (1, 7, 7, 16), (1, 1, 7, 16), (1,), keep_dims=True), False),
        (one("PAD", (1, 8, 8, 16), (1, 15, 8, 16), (0, 0, 7, 0, 0, 0, 0, 0)), True),
        (one("PAD", (1, 8, 8, 16), (1, 16, 8, 16), (0, 0, 8, 0, 0, 0, 0, 0)), False),
        (one("PAD", (1, 8, 8, 16), (1, 8, 8, 17), (0, 0, 0, 0, 0, 0, 0, 1)), False),
        (one("PAD", (1, 8, 8, 16), (1, 9, 8, 16), (0, 0, 1, 0, 0, 0, 0, 0), scale=2 * S), False),
        (one("QUANTIZE", (1, 8, 8, 16), (1, 8, 8, 16), scale=S / 127), True),
        (one("QUANTIZE", (1, 8, 8, 16), (1, 8, 8, 16), scale=S / 129), False),
        (one("RESIZE_BILINEAR", (1, 8, 8, 16), (1, 16, 16, 16), (16, 16)), True),
        (one("RESIZE_BILINEAR", (1, 8, 8, 16), (1, 15, 16, 16), (15, 16)), True),
        (one("RESIZE_BILINEAR", (1, 8, 8, 16), (1, 24, 24, 16), (24, 24)), False),
        (one("DEPTH_TO_SPACE", (1, 8, 8, 16), (1, 16, 16, 4), block_size=2), True),
        (one("DEPTH_TO_SPACE", (1, 8, 8, 16), (1, 32, 32, 1), block_size=4), False),
        (one("TRANSPOSE", (1, 8, 4, 16), (1, 4, 8, 16), (0, 2, 1, 3)), True),
        (one("TRANSPOSE", (1, 8, 4, 16), (8, 1, 4, 16), (1, 0, 2, 3)), False),
        (one("LEAKY_RELU", (1, 8, 8, 16), (1, 8, 8, 16), alpha=0.1), True),
        (one("LEAKY_RELU", (1, 8, 8, 16), (1, 8, 8, 16), alpha=1.5), False),
        (one("TANH", (1, 8, 8, 16), (1, 8, 8, 16), scale=1 / 128), True),
        (one("TANH", (1, 8, 8, 16), (1, 8, 8, 16), scale=1 / 64), False),
        (one("SPLIT", (1, 8, 8, 32), (1, 8, 8, 16), (3,), first=True, num_splits=2), True),
        (one("SPLIT", (1, 8, 8, 16), (1, 8, 8, 8), (3,), first=True, num_splits=2), False),
        (
            one("AVERAGE_POOL_2D", (1, 8, 8, 16), (1, 8, 8, 16), filter_height=3, filter_width=3, stride_h=1, stride_w=1, padding="SAME"),
            True,
        ),
        (
            one("AVERAGE_POOL_2D", (1, 7, 7, 16), (1, 1, 1, 16), filter_height=7, filter_width=7, stride_h=1, stride_w=1, padding="VALID"),
            True,
        ),
        (
            one("AVERAGE_POOL_2D", (1, 8, 8, 16), (1, 4, 4, 16), filter_height=2, filter_width=2, stride_h=2, stride_w=2, padding="VALID"),
            False,
        ),
    ],
)
def test_predicates_of_artpec9(data: bytes, fits: bool, tmp_path: Path) -> None:
    assert bool(placed(data, "artpec9", tmp_path)["counts"]["accelerator"]) == fits


def split(axis: Sequence[int], parts: int) -> bytes:
    net, x = start()
    trunk = net.conv(x, 16)
    net.plain("SPLIT", net.numbers(axis), trunk, shape=(1, 8, 8, 16), dtype="int8", num_splits=parts)
    return net.build()


def convolved(**more: object) -> bytes:
    net = Net()
    net.conv(net.input((1, 16, 16, 16), "int8", S), 16, **more)  # type: ignore[arg-type]
    return net.build()


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        (convolved(kernel=(3, 1)), True),
        (convolved(kernel=(9, 9)), True),
        (convolved(kernel=(9, 9), stride=2), False),
        (convolved(kernel=(4, 4)), False),
        (convolved(stride=(1, 2)), False),
        (convolved(stride=3), False),
        (convolved(weight_scale=[S] * 16), True),
        (convolved(weight_scale=1e6, scale=1e-6), False),
        (convolved(bias_scale=1.01 * S * S), False),
        (convolved(depthwise=True), True),
        (convolved(depthwise=True, kernel=(1, 1), stride=2), False),
        (convolved(depthwise=True, weight_scale=[S] * 16), True),
    ],
)
def test_convolutions_of_artpec9(data: bytes, fits: bool, tmp_path: Path) -> None:
    assert bool(placed(data, "artpec9", tmp_path)["counts"]["accelerator"]) == fits


def ssd() -> bytes:
    """Boxes and classes of a picture, and TensorFlow's post-processing with quantized anchors and float outputs."""
    net = Net()
    x = net.conv(net.input(scale=1 / 128, zero=128), 16)
    boxes = net.plain("RESHAPE", x, net.numbers([1, 256, 4]), shape=(1, 256, 4))
    scores = net.plain("RESHAPE", x, net.numbers([1, 64, 16]), shape=(1, 64, 16))
    outputs = [net.tensor(shape, "float32") for shape in ((1, 10, 4), (1, 10), (1, 10), (1,))]
    net.op("CUSTOM", [boxes, scores, net.constant((256, 4), "uint8")], outputs, custom="TFLite_Detection_PostProcess")
    return net.build(*outputs)


@pytest.mark.parametrize("target", ["artpec8", "artpec9", "cpu"])
def test_ssd_with_its_post_processing_loads_as_axis_ships_it(target: str, tmp_path: Path) -> None:
    answer = report(Held(ssd(), target, format="tflite-mixed"), tmp_path)
    assert answer.ok and names(answer.placement, "cpu")[-1:] == ["TFLite_Detection_PostProcess"]


def test_ssd_before_the_compiler_keeps_all_but_its_post_processing(tmp_path: Path) -> None:
    answer = report(Held(ssd(), "artpec7", {"phase": "before-compile"}), tmp_path)
    assert answer.ok and answer.placement["cut"]["left"] == 1
