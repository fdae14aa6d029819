"""By hand, step 0: pictures to arrays [N, H, W, C]. Run by an interpreter that has Pillow."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

folder, out, height, width, scale, mean, std, color = sys.argv[1:9]
rows = []
for file in sorted(Path(folder).iterdir()):
    picture = Image.open(file).convert("L" if color == "grey" else "RGB").resize((int(width), int(height)), Image.Resampling.BILINEAR)
    array = np.asarray(picture, np.float32).reshape(int(height), int(width), -1)
    rows.append((array[..., ::-1] if color == "bgr" else array) * float(scale) - np.array([float(m) for m in mean.split(",")], np.float32))
np.save(out, np.stack(rows) / np.array([float(s) for s in std.split(",")], np.float32))
