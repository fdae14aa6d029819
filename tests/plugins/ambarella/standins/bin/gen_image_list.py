#!/usr/bin/env python3
"""A stand-in: pictures of a folder → planar RGB bytes of one size, and the list of the files."""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

parser = argparse.ArgumentParser()
for flag in ("-f", "-o", "-e", "-c", "-d", "-r", "-bf", "-bo"):
    parser.add_argument(flag, required=True)
parser.add_argument("-ns", action="store_true")
asked = parser.parse_args()
pictures = sorted(p for p in Path(asked.f).iterdir() if p.suffix == asked.e)
if not pictures or (asked.c, asked.d) != ("0", "0,0"):
    sys.exit(f"gen_image_list.py: nothing to do in {asked.f}")
height, width = map(int, asked.r.split(","))
Path(asked.bf).mkdir(exist_ok=True)
names = []
for picture in pictures:
    pixels = np.asarray(Image.open(picture).convert("RGB").resize((width, height)))
    names.append(f"{asked.bf}/{picture.stem}.bin")
    Path(names[-1]).write_bytes(pixels.transpose(2, 0, 1).tobytes())
Path(asked.o).write_text("".join(f"{p}\n" for p in pictures))
Path(asked.bo).write_text("".join(f"{name}\n" for name in names))
