"""For every rule of the Edge TPU a file that breaks it and one that keeps it."""

from __future__ import annotations

from collections.abc import Sequence

from tests.plugins.devices.builder import Net, S, edgetpu, package
from tests.plugins.devices.cases_tflite import sound, start, then
from tests.plugins.devices.holding import Held

A7 = "artpec7"


def compiled(*parts: bytes, left: bool = False) -> bytes:
    """What edgetpu_compiler writes: a custom operator per part, and what it left."""
    net = Net()
    x = net.input((1, 8, 8, 3))
    for options in parts:
        x = edgetpu(net, x, (1, 8, 8, 16), options)
    if left:
        net.plain("ARG_MAX", x, net.numbers([3]), shape=(1, 8, 8), dtype="int32")
    return net.build(description="Exported from Subgraph.")


def before(data: bytes) -> Held:
    return Held(data, A7)


def after(data: bytes, **context: object) -> Held:
    return Held(data, A7, context, format="tflite-edgetpu")


def pool(activation: str) -> bytes:
    return then(
        lambda n, x: n.plain(
            "MAX_POOL_2D",
            x,
            shape=(1, 4, 4, 16),
            filter_width=2,
            filter_height=2,
            stride_w=2,
            stride_h=2,
            padding="VALID",
            fused_activation=activation,
        )
    )


def joined(fill: int) -> bytes:
    return then(lambda n, x: n.plain("CONCATENATION", x, n.constant((1, 8, 8, 16), fill=fill), shape=(1, 8, 8, 32), axis=3))


def mean(axes: Sequence[int], shape: Sequence[int], channels: int = 16) -> bytes:
    net, x = start()
    net.plain("MEAN", net.conv(x, channels), net.numbers(axes), shape=shape, keep_dims=True)
    return net.build()


def padding(widths: Sequence[int], shape: Sequence[int]) -> bytes:
    return then(lambda n, x: n.plain("PAD", x, n.numbers(widths, shape=(4, 2)), shape=shape))


def prelu(shape: Sequence[int]) -> bytes:
    return then(lambda n, x: n.plain("PRELU", x, n.constant(shape)))


def softmax(size: int) -> bytes:
    net = Net()
    net.plain("SOFTMAX", net.input((1, size), "int8", S), beta=1.0)
    return net.build()


def sliced(stride: int) -> bytes:
    def grow(n: Net, x: int) -> None:
        bounds = [n.numbers(v) for v in ([0, 0, 0, 0], [1, 8, 8, 16], [1, stride, stride, 1])]
        n.plain("STRIDED_SLICE", x, *bounds, shape=(1, 8 // stride, 8 // stride, 16))

    return then(grow)


def resized(size: int) -> bytes:
    return then(lambda n, x: n.plain("RESIZE_BILINEAR", x, n.numbers([size, size]), shape=(1, size, size, 16)))


def computed_weights(constant: bool) -> bytes:
    def grow(n: Net, x: int) -> None:
        if constant:
            n.conv(x, 16)
            return
        weights = n.plain("RESHAPE", x, n.numbers([16, 1, 4, 16]), shape=(16, 1, 4, 16))
        n.op("CONV_2D", [x, weights, n.constant((16,), "int32", S * S)], [n.tensor((1, 8, 5, 16))], stride_h=1, stride_w=1, padding="VALID")

    return then(grow)


def cut(net: Net, x: int) -> None:
    """HARD_SWISH is not mapped; the convolution behind it goes with it."""
    net.conv(net.plain("HARD_SWISH", x), 16)


def large(side: int) -> bytes:
    net = Net()
    x = net.input((1, side, side, 16), "int8", S)
    net.plain("RESHAPE", x, net.numbers([1, side * side * 16]), shape=(1, side * side * 16))
    return net.build()


def wide(units: int) -> bytes:
    net = Net()
    net.dense(net.input((1, 4096), "int8", S), units)
    return net.build()


def grouped_weights(per_channel: bool) -> bytes:
    net, x = start()
    net.conv(x, 16, weight_scale=[S] * 16 if per_channel else S, weight_zero=0)
    return net.build()


def versioned(version: int) -> bytes:
    net, x = start()
    net.conv(x, 16, version=version)
    return net.build()


CASES: dict[str, tuple[Held, Held]] = {
    "A7-001": (before(sound()), after(compiled(package()))),
    "A7-003": (
        before(then(lambda n, x: n.plain("RESHAPE", x, n.numbers([4, 4, 4, 16]), shape=(4, 4, 4, 16)))),
        before(then(lambda n, x: n.plain("RESHAPE", x, n.numbers([1, 4, 16, 16]), shape=(1, 4, 16, 16)))),
    ),
    "A7-004": (before(computed_weights(False)), before(computed_weights(True))),
    "A7-005": (before(then(cut)), before(sound())),
    "A7-006": (before(pool("RELU6")), before(pool("NONE"))),
    "A7-007": (before(joined(1)), before(joined(0))),
    "A7-008": (before(then(lambda n, x: n.conv(x, 16, dilation=(1, 2)))), before(then(lambda n, x: n.conv(x, 16, dilation=(2, 2))))),
    "A7-009": (
        before(then(lambda n, x: n.dense(n.plain("RESHAPE", x, n.numbers([64, 16]), shape=(64, 16)), rows=64))),
        before(then(lambda n, x: n.dense(n.plain("RESHAPE", x, n.numbers([1, 1024]), shape=(1, 1024))))),
    ),
    "A7-010": (before(mean([3], (1, 8, 8, 1), channels=18)), before(mean([1, 2], (1, 1, 1, 18), channels=18))),
    "A7-011": (before(padding([1, 0, 0, 0, 0, 0, 0, 0], (2, 8, 8, 16))), before(padding([0, 0, 1, 1, 1, 1, 0, 0], (1, 10, 10, 16)))),
    "A7-012": (before(prelu((1, 8, 8, 16))), before(prelu((1, 1, 16)))),
    "A7-013": (before(softmax(16001)), before(softmax(1000))),
    "A7-014": (before(sliced(2)), before(sliced(1))),
    "A7-015": (before(resized(64)), before(resized(16))),
    "A7-016": (before(large(128)), before(large(16))),
    "A7-017": (before(wide(1800)), before(wide(100))),
    "A7-018": (before(then(cut)), before(sound())),
    "A7-019": (before(versioned(6)), before(versioned(3))),
    "A7-020": (before(grouped_weights(False)), before(grouped_weights(True))),
    "A7-021": (after(compiled(package(runtime=14))), after(compiled(package(runtime=13)))),
    "A7-022": (after(compiled(package(), left=True)), after(compiled(package()))),
    "A7-023": (after(compiled(package(), package())), after(compiled(package()))),
    "A7-024": (after(compiled(package(cached=64, streamed=32))), after(compiled(package(cached=64)))),
}
