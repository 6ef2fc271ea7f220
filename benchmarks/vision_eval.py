"""How fast `casecnn vision eval` is beside the net alone: a made-up set like ImageNet's, decoded meanwhile.

1,000 class folders, 2,000 JPEG files of 500x375 (clouds of noise whose spectrum falls off as photographs' do, quality
90), written into a temporary folder. In one process, in turn: the net on batches that lie in memory, the images decoded
and resized without a net, and the evaluation. Also lists 60,000 files in 1,000 folders. Beside wall-clock times, which
other work on the machine disturbs, it gives the CPU time of an image: the evaluation should take what net and decoding
take together.

    python benchmarks/vision_eval.py resnet18 --limit 500 --rounds 3
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

CLASSES, WIDTH, HEIGHT = 1_000, 500, 375


def clouds(random: np.random.Generator) -> np.ndarray:
    """Noise with the spectrum of photographs, uint8 [HEIGHT, WIDTH, 3]."""
    rows, columns = np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)
    fall = 1 / np.maximum(np.hypot(rows, columns), 1 / WIDTH)
    noise = np.fft.irfft2(np.fft.rfft2(random.normal(size=(3, HEIGHT, WIDTH))) * fall, s=(HEIGHT, WIDTH))
    mixed = noise + 1.5 * noise.mean(0)
    return np.clip(128 + 55 * mixed / mixed.std(), 0, 255).astype(np.uint8).transpose(1, 2, 0)


def write_images(folder: Path, count: int) -> int:
    """Write the JPEG files into class folders; returns their size in bytes."""
    random = np.random.default_rng(0)
    grounds = [clouds(random) for _ in range(24)]
    total = 0
    for number in range(count):
        place = folder / f"class{number % CLASSES:04d}"
        place.mkdir(exist_ok=True)
        shift = random.integers(0, WIDTH)
        pixels = np.roll(grounds[number % len(grounds)], shift, 1)[:, :: 1 if number % 2 else -1]
        file = place / f"{number:05d}.jpg"
        Image.fromarray(pixels).save(file, quality=90)
        total += file.stat().st_size
    return total


def write_names(folder: Path, count: int) -> None:
    """Write `count` empty files into the class folders."""
    for label in range(CLASSES):
        place = folder / f"class{label:04d}"
        place.mkdir(parents=True)
        for number in range(count // CLASSES):
            (place / f"{number:05d}.jpg").touch()


def timed(work) -> tuple[float, float]:
    """The seconds and CPU seconds that a call takes."""
    begin, computed = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - computed


def main() -> None:
    """Measure and print, or write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", nargs="?", default="resnet18")
    parser.add_argument("--images", type=int, default=2_000, help="JPEG files to write")
    parser.add_argument("--limit", type=int, default=0, help="images of an evaluation (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--format", choices=["table", "json"], default="table")
    options = parser.parse_args()
    from casecnn.vision import evaluate, load_model, open_data
    from casecnn.vision.evaluation import peak_memory
    from casecnn.vision.pipeline.loading import Loader, usable_cores

    with tempfile.TemporaryDirectory() as temporary:
        folder, names = Path(temporary, "images"), Path(temporary, "names")
        folder.mkdir()
        size = write_images(folder, options.images)
        write_names(names, 60_000)
        listing = min(timed(lambda: open_data(names)) for _ in range(3))
        model = load_model(options.net, "none")
        data = open_data(folder)
        if options.limit:
            data = data.take(options.limit, 0)
        count = len(data)
        height, width = model.preprocess.crop
        ready = np.random.default_rng(0).integers(0, 256, (options.batch, 1, height, width, 3), dtype=np.uint8)

        def alone() -> None:
            for first in range(0, count, options.batch):
                model.probabilities(ready[: min(options.batch, count - first)])

        def decoding() -> None:
            with Loader(data, [model.preprocess], options.batch) as loader:
                for _ in loader:
                    pass

        found = []
        works = {"net alone": alone, "decoding": decoding, "eval": lambda: found.append(evaluate([model], data))}
        for work in works.values():
            work() if work is alone else None  # what is compiled or laid out at first use is no part of it
        rounds = {name: [] for name in works}
        for _ in range(options.rounds):
            for name, work in works.items():
                rounds[name].append(timed(work))
    facts = {
        "net": options.net, "images": count, "jpeg_bytes": size // options.images, "precision": model.precision,
        "cores": usable_cores(), "listing_seconds": listing[0], "listing_cpu_seconds": listing[1],
        "peak_memory_bytes": peak_memory(model.device)[0],
        "waited": median(one.speed.waited for one in found), "busy": median(one.speed.busy for one in found),
        **{
            name: {
                "images_per_second": median(count / wall for wall, _ in rows),
                "slowest": min(count / wall for wall, _ in rows), "fastest": max(count / wall for wall, _ in rows),
                "cpu_ms_per_image": median(1000 * computed / count for _, computed in rows),
            }
            for name, rows in rounds.items()
        },
    }  # fmt: skip
    if options.format == "json":
        json.dump(facts, sys.stdout, indent=1)
        print()
        return
    print(f"{options.net}, {model.precision}: {count:,} files of {WIDTH}x{HEIGHT}, {facts['jpeg_bytes']:,} bytes each")
    for name in works:
        row = facts[name]
        spread = f"{row['slowest']:.1f} to {row['fastest']:.1f}"
        print(
            f"  {name:<10} {row['images_per_second']:8.1f} images a second ({spread}), "
            f"{row['cpu_ms_per_image']:.2f} ms of CPU time an image"
        )
    print(
        f"  eval: the net waited {facts['waited']:.1%} of the time, {facts['busy']:.0%} of {facts['cores']} cores used"
    )
    print(f"  60,000 files listed in {listing[0]:.2f} s ({listing[1]:.2f} s of CPU time)")
    print(f"  peak memory {facts['peak_memory_bytes'] / 2**20:,.0f} MiB")


if __name__ == "__main__":
    main()
