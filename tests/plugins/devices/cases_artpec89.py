"""For every rule of ARTPEC-8 and ARTPEC-9 a file that breaks it and one that keeps it."""

from __future__ import annotations

from tests.plugins.devices.builder import Net, S
from tests.plugins.devices.cases_artpec7 import joined
from tests.plugins.devices.cases_tflite import custom, floating, sound, start, then, verified
from tests.plugins.devices.holding import Held


def eight(data: bytes, **context: object) -> Held:
    return Held(data, "artpec8", context)


def nine(data: bytes) -> Held:
    return Held(data, "artpec9")


def alternating(times: int, name: str = "TILE") -> bytes:
    """Convolution, an operator that leaves the DLPU, convolution, …"""

    def grow(net: Net, x: int) -> None:
        for _ in range(times):
            x = net.conv(net.plain(name, x, *([net.numbers([1, 1, 1, 1])] if name == "TILE" else [])), 16)

    return then(grow)


def channelwise(per_channel: bool) -> bytes:
    net, x = start()
    net.conv(x, 16, weight_scale=[S] * 16 if per_channel else S)
    return net.build()


def depthwise(heavy: bool) -> bytes:
    net, x = start()
    net.conv(x, 3, (7, 7), depthwise=True) if heavy else net.conv(x, 3)
    return net.build()


def first(kernel: tuple[int, int] = (3, 3), stride: int = 1, channels: int = 48, fill: int = 0) -> bytes:
    """A convolution that is no head: another one follows."""
    net, x = start()
    net.conv(net.conv(x, channels, kernel, stride=stride, fill=fill), 48, fill=fill)
    return net.build()


def activated(name: str) -> bytes:
    return then(lambda n, x: n.plain(name, x))


def mixed_types(weights: str) -> bytes:
    net, x = start()
    net.conv(x, 16, weights=weights)
    return net.build()


def reshaped(computed: bool) -> bytes:
    def grow(net: Net, x: int) -> None:
        shape = net.plain("SHAPE", x, shape=(4,), dtype="int32") if computed else net.numbers([1, 8, 8, 16])
        net.plain("RESHAPE", x, shape)

    return then(grow)


def ranked(rank: int) -> bytes:
    shape = (1,) * (rank - 2) + (64, 16)
    return then(lambda n, x: n.plain("RESHAPE", x, n.numbers(shape), shape=shape))


def batched(batch: int) -> bytes:
    net = Net()
    net.conv(net.input((batch, 8, 8, 16), "int8", S), 16)
    return net.build()


def dense(per_channel: bool) -> bytes:
    net = Net()
    net.dense(net.input((1, 64), "int8", S), 10, weight_scale=[S] * 10 if per_channel else S)
    return net.build()


def padded(explicit: bool) -> bytes:
    def grow(net: Net, x: int) -> None:
        if explicit:
            x = net.plain("PAD", x, net.numbers([0, 0, 1, 1, 1, 1, 0, 0], shape=(4, 2)), shape=(1, 10, 10, 16))
        net.conv(x, 16)

    return then(grow)


def deep(channels: int) -> bytes:
    net = Net()
    net.plain("RELU6", net.input((1, 2, 2, channels), "int8", S))
    return net.build()


def residual(also_output: bool) -> bytes:
    net, x = start()
    a = net.conv(x, 16)
    total = net.plain("ADD", a, net.conv(a, 16))
    end = net.conv(total, 16)
    return net.build(*([total, end] if also_output else [end]))


A8: dict[str, tuple[Held, Held]] = {
    "A8-001": (eight(alternating(9)), eight(alternating(3))),
    "A8-002": (eight(floating()), eight(sound())),
    "A8-003": (eight(channelwise(True)), eight(channelwise(False))),
    "A8-004": (eight(activated("CUMSUM")), eight(activated("LOGISTIC"))),
    "A8-005": (eight(depthwise(True)), eight(depthwise(False))),
    "A8-006": (eight(first(kernel=(5, 5))), eight(first())),
    "A8-007": (eight(first(stride=4)), eight(first(stride=2))),
    "A8-008": (eight(first(channels=16)), eight(first(channels=18))),
    "A8-009": (eight(activated("HARD_SWISH")), eight(activated("RELU6"))),
    "A8-010": (eight(first(fill=1)), eight(first(fill=0))),
    "A8-011": (eight(custom("TFLite_Detection_PostProcess")), eight(sound())),
    "A8-014": (eight(mixed_types("uint8")), eight(mixed_types("int8"))),
    "A8-015": (eight(reshaped(True)), eight(reshaped(False))),
    "A8-016": (eight(ranked(7)), eight(ranked(6))),
    "A8-017": (eight(alternating(1)), eight(sound())),
    "A8-018": (eight(channelwise(False), **verified(dead=("1:4",))), eight(channelwise(True), **verified(dead=("1:4",)))),
}
A9: dict[str, tuple[Held, Held]] = {
    "A9-001": (nine(batched(2)), nine(batched(1))),
    "A9-002": (nine(ranked(5)), nine(ranked(4))),
    "A9-003": (nine(then(lambda n, x: n.plain("DEQUANTIZE", x, dtype="float32"))), nine(sound())),
    "A9-004": (nine(dense(True)), nine(channelwise(True))),
    "A9-005": (nine(dense(True)), nine(dense(False))),
    "A9-006": (nine(first(channels=24)), nine(first(channels=32))),
    "A9-007": (nine(padded(True)), nine(padded(False))),
    "A9-008": (nine(deep(8192)), nine(deep(4096))),
    "A9-009": (nine(residual(False)), nine(residual(True))),
    "A9-011": (nine(then(lambda n, x: n.conv(x, 48, (6, 6)))), nine(first())),
    "A9-013": (nine(then(lambda n, x: n.conv(x, 16, dilation=(2, 2)))), nine(sound())),
    "A9-014": (nine(first(kernel=(6, 6))), nine(joined(1))),
    "A9-015": (nine(activated("HARD_SWISH")), nine(activated("LOGISTIC"))),
}
CASES = A8 | A9
