"""Transfer learning on made-up photos: three shapes on cloudy grounds, beside a net that starts from nothing.

There are no real photos in the project's data, so these are drawn by a seed: a disc, a square or a star of any size,
place, turn and colour on a ground of clouds, 64x64 pixels. ResNet-20 as trained on CIFAR-10 is taught them in each way
of `casecnn vision transfer`, and trained from random weights with as many steps; the error is that of other images.

    python benchmarks/transfer.py --images 30 --epochs 20
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

KINDS = ("disc", "square", "star")
SIDE, FINE = 64, 4


def photo(kind: str, random: np.random.Generator) -> Image.Image:
    """One made-up photo."""
    size = SIDE * FINE
    coarse = Image.fromarray(random.integers(40, 216, (6, 6, 3), dtype=np.uint8)).resize((size, size), 3)
    light = ImageDraw.Draw(coarse)
    middle = size * random.uniform(0.35, 0.65, 2)
    radius, turn = size * random.uniform(0.14, 0.3), random.uniform(0, 2 * np.pi)
    corners = {"disc": 90, "square": 4, "star": 10}[kind]
    angles = turn + 2 * np.pi * np.arange(corners) / corners
    reach = radius * (np.where(np.arange(corners) % 2, 0.45, 1.15) if kind == "star" else 1.0)
    points = middle + np.stack([np.cos(angles), np.sin(angles)], 1) * np.reshape(reach, (-1, 1))
    light.polygon([tuple(point) for point in points], fill=tuple(random.integers(0, 256, 3).tolist()))
    small = coarse.filter(ImageFilter.GaussianBlur(FINE / 2)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    noisy = np.asarray(small) + random.normal(0, 6, (SIDE, SIDE, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def write(folder: Path, counts: dict[str, int]) -> None:
    """Write train/KIND/*.jpg and test/KIND/*.jpg."""
    for part, count in counts.items():
        random = np.random.default_rng(len(part))
        for kind in KINDS:
            place = folder / part / kind
            place.mkdir(parents=True)
            for number in range(count):
                photo(kind, random).save(place / f"{number:04d}.jpg", quality=90)


def run(*arguments: str) -> dict:
    """What a command of casecnn prints as JSON."""
    command = [sys.executable, "-m", "casecnn", "vision", *arguments, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    """Write the images, run the commands, print the errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=30, help="images of each class to learn from")
    parser.add_argument("--test", type=int, default=200, help="images of each class to measure on")
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary, "photos")
        write(data, {"train": options.images, "test": options.test})
        shared = ["--threads", "1", "--seed", "0"]
        for mode in ("features", "head", "partial", "all"):
            found = run("transfer", "resnet20", str(data), "-o", f"{temporary}/{mode}", "--mode", mode,
                        *([] if mode == "features" else ["--epochs", str(options.epochs)]), *shared)  # fmt: skip
            print(f"transfer --mode {mode:<9} {summary(found)}", flush=True)
        found = run("train", "resnet20", str(data), "-o", f"{temporary}/scratch", "--epochs", str(options.epochs),
                    "--batch", "32", *shared)  # fmt: skip
        print(f"from random weights       {summary(found)}")


def summary(found: dict) -> str:
    """The test error as a line."""
    top1 = found["errors"]["top1"]
    low, high = top1["interval"]
    part = found["errors"]["part"]
    return f"{part} error {100 * top1['error']:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    main()
