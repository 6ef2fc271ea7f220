"""The training stream: the right parts of the right images, whatever the workers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from class_folders import CLASSES, picture, write_folders
from PIL import Image

from casecnn.errors import InputError
from casecnn.training.prefetch import Prefetcher
from casecnn.vision.data.labelled_images import open_data
from casecnn.vision.pipeline.augment import parse_augmentation
from casecnn.vision.pipeline.batches import TrainingBatches
from casecnn.vision.pipeline.draws import Draws
from casecnn.vision.pipeline.framing import Framing, drawn_window, framed
from casecnn.vision.pipeline.images import (
    IGNORED,
    Decoded,
    Undecoded,
    gather,
    in_order,
    normalised,
    prepare,
    sample_of,
    with_statistics,
)
from casecnn.vision.pipeline.preprocess import Preprocess, convention

SMALL = convention((3, 20, 20))
LARGE = Preprocess((24, 16), resize=32)
SHORTER = Framing("shorter", (256, 512))
AREA = Framing("area", area=(0.08, 1.0))


def labelled(n: int = 23) -> Decoded:
    pictures = np.random.default_rng(0).integers(0, 256, (n, 8, 6, 3), dtype=np.uint8)
    pictures[:, 0, 0, 0] = np.arange(n)
    return Decoded(pictures, np.arange(n))


# Windows


def test_windows_lie_inside_and_have_the_size_that_was_drawn():
    """With a shorter side of S the window is crop / S of the image's own shorter side."""
    for width, height in ((100, 60), (60, 100), (64, 64)):
        lows = []
        for place in range(200):
            box = drawn_window(SHORTER, Preprocess((224, 224), 256), width, height, Draws(0, np.array([place])))
            left, top, right, bottom = box
            assert left >= -1e-9 and top >= -1e-9 and right <= width + 1e-9 and bottom <= height + 1e-9
            assert right - left == pytest.approx(bottom - top)
            lows.append((right - left) / min(width, height))
        assert min(lows) == pytest.approx(224 / 512, abs=0.01) and max(lows) == pytest.approx(224 / 256, abs=0.03)


def test_the_central_square_holds_the_windows_of_alexnet():
    how = Framing("shorter", (256, 256), central=True)
    boxes = np.array([drawn_window(how, Preprocess((227, 227), 256), 200, 100, Draws(0, np.array([place])))
                      for place in range(300)])  # fmt: skip
    np.testing.assert_allclose(boxes[:, 2] - boxes[:, 0], 100 * 227 / 256)
    assert boxes[:, 0].min() >= 50 and boxes[:, 2].max() <= 150
    assert boxes[:, 0].min() < 51 and boxes[:, 2].max() > 149


def test_windows_by_area_have_the_shares_and_ratios_of_the_paper():
    shares, ratios = [], []
    for place in range(1500):
        left, top, right, bottom = drawn_window(AREA, LARGE, 260, 200, Draws(0, np.array([place])))
        assert left >= 0 and top >= 0 and right <= 260 and bottom <= 200
        shares.append((right - left) * (bottom - top) / 52_000)
        ratios.append((right - left) / (bottom - top))
    assert min(shares) < 0.09 and max(shares) > 0.9
    assert min(ratios) == pytest.approx(0.75, abs=0.01) and max(ratios) == pytest.approx(4 / 3, abs=0.02)
    assert 0.4 < np.mean(shares) < 0.58


def test_a_picture_that_admits_no_window_by_area_shows_its_middle():
    left, top, right, bottom = drawn_window(Framing("area", area=(1.0, 1.0)), LARGE, 500, 10, Draws(0, np.array([0])))
    assert (left + right) / 2 == pytest.approx(250) and (top + bottom) / 2 == pytest.approx(5)
    assert bottom - top == pytest.approx(10 * 24 / 32) and right - left == pytest.approx(10 * 16 / 32)


def test_a_drawn_part_is_that_part_resized():
    image = np.random.default_rng(1).integers(0, 256, (90, 60, 3), dtype=np.uint8)
    draws = Draws(3, np.array([7]))
    box = drawn_window(SHORTER, LARGE, 60, 90, draws)
    expected = Image.fromarray(image).resize((16, 24), Image.Resampling.BILINEAR, box=box)
    np.testing.assert_array_equal(framed(image, SHORTER, LARGE, draws), np.asarray(expected))
    np.testing.assert_array_equal(framed(image, SHORTER, LARGE), LARGE.crops(image)[0])
    np.testing.assert_array_equal(framed(image, Framing(), LARGE, draws), LARGE.crops(image)[0])


def test_grey_nets_see_grey_and_colour_nets_three_channels():
    grey = np.random.default_rng(1).integers(0, 256, (50, 40), dtype=np.uint8)
    three = framed(grey, SHORTER, LARGE, Draws(0, np.array([0])))
    one = framed(grey, SHORTER, Preprocess((24, 16), 32, (0.5,), (0.5,)), Draws(0, np.array([0])))
    assert three.shape == (24, 16, 3) and one.shape == (24, 16, 1)
    np.testing.assert_array_equal(three, np.repeat(one, 3, 2))


# The stream


def test_every_epoch_shows_every_picture_once():
    source = TrainingBatches(labelled(), 5, Preprocess((8, 6)), seed=4)
    seen = np.concatenate([source(step)[1].numpy() for step in range(23)])  # 115 samples: 5 epochs
    for epoch in range(5):
        assert sorted(seen[epoch * 23 : (epoch + 1) * 23]) == list(range(23))
    assert (seen[:23] != seen[23:46]).any()


