"""Six small PyTorch networks from plain `torch.nn`, and a minute of training; imported in the torch environment only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from . import SHAPES
from .data import CLASSES, FEATURES, blurred, pictures, series


def conv_bn(
    inputs: int, outputs: int, stride: int = 1, groups: int = 1, kernel: int = 3, activation: nn.Module | None = None
) -> nn.Sequential:
    """Convolution, batch normalization and an activation (ReLU6 unless said otherwise)."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), activation or nn.ReLU6())


class Convolutional(nn.Module):
    """Three convolutions with max pooling and two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv_bn(3, 16, activation=nn.ReLU()),
            nn.MaxPool2d(2),
            conv_bn(16, 24, activation=nn.ReLU()),
            nn.MaxPool2d(2),
            conv_bn(24, 32, activation=nn.LeakyReLU(0.1)),
            nn.MaxPool2d(2),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(32 * 4 * 4, 48), nn.ReLU(), nn.Linear(48, CLASSES))

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.features(image))  # type: ignore[no-any-return]


class Inverted(nn.Module):
    """Expansion, depthwise convolution and projection, with a residual where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.residual = stride == 1 and inputs == outputs
        hidden = inputs * 3
        projection = nn.Sequential(nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.body = nn.Sequential(conv_bn(inputs, hidden, kernel=1), conv_bn(hidden, hidden, stride, groups=hidden), projection)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.residual else self.body(x)


class Depthwise(nn.Module):
    """A small MobileNetV2: inverted residuals and global average pooling."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [Inverted(16, 16, 1), Inverted(16, 24, 2), Inverted(24, 24, 1), Inverted(24, 32, 2)]
        self.features = nn.Sequential(conv_bn(3, 16, 2), *blocks)
        self.classifier = nn.Linear(32, CLASSES)

    def forward(self, image: Tensor) -> Tensor:
        return self.classifier(self.features(image).mean((2, 3)))  # type: ignore[no-any-return]


class SqueezeExcite(nn.Module):
    """Channel attention with a hard sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, channels // 4, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 4, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(x)  # type: ignore[no-any-return]


class Attentive(nn.Module):
    """A small MobileNetV3: hard-swish and squeeze-excite."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            conv_bn(3, 16, 2, activation=nn.Hardswish()),
            conv_bn(16, 16, groups=16, activation=nn.Hardswish()),
            SqueezeExcite(16),
            conv_bn(16, 32, 2, activation=nn.Hardswish()),
            conv_bn(32, 32, groups=32, activation=nn.Hardswish()),
            SqueezeExcite(32),
        )
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 48), nn.Hardswish(), nn.Linear(48, CLASSES))

    def forward(self, image: Tensor) -> Tensor:
        return self.classifier(self.features(image))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Enlarges a picture: strided encoder, transposed convolution, bilinear and nearest upsampling, concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.first = conv_bn(3, 12, activation=nn.ReLU())
        self.down = conv_bn(12, 24, 2, activation=nn.ReLU())
        self.up = nn.ConvTranspose2d(24, 12, 2, 2)
        self.merge = conv_bn(24, 16, activation=nn.PReLU(16))
        self.last = nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, small: Tensor) -> Tensor:
        first = self.first(small)
        joined = torch.cat([first, self.up(self.down(first))], 1)
        large = functional.interpolate(self.merge(joined), scale_factor=2, mode="nearest")
        return self.last(large) + functional.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)  # type: ignore[no-any-return]


class Transformer(nn.Module):
    """Patches, one encoder layer with multi-head attention, layer normalization and GELU, mean over tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 8, 8)
        self.position = nn.Parameter(torch.zeros(1, 16, 32))
        self.encoder = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
        self.head = nn.Linear(32, CLASSES)

    def forward(self, image: Tensor) -> Tensor:
        tokens = self.patches(image).flatten(2).transpose(1, 2) + self.position
        return self.head(self.encoder(tokens).mean(1))  # type: ignore[no-any-return]


