"""For every shared rule a small real file that breaks it and one that keeps it."""

from __future__ import annotations

from collections.abc import Callable

from edgeroute.types import Finding, OutputFidelity, Preprocess, Severity, Verification
from tests.plugins.devices.builder import Net, S
from tests.plugins.devices.holding import Held

IMAGENET = Preprocess(scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), known=True)
UNIT = Preprocess(scale=1 / 255, known=True)


def start(channels: int = 3, **more: object) -> tuple[Net, int]:
    """A uint8 picture, requantized to int8."""
    net = Net()
    x = net.input((1, 8, 8, channels), **more)  # type: ignore[arg-type]
    return net, net.plain("QUANTIZE", x, dtype="int8", scale=1 / 255, zero=-128)


def sound(channels: int = 16) -> bytes:
    """Picture, two convolutions."""
    net, x = start()
    net.conv(net.conv(x, channels), channels)
    return net.build()


def with_input(**more: object) -> bytes:
    net = Net()
    x = net.input(**more)  # type: ignore[arg-type]
    net.plain("RESHAPE", x, net.numbers([1, 192]), shape=(1, 192))
    return net.build()


def then(grow: Callable[[Net, int], object]) -> bytes:
    """Picture, a convolution with 16 channels, and what the test adds."""
    net, x = start()
    grow(net, net.conv(x, 16))
    return net.build()


def floating() -> bytes:
    net = Net()
    net.conv(net.input(dtype="float32", scale=0.0), 8)
    return net.build()


def weight_only() -> bytes:
    net = Net()
    net.conv(net.input(dtype="float32", scale=0.0), 8, weights="int8", bias_type="float32")
    return net.build()


def island(net: Net, x: int) -> None:
    """Dequantize, a float operator, quantize, and on."""
    y = net.plain("ABS", net.plain("DEQUANTIZE", x, dtype="float32"))
    net.conv(net.plain("QUANTIZE", y, dtype="int8", scale=S), 16)


def tail(net: Net, x: int) -> None:
    net.plain("ABS", net.plain("DEQUANTIZE", x, dtype="float32"))


def attention(net: Net, x: int, softmax: bool = True) -> None:
    rows = net.plain("RESHAPE", x, net.numbers([1, 64, 16]), shape=(1, 64, 16))
    scores = net.plain("BATCH_MATMUL", rows, rows, shape=(1, 64, 64), adj_y=True)
    weights = net.plain("SOFTMAX", scores, beta=1.0) if softmax else scores
    net.plain("BATCH_MATMUL", weights, rows, shape=(1, 64, 16))


def suppression(net: Net, x: int) -> None:
    net.op("NON_MAX_SUPPRESSION_V4", [x], [net.tensor((10,), "int32", 0.0)])


def custom(code: str, *, trailing: bool = True) -> bytes:
    def grow(net: Net, x: int) -> None:
        y = net.op("CUSTOM", [x], [net.tensor((1, 8, 8, 16))], custom=code)
        if not trailing:
            net.conv(y, 16)

    return then(grow)


def verified(*findings: Finding, spread: float = 1.0, dead: tuple[str, ...] = ()) -> dict[str, Verification]:
    output = OutputFidelity("scores", (1, 10), 0.1, 0.1, 30.0, 1.0, 1.0, spread, dead_groups=dead)
    return {"verification": Verification("failed" if findings else "passed", "int8", 8, (output,), findings)}


def refused() -> Finding:
    return Finding("TFL-017", Severity.ERROR, "the file does not load or run: tensor 7", "convert along another route", cost=1.0)


def lstm_free(dtype: str) -> bytes:
    return then(lambda net, x: net.plain("ABS", x, dtype=dtype, scale=S))


def subgraphs(count: int) -> bytes:
    net, x = start()
    net.conv(x, 8)
    return net.build(subgraphs=count)


def versions(version: int, metadata: str = "2.3.0") -> bytes:
    net, x = start()
    net.conv(x, 16, version=version)
    return net.build(metadata={"min_runtime_version": metadata.encode() + bytes(16 - len(metadata))})


def padded_bias(scale: float) -> bytes:
    return then(lambda net, x: net.conv(x, 16, bias_scale=scale, bias_fill=1))


def resize(scale: float) -> bytes:
    return then(lambda net, x: net.plain("RESIZE_NEAREST_NEIGHBOR", x, net.numbers([16, 16]), shape=(1, 16, 16, 16), scale=scale))


