"""Trains the network of the accuracy example: depthwise convolutions, hard-swish, squeeze-and-excitation, and reads digits like examples/digits.

    python3.11 -m venv .venv-accuracy
    .venv-accuracy/bin/pip install torch==2.13.0 onnx onnxruntime scikit-learn pillow numpy
    .venv-accuracy/bin/python examples/accuracy/train.py OUT

Writes OUT/reader.onnx, OUT/calibration/*.png (digits of the training half) and OUT/test.npz (pictures and labels of the 497 digits that never
take part in the training). Everything is seeded. The architecture is MobileNetV3's in small; nothing in it is made to quantize badly.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "digits"))
from train import TRAINING_DIGITS, photograph

VARIANTS, EPOCHS, BATCH = 5, 8, 64
TEST_PICTURES, CALIBRATION_PICTURES = 994, 120


class Excite(nn.Module):
    """Squeeze and excitation with a hard-sigmoid gate."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, channels // 4, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 4, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(x)


class Block(nn.Module):
    """Expand, depthwise, excite, project."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        wide = before * 4
        self.adds = stride == 1 and before == after
        self.body = nn.Sequential(
            nn.Conv2d(before, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.Hardswish(),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.Hardswish(),
            Excite(wide), nn.Conv2d(wide, after, 1, bias=False), nn.BatchNorm2d(after),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.adds else self.body(x)


def network() -> nn.Module:
    stem = [nn.Conv2d(3, 12, 3, 2, 1, bias=False), nn.BatchNorm2d(12), nn.Hardswish()]
    body = [Block(12, 12, 1), Block(12, 24, 2), Block(24, 24, 1), Block(24, 40, 2), Block(40, 40, 1)]
    return nn.Sequential(*stem, *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 64), nn.Hardswish(), nn.Linear(64, 10))


def pictures(digits: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` pictures [N, 32, 32, 3] uint8 of the digits in turn, and which digit each one is."""
    rng = np.random.default_rng(seed)
    order = np.arange(count) % len(digits)
    return np.stack([photograph(digits[i], rng) for i in order]), order


def as_input(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32) / 255)


def trained(images: np.ndarray, labels: np.ndarray) -> nn.Module:
    torch.manual_seed(0)
    model, inputs, wanted = network(), as_input(images), torch.from_numpy(labels)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-4)
    steps = EPOCHS * (len(inputs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps)
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for batch in torch.randperm(len(inputs))[: len(inputs) // BATCH * BATCH].split(BATCH):
            loss = nn.functional.cross_entropy(model(inputs[batch]), wanted[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / (len(inputs) // BATCH):.3f}", flush=True)
    return model.eval()


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out = Path(sys.argv[1])
    (out / "calibration").mkdir(parents=True, exist_ok=True)
    data = load_digits()
    known, unseen = slice(0, TRAINING_DIGITS), slice(TRAINING_DIGITS, None)
    images, order = pictures(data.images[known], TRAINING_DIGITS * VARIANTS, seed=1)
    model = trained(images, data.target[known][order])
    tests, which = pictures(data.images[unseen], TEST_PICTURES, seed=2)
    labels = data.target[unseen][which]
    with torch.no_grad():
        correct = float((model(as_input(tests)).argmax(1).numpy() == labels).mean())
    print(f"float, PyTorch: {correct:.1%} of {len(labels)} pictures of unseen digits", flush=True)
    torch.onnx.export(model, (as_input(tests[:1]),), out / "reader.onnx", input_names=["image"], output_names=["logits"], dynamo=False)
    np.savez_compressed(out / "test.npz", pixels=tests, labels=labels)
    for number in range(CALIBRATION_PICTURES):
        Image.fromarray(images[number * 11]).save(out / "calibration" / f"{number:03}.png")


if __name__ == "__main__":
    main()