@pytest.mark.parametrize("text", ["none", "mirror,crop=2", "rotation,warp,colour"])
def test_neither_batches_nor_processes_change_what_happens_to_a_sample(text):
    def stream(batch: int, world: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
        source = TrainingBatches(labelled(), batch, Preprocess((8, 6)), parse_augmentation(text), seed=9)
        parts = [source(step, rank, world) for step in range(steps) for rank in range(world)]
        return np.concatenate([x.numpy() for x, _ in parts]), np.concatenate([y.numpy() for _, y in parts])

    whole = stream(12, 1, 4)
    for other in (stream(6, 2, 4), stream(4, 1, 12), stream(3, 4, 4)):
        np.testing.assert_array_equal(whole[1], other[1])
        np.testing.assert_array_equal(whole[0], other[0])


def test_batches_are_what_the_steps_say_written_out():
    data = labelled()
    images, labels = TrainingBatches(data, 7, Preprocess((8, 6), mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4)), seed=1)(2)
    assert images.dtype == torch.float32 and labels.dtype == torch.int64
    assert images.is_contiguous(memory_format=torch.channels_last)
    for image, label in zip(images, labels, strict=True):
        for channel, (mean, std) in enumerate(zip((0.5, 0.4, 0.3), (0.2, 0.3, 0.4), strict=True)):
            expected = (data.pixels[label, :, :, channel] / 255 - mean) / std
            np.testing.assert_allclose(image[channel], expected, atol=1e-5)


@pytest.mark.slow
def test_files_give_the_same_batches_with_any_workers(tmp_path):
    data = open_data(write_folders(tmp_path / "data", {"": 5}, 30, 40))
    undecoded = gather(data, SHORTER, SMALL)
    pictures = prepare(undecoded)
    assert pictures is undecoded  # another part in every epoch
    source = TrainingBatches(pictures, 4, SMALL, parse_augmentation("mirror"), seed=2)
    assert source.kind == "process"
    alone = [source(step) for step in range(6)]
    with Prefetcher(source, 0, 6, workers=2, kind="process") as batches:
        for (images, labels), (expected, expected_labels) in zip(batches, alone, strict=True):
            assert torch.equal(images, expected) and torch.equal(labels, expected_labels)
    assert not torch.equal(alone[0][0], alone[4][0])


def test_small_data_are_decoded_once(tmp_path):
    data = open_data(write_folders(tmp_path / "data", {"": 4}))
    pictures = prepare(gather(data, Framing(), SMALL))
    assert isinstance(pictures, Decoded) and pictures.pixels.shape == (12, 20, 20, 3)
    assert TrainingBatches(pictures, 4, SMALL).kind == "thread"
    for label, name in enumerate(CLASSES):
        for number in range(4):
            np.testing.assert_array_equal(pictures.pixels[4 * label + number], picture(label, number))
        assert data.classes[label] == name
    assert isinstance(prepare(gather(data, Framing(), SMALL), memory=1000), Undecoded)


def test_measuring_takes_all_pictures_in_order(tmp_path):
    data = open_data(write_folders(tmp_path / "data", {"": 7}))
    files = gather(data, Framing(), SMALL)
    for pictures in (files, prepare(files)):
        batches = list(in_order(pictures, SMALL, batch_size=4, threads=2))
        assert [len(labels) for _, labels, _ in batches] == [4, 4, 4, 4, 4, 1]
        assert torch.cat([labels for _, labels, _ in batches]).tolist() == data.labels.tolist()
        images = torch.cat([images for images, _, _ in batches])
        expected = normalised(np.stack([picture(i // 7, i % 7) for i in range(21)]), SMALL)
        assert torch.equal(images, expected)


# Images that cannot be read


def test_unreadable_pictures_are_warned_of_and_left_out(tmp_path, capsys):
    folder = write_folders(tmp_path / "data", {"": 4})
    (folder / "dark" / "001.png").write_bytes(b"not an image")
    (folder / "striped" / "000.png").write_bytes((folder / "striped" / "000.png").read_bytes()[:60])
    files = gather(open_data(folder), Framing(), SMALL)
    images, labels = files.take(np.arange(12), None)
    assert labels.tolist() == [0, 0, 0, 0, 1, IGNORED, 1, 1, IGNORED, 2, 2, 2] and not images[5].any()
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and said[0].startswith("casecnn: warning: skipped '") and "001.png" in said[0]
    files.take(np.arange(12), None)
    assert capsys.readouterr().err == ""
    decoded = prepare(files)
    assert len(decoded) == 10 and decoded.labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert "2 of 12 images cannot be read and are left out" in capsys.readouterr().err
    assert len(sample_of(files)) == 10


def test_data_without_one_readable_picture_are_an_error(tmp_path):
    folder = write_folders(tmp_path / "data", {"": 1})
    for file in folder.rglob("*.png"):
        file.write_bytes(b"")
    files = gather(open_data(folder), Framing(), SMALL)
    with pytest.raises(InputError, match="none of the 3 images can be read"):
        prepare(files)
    with pytest.raises(InputError, match="none of the"):
        sample_of(files)


def test_statistics_are_those_of_all_pixels():
    pictures = np.random.default_rng(0).integers(0, 200, (600, 5, 4, 3), dtype=np.uint8)
    pictures[..., 2] = 77
    found = with_statistics(SMALL, pictures)
    np.testing.assert_allclose(found.mean, (pictures / 255).mean((0, 1, 2)), atol=1e-6)
    np.testing.assert_allclose(found.std[:2], (pictures / 255).std((0, 1, 2))[:2], atol=1e-6)
    assert found.std[2] == 1 and found.crop == SMALL.crop
