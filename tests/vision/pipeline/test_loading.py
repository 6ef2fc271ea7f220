"""Batches from worker threads: order, sizes, what is left out."""

from __future__ import annotations

import time

import numpy as np
import pytest
from image_files import encoded, noise

from casecnn.errors import UsageError
from casecnn.vision.data.labelled_images import Sample
from casecnn.vision.pipeline.loading import Loader, decode
from casecnn.vision.pipeline.preprocess import Preprocess

HOW = Preprocess((4, 4), 4)


def samples(count: int, broken: set[int] = frozenset()) -> list[Sample]:  # type: ignore[assignment]
    made = []
    for number in range(count):
        content = b"no image" if number in broken else encoded(np.full((4, 4, 3), number, np.uint8))
        made.append(Sample(f"{number}.png", number % 3, content))
    return made


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("size", [1, 7, 50])
def test_everything_comes_once_and_in_order(workers, size):
    broken = {0, 8, 9, 10, 11, 12, 13, 14, 15, 16, 36}
    told: list[str] = []
    with Loader(samples(37, broken), [HOW], size, workers=workers, warn=told.append) as loader:
        batches = list(loader)
    good = [number for number in range(37) if number not in broken]
    assert [int(value) for batch in batches for value in batch.inputs[0][:, 0, 0, 0, 0]] == good
    assert [name for batch in batches for name in batch.names] == [f"{number}.png" for number in good]
    assert np.concatenate([batch.labels for batch in batches]).tolist() == [number % 3 for number in good]
    assert [len(batch.labels) for batch in batches[:-1]] == [size] * (len(batches) - 1)
    assert loader.skipped.counts == {"not an image": len(broken)} and len(told) == len(broken)
    assert str(loader.skipped) == "11 skipped (11 not an image)"


def test_several_views_of_one_picture():
    picture = noise(9, 9, 3)
    with Loader([Sample("x", 0, picture)], [Preprocess((4, 4)), Preprocess((6, 5))], 2, crops=10) as loader:
        (batch,) = loader
    assert [view.shape for view in batch.inputs] == [(1, 10, 4, 4, 3), (1, 10, 6, 5, 3)]
    np.testing.assert_array_equal(batch.inputs[1][0, 0], picture[:6, :5])


def test_nothing_readable_gives_no_batch():
    with Loader(samples(5, set(range(5))), [HOW], 2) as loader:
        assert list(loader) == []
    assert len(loader.skipped) == 5


def test_what_an_archive_did_not_give_is_skipped():
    told: list[str] = []
    with Loader([Sample("a.zip:x.png", 0, None)], [HOW], 2, warn=told.append) as loader:
        assert list(loader) == []
    assert told == ["skipped 'a.zip:x.png': it cannot be read: it is a link, encrypted, damaged or too large"]


@pytest.mark.slow
def test_threads_work_while_the_net_does():
    """Images that take 10 ms each are ready after a net that takes as long: nearly no waiting."""

    class Slow(Preprocess):
        def crops(self, picture, count=1):
            time.sleep(0.01)
            return super().crops(picture, count)

    waits = {}
    for workers in (0, 2):
        with Loader(samples(64), [Slow((4, 4), 4)], 16, workers=workers) as loader:
            for _ in loader:
                time.sleep(0.16)
        waits[workers] = loader.waited
    assert waits[0] > 0.64 and waits[2] < 0.75 * waits[0]


def test_leaving_early_ends_the_threads():
    with Loader(samples(200), [HOW], 4, workers=2) as loader:
        next(iter(loader))
    import threading

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_an_error_of_the_program_is_not_taken_for_a_bad_picture():
    with Loader([Sample("x", 0, np.zeros((2, 2, 7), np.uint8))], [HOW], 2, workers=1) as loader:
        with pytest.raises(TypeError):
            list(loader)


def test_numbers_out_of_range():
    with pytest.raises(UsageError, match=r"batch` \(=0\) must be a whole number of at least 1"):
        Loader([], [HOW], 0)
    with pytest.raises(UsageError, match=r"workers` \(=-1\) must be a whole number of at least 0"):
        Loader([], [HOW], 1, workers=-1)


def test_large_jpegs_are_decoded_no_larger_than_needed(tmp_path):
    """Twice the side that they are resized to: what comes out differs by less than what JPEG itself does to pixels."""
    import io

    from PIL import Image, ImageFilter

    noise = np.random.default_rng(0).integers(0, 256, (1000, 1400, 3), dtype=np.uint8)
    smooth = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(6))
    content = io.BytesIO()
    smooth.save(content, "JPEG", quality=92)
    how = Preprocess((56, 56), 64)
    sample = Sample("x.jpg", 0, content.getvalue())
    small, whole = decode(sample, 128), decode(sample)
    assert small.size == (350, 250) and whole.size == (1400, 1000)
    assert decode(sample, 600).size == (1400, 1000)  # half of it would be less than was asked for
    difference = np.abs(how.crops(small)[0].astype(int) - how.crops(whole)[0].astype(int))
    assert difference.mean() < 1 and difference.max() < 8
    with Loader([sample], [how], 1, workers=0) as loader:
        np.testing.assert_array_equal(next(iter(loader)).inputs[0][0, 0], how.crops(small)[0])