def logistic(scale: float, zero: int) -> bytes:
    return then(lambda net, x: net.plain("LOGISTIC", x, scale=scale, zero=zero))


A8, A9, CPU = "artpec8", "artpec9", "cpu"
CASES: dict[str, tuple[Held, Held]] = {
    "TFL-001": (Held(b"\x1c\0\0\0TFL3" + b"\xff" * 64, A8), Held(sound(), A8)),
    "TFL-002": (Held(subgraphs(2), A8), Held(subgraphs(1), A8)),
    "TFL-003": (Held(custom("FlexErf"), CPU), Held(sound(), CPU)),
    "TFL-004": (Held(custom("Mystery"), A8), Held(sound(), A8)),
    "TFL-005": (Held(then(lambda n, x: n.plain("STABLEHLO_ADD", x, x)), A9), Held(then(lambda n, x: n.plain("ADD", x, x)), A9)),
    "TFL-006": (
        Held(with_input(signature=(-1, 8, 8, 3)), CPU),
        Held(with_input(signature=(1, 8, 8, 3)), CPU),
    ),
    "TFL-007": (Held(with_input(dtype="float32"), A8), Held(with_input(), A8)),
    "TFL-008": (Held(then(island), A8), Held(then(tail), A8)),
    "TFL-009": (Held(then(tail), A9), Held(sound(), A9)),
    "TFL-010": (Held(weight_only(), A8), Held(floating(), A8)),
    "TFL-011": (Held(lstm_free("int16"), A8), Held(lstm_free("int8"), A8)),
    "TFL-012": (Held(with_input(shape=(2, 8, 8, 3)), A9), Held(with_input(shape=(1, 8, 8, 3)), A9)),
    "TFL-013": (Held(with_input(shape=(1, 3, 8, 8)), A8), Held(with_input(shape=(1, 8, 8, 3)), A8)),
    "TFL-014": (Held(with_input(shape=(1, 8, 8, 1)), A8), Held(with_input(shape=(1, 8, 8, 3)), A8)),
    "TFL-015": (
        Held(with_input(scale=1 / 255), A8, {"preprocess": Preprocess(scale=1 / 255, mean=(0.5,), std=(0.5,), known=True)}),
        Held(with_input(scale=1 / 255), A8, {"preprocess": UNIT}),
    ),
    "TFL-016": (Held(with_input(dtype="int8", zero=-128), A8), Held(with_input(), A8)),
    "TFL-017": (Held(sound(), A8, verified(refused())), Held(sound(), A8, verified())),
    "TFL-018": (Held(resize(2 * S), CPU), Held(resize(S), CPU)),
    "TFL-019": (Held(logistic(0.1, 3), CPU), Held(logistic(1 / 256, -128), CPU)),
    "TFL-020": (Held(padded_bias(S * S * 1.043), CPU), Held(padded_bias(S * S), CPU)),
    "TFL-021": (Held(sound(), A9, verified(spread=0.0)), Held(sound(), A9, verified())),
    "TFL-022": (
        Held(then(lambda n, x: n.plain("ARG_MAX", x, n.numbers([3]), shape=(1, 8, 8), dtype="int64")), A8),
        Held(then(lambda n, x: n.plain("ARG_MAX", x, n.numbers([3]), shape=(1, 8, 8), dtype="int32")), A8),
    ),
    "TFL-023": (
        Held(versions(3, "2.9.0"), A8, {"runtime": {"tflite": "2.3.1"}}),
        Held(versions(3, "2.3.0"), A8, {"runtime": {"tflite": "2.3.1"}}),
    ),
    "TFL-024": (Held(versions(6), A8, {"runtime": {"tflite": "2.3.1"}}), Held(versions(3), A8, {"runtime": {"tflite": "2.3.1"}})),
    "TFL-025": (Held(then(attention), A8), Held(then(lambda n, x: attention(n, x, softmax=False)), A8)),
    "TFL-026": (Held(sound(), A8, size=300 << 20), Held(sound(), A9, size=300 << 20)),
    "TFL-027": (Held(then(suppression), A8), Held(sound(), A8)),
    "CPU-001": (Held(custom("Mystery"), CPU), Held(custom("TFLite_Detection_PostProcess"), CPU)),
    "CPU-002": (Held(sound(), CPU, verified(refused())), Held(sound(), CPU, verified())),
    "CPU-003": (Held(floating(), CPU), Held(sound(), CPU)),
}