class Recurrent(nn.Module):
    """An LSTM over a series, and a dense layer on its last step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(FEATURES, 24, batch_first=True)
        self.head = nn.Linear(24, CLASSES)

    def forward(self, series: Tensor) -> Tensor:
        return self.head(self.lstm(series)[0][:, -1])  # type: ignore[no-any-return]


NETS: dict[str, Callable[[], nn.Module]] = {
    "convolutional": Convolutional,
    "depthwise": Depthwise,
    "attentive": Attentive,
    "decoder": Decoder,
    "transformer": Transformer,
    "recurrent": Recurrent,
}


def data(name: str, count: int, seed: int) -> tuple[Any, Any]:
    """Inputs and targets of a network, float32 and int64 (the decoder's targets are pictures)."""
    if name == "recurrent":
        return series(count, seed)
    images, labels = pictures(count, seed)
    return (blurred(images), images) if name == "decoder" else (images, labels)


def train(name: str, count: int = 768, epochs: int = 0) -> tuple[nn.Module, float]:
    """The trained network in eval mode, and its accuracy on unseen data (the decoder's: 1 − mean absolute error)."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    net = NETS[name]()
    inputs, targets = (torch.from_numpy(a) for a in data(name, count, 0))
    optimizer = torch.optim.Adam(net.parameters(), 4e-3)
    loss = functional.mse_loss if name == "decoder" else functional.cross_entropy
    for _ in range(epochs or (24 if name == "recurrent" else 4)):
        for rows in torch.randperm(count).split(32):
            optimizer.zero_grad()
            loss(net(inputs[rows]), targets[rows]).backward()
            optimizer.step()
    net.eval()
    return net, score(net, name)


@torch.no_grad()
def score(net: nn.Module, name: str) -> float:
    """Accuracy on 256 unseen samples; for the decoder 1 − mean absolute error."""
    inputs, targets = (torch.from_numpy(a) for a in data(name, 256, 1))
    answers = net(inputs)
    if name == "decoder":
        return 1 - float((answers - targets).abs().mean())
    return float((answers.argmax(1) == targets).float().mean())


def save_all(folder: str) -> dict[str, float]:
    """Train every network; write `NAME.pth` (state dict) and, of one, every other kind of file. Returns the scores."""
    scores = {}
    place = Path(folder)
    for name in NETS:
        net, scores[name] = train(name)
        torch.save(net.state_dict(), place / f"{name}.pth")
        if name == "depthwise":
            save_kinds(net, place)
    return scores


def save_kinds(net: nn.Module, place: Path) -> None:
    """One network as a wrapped checkpoint, a pickled module, TorchScript (traced and scripted), safetensors and an exported program."""
    from safetensors.torch import save_file

    example = torch.rand(SHAPES["depthwise"], generator=torch.Generator().manual_seed(3))
    wrapped = {f"module.{name}": value for name, value in net.state_dict().items()}
    torch.save({"epoch": 7, "state_dict": wrapped, "optimizer": {"lr": 0.1}}, place / "checkpoint.pt")
    halves = {name: value.half() if value.is_floating_point() else value for name, value in net.state_dict().items()}
    torch.save({"epoch": torch.tensor(7), "model": None, "ema": {"module": halves}}, place / "nested.pt")
    torch.save(net, place / "module.pt")
    torch.jit.save(torch.jit.trace(net, example), str(place / "traced.pt"))
    torch.jit.save(torch.jit.script(net), str(place / "scripted.pt"))
    save_file(net.state_dict(), str(place / "weights.safetensors"))
    torch.export.save(torch.export.export(net, (example,)), place / "program.pt2")
    batch = torch.export.Dim("batch", min=1, max=64)
    open_batch = torch.export.export(net, (example.repeat(2, 1, 1, 1),), dynamic_shapes=({0: batch},))
    torch.export.save(open_batch, place / "open-batch.pt2")
