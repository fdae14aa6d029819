"""Trains the network of the accuracy example: it finds a digit in a picture and says where it is and which one, in one tensor, as detectors do.

    python3.11 -m venv .venv-accuracy
    .venv-accuracy/bin/pip install torch==2.13.0 onnx onnxruntime scikit-learn pillow numpy
    .venv-accuracy/bin/python examples/accuracy/train.py examples/accuracy

Writes OUT/reader.onnx, OUT/calibration/*.jpg (pictures of the training half), OUT/test.jpg and test.json (a sheet of pictures of digits that never
take part in the training, which digits they are, and where). Everything is seeded. The body is MobileNetV3's in small (depthwise convolutions, hard-swish, squeeze-and-excitation); the
output joins a box, in pixels of the 640 by 640 picture that the camera takes, with a probability for each digit: nothing in it is made to quantize
badly, but what detectors do every day.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "digits"))
from train import TRAINING_DIGITS, photograph

VARIANTS, EPOCHS, BATCH = 6, 8, 64
TEST_PICTURES, CALIBRATION_PICTURES, COLUMNS = 994, 120, 32
SIDE, FRAME = 64, 640
"""Pixels that the network sees, and pixels of the camera's picture that its boxes are told in."""


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


class Reader(nn.Module):
    """Float pictures [N, 3, 64, 64] in 0..1 → [N, 14]: x, y, width and height in pixels of the camera's picture, and ten probabilities."""

    def __init__(self) -> None:
        super().__init__()
        stem = [nn.Conv2d(3, 12, 3, 2, 1, bias=False), nn.BatchNorm2d(12), nn.Hardswish()]
        body = [Block(12, 12, 1), Block(12, 24, 2), Block(24, 24, 1), Block(24, 40, 2), Block(40, 40, 1), Block(40, 40, 2)]
        self.body = nn.Sequential(*stem, *body, nn.Flatten(), nn.Linear(40 * 16, 96), nn.Hardswish())
        self.box, self.digit = nn.Linear(96, 4), nn.Linear(96, 10)

    def parts(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The box as shares of the picture, and logits."""
        seen = self.body(x)
        return self.box(seen).sigmoid(), self.digit(seen)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        box, logits = self.parts(x)
        return torch.cat([box * FRAME, logits.softmax(1)], 1)


def scene(digit: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A picture, uint8 [64, 64, 3], with a photographed digit somewhere, and its box as shares of the picture."""
    side = int(rng.integers(26, 45))
    x, y = rng.integers(0, SIDE - side, 2)
    ground = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    ground.paste(Image.fromarray(photograph(digit, rng)).resize((side, side), Image.Resampling.BILINEAR), (int(x), int(y)))
    return np.asarray(ground), np.array([x + side / 2, y + side / 2, side, side], np.float32) / SIDE


def pictures(digits: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`count` pictures [N, 64, 64, 3] uint8 of the digits in turn, their boxes, and which digit each one shows."""
    rng = np.random.default_rng(seed)
    order = np.arange(count) % len(digits)
    images, boxes = zip(*(scene(digits[i], rng) for i in order), strict=True)
    return np.stack(images), np.stack(boxes), order


def as_input(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32) / 255)


def trained(images: np.ndarray, boxes: np.ndarray, labels: np.ndarray) -> Reader:
    torch.manual_seed(0)
    model, inputs, places, wanted = Reader(), as_input(images), torch.from_numpy(boxes), torch.from_numpy(labels)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3, weight_decay=1e-4)
    steps = EPOCHS * (len(inputs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps)
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for batch in torch.randperm(len(inputs))[: len(inputs) // BATCH * BATCH].split(BATCH):
            box, logits = model.parts(inputs[batch])
            loss = nn.functional.cross_entropy(logits, wanted[batch]) + 10 * nn.functional.l1_loss(box, places[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / (len(inputs) // BATCH):.3f}", flush=True)
    model.eval()
    return model


def sheet(images: np.ndarray) -> Image.Image:
    """Pictures side by side, `COLUMNS` in a row; the last row is filled up with black."""
    rows = -(-len(images) // COLUMNS)
    tiles = np.zeros((rows * COLUMNS, *images.shape[1:]), np.uint8)
    tiles[: len(images)] = images
    grid = tiles.reshape(rows, COLUMNS, SIDE, SIDE, 3).transpose(0, 2, 1, 3, 4)
    return Image.fromarray(grid.reshape(rows * SIDE, COLUMNS * SIDE, 3))


def save(out: Path, calibration: np.ndarray, tests: np.ndarray, labels: np.ndarray, centres: np.ndarray) -> None:
    """Pictures as JPEG, what they show as JSON."""
    (out / "calibration").mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(calibration):
        Image.fromarray(picture).save(out / "calibration" / f"{number:03}.jpg", quality=92)
    sheet(tests).save(out / "test.jpg", quality=92)
    truth = {"side": SIDE, "labels": labels.tolist(), "centres": centres.round(1).tolist()}
    (out / "test.json").write_text(json.dumps(truth) + "\n", encoding="utf-8")


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    out = Path(sys.argv[1])
    data = load_digits()
    known, unseen = slice(0, TRAINING_DIGITS), slice(TRAINING_DIGITS, None)
    images, boxes, order = pictures(data.images[known], TRAINING_DIGITS * VARIANTS, seed=1)
    model = trained(images, boxes, data.target[known][order])
    tests, places, which = pictures(data.images[unseen], TEST_PICTURES, seed=2)
    labels, centres = data.target[unseen][which], places[:, :2] * FRAME
    with torch.no_grad():
        said = model(as_input(tests)).numpy()
    correct, off = (said[:, 4:].argmax(1) == labels).mean(), np.abs(said[:, :2] - centres).mean()
    print(
        f"float, PyTorch: {correct:.1%} of {len(labels)} pictures of unseen digits; centres off by {off:.1f} pixels of {FRAME}", flush=True
    )
    save(out, images[: CALIBRATION_PICTURES * 11 : 11], tests, labels, centres)
    torch.onnx.export(model, (as_input(tests[:1]),), out / "reader.onnx", input_names=["image"], output_names=["found"], dynamo=False)


if __name__ == "__main__":
    main()
