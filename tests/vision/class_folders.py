"""Small made-up data for the tests of training: class folders of images that a net can tell apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("bright", "dark", "striped")


def picture(label: int, seed: int, height: int = 20, width: int = 20) -> np.ndarray:
    """uint8 [height, width, 3]: noise on bright, dark, or striped ground."""
    ground = np.full((height, width, 3), (200, 50, 120)[label], np.float64)
    if label == 2:
        ground[:, ::4] = 250
        ground[:, 2::4] = 0
    noise = np.random.default_rng(1000 * label + seed).normal(0, 20, ground.shape)
    return np.clip(ground + noise, 0, 255).astype(np.uint8)


def write_folders(folder: Path, counts: dict[str, int], height: int = 20, width: int = 20) -> Path:
    """Write PNG files into folder/SPLIT/CLASS, so many for each class of a split; a split "" has no folder."""
    for split, count in counts.items():
        for label, name in enumerate(CLASSES):
            place = folder / split / name if split else folder / name
            place.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                seed = number + (500 if split == "test" else 0)
                Image.fromarray(picture(label, seed, height, width)).save(place / f"{number:03d}.png")
    return folder
