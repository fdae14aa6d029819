"""Trains the demonstration model: a small convolutional network that reads digits from 32×32 colour pictures.

Run it in an environment of its own; nothing else in this repository needs what it needs:

    python3.11 -m venv .venv-digits
    .venv-digits/bin/pip install torch==2.13.0 onnx onnxruntime scikit-learn pillow numpy
    .venv-digits/bin/python examples/digits/train.py

It writes, next to itself, `digits.onnx`, `calibration/*.png`, `test.npz` and `preprocess.toml`, and prints the accuracy
that the README quotes. Everything is seeded; another version of torch may still change the last digits of the weights.

The pictures are made from scikit-learn's hand-written digits (8×8, from UCI's Optical Recognition of Handwritten Digits):
enlarged, turned and shifted a little, painted in two colours under uneven light, with a sensor's noise. The last 497
digits never take part in the training.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

HERE = Path(__file__).parent
SIDE = 32
TRAINING_DIGITS = 1300
VARIANTS = 12
CALIBRATION_PICTURES = 48
TEST_PICTURES = 240
GREY_LEVELS = 64
PREPROCESS = """\
# What the network was trained on: x = (pixel * scale - mean) / std, per channel.
scale = 0.00392156862745098  # 1/255
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]
color = "rgb"
resize = "stretch"
"""


def stroke(digit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A digit (8×8, 0..16) enlarged to 32×32, turned by up to 12°, scaled and shifted a little; ink in 0..1."""
    ink = Image.fromarray((digit * (255 / 16)).astype(np.uint8)).resize((24, 24), Image.Resampling.BICUBIC)
    sheet = Image.new("L", (SIDE, SIDE))
    sheet.paste(ink, (4, 4))
    angle, zoom = np.deg2rad(rng.uniform(-12, 12)), rng.uniform(0.85, 1.2)
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    centre = (SIDE - 1) / 2
    left, top = centre + rng.uniform(-3, 3, size=2)
    matrix = (cos, sin, centre - cos * left - sin * top, -sin, cos, centre + sin * left - cos * top)
    turned = sheet.transform((SIDE, SIDE), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(turned, dtype=np.float64) / 255


def colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A colour for the paper and one for the ink, 0..255, at least 60 grey levels apart."""
    while True:
        paper, ink = rng.uniform(15, 240, size=(2, 3))
        if abs(paper.mean() - ink.mean()) > 60:
            return paper, ink


def photograph(digit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One picture of a digit: uint8, [32, 32, 3], light that falls off to one side, blotchy noise, 64 levels per channel."""
    paper, ink = colours(rng)
    coverage = stroke(digit, rng)[..., None]
    picture = paper * (1 - coverage) + ink * coverage
    ys, xs = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1) - 0.5
    direction = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, 0.35) * (np.cos(direction) * xs + np.sin(direction) * ys)
    noise = rng.normal(0, rng.uniform(1, 7), size=(SIDE // 2, SIDE // 2)).repeat(2, axis=0).repeat(2, axis=1)
    exposed = picture * light[..., None] + noise[..., None]
    step = 256 // GREY_LEVELS
    return (np.clip(exposed, 0, 255) // step * step).astype(np.uint8)


def photographs(digits: np.ndarray, variants: int, seed: int) -> np.ndarray:
    """Pictures of all digits, `variants` of each: uint8, [variants · digits, 32, 32, 3]."""
    rng = np.random.default_rng(seed)
    return np.stack([photograph(digit, rng) for _ in range(variants) for digit in digits])


def convolution(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution and its batch normalization."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


class SeparableResidual(nn.Module):
    """A depthwise-separable convolution with a bridge around it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        depthwise = convolution(channels, channels, 3, groups=channels)
        self.body = nn.Sequential(*depthwise, nn.ReLU6(), *convolution(channels, channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


class Digits(nn.Module):
    """Float pictures [N, 3, 32, 32] in 0..1 → logits [N, 10]."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *convolution(3, 16, 3),
            nn.ReLU6(),
            SeparableResidual(16),
            *convolution(16, 32, 3, stride=2),
            nn.ReLU6(),
            SeparableResidual(32),
            *convolution(32, 64, 3, stride=2),
            nn.ReLU6(),
            SeparableResidual(64),
            nn.ReLU6(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.classifier = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x))


def as_input(pictures: np.ndarray) -> np.ndarray:
    """The preprocessing: uint8 [N, 32, 32, 3] → float32 [N, 3, 32, 32] in 0..1."""
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


def train(pictures: np.ndarray, labels: np.ndarray, epochs: int) -> Digits:
    """A trained network in evaluation mode."""
    torch.manual_seed(0)
    model = Digits()
    inputs, classes = torch.from_numpy(as_input(pictures)), torch.from_numpy(labels)
    batch, steps = 128, -(-len(inputs) // 128) * epochs
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(epochs):
        loss = torch.tensor(0.0)
        for chosen in torch.randperm(len(inputs)).split(batch):
            optimizer.zero_grad()
            loss = criterion(model(inputs[chosen]), classes[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1:2d}/{epochs}: loss {loss.item():.3f}", flush=True)
    return model.eval()


def export(model: Digits, path: Path) -> None:
    """The network as ONNX, opset 17, with an open batch dimension, as most users' files have it."""
    example = torch.zeros(2, 3, SIDE, SIDE)
    torch.onnx.export(
        model,
        (example,),
        str(path),
        input_names=["image"],
        output_names=["logits"],
        opset_version=17,
        dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}},
        dynamo=False,
    )
    onnx.checker.check_model(onnx.load(path), full_check=True)


def accuracy(path: Path, pictures: np.ndarray, labels: np.ndarray) -> float:
    """Share of pictures that the ONNX file reads correctly in onnxruntime."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"image": as_input(pictures)})
    return float((logits.argmax(axis=1) == labels).mean())


def write_calibration(pictures: np.ndarray, labels: np.ndarray, folder: Path) -> None:
    """The first pictures as small PNG files; the name tells the digit."""
    folder.mkdir(exist_ok=True)
    for index, (picture, label) in enumerate(zip(pictures[:CALIBRATION_PICTURES], labels, strict=False)):
        Image.fromarray(picture).save(folder / f"{index:02d}-digit-{label}.png", optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the demonstration model and write its files.")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--epochs", type=int, default=12)
    arguments = parser.parse_args()
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(2)
    data = load_digits()
    digits, labels = data.images, data.target.astype(np.int64)
    known, unseen = digits[:TRAINING_DIGITS], digits[TRAINING_DIGITS:]
    model = train(photographs(known, VARIANTS, seed=1), np.tile(labels[:TRAINING_DIGITS], VARIANTS), arguments.epochs)

    path = arguments.out / "digits.onnx"
    export(model, path)
    chosen = np.random.default_rng(4).permutation(len(unseen))[:TEST_PICTURES]
    test, answers = photographs(unseen, 1, seed=2)[chosen], labels[TRAINING_DIGITS:][chosen]
    np.savez_compressed(arguments.out / "test.npz", images=test, labels=answers.astype(np.uint8))
    write_calibration(photographs(known[:CALIBRATION_PICTURES], 1, seed=3), labels, arguments.out / "calibration")
    (arguments.out / "preprocess.toml").write_text(PREPROCESS, encoding="utf-8")
    print(f"accuracy in onnxruntime on {len(test)} unseen pictures: {accuracy(path, test, answers):.1%}")


if __name__ == "__main__":
    main()
