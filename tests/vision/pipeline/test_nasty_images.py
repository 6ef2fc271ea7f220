"""Files that are broken, huge, odd or no images at all: an error of one line, or the right pixels; nothing else."""

from __future__ import annotations

import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import encoded, noise, png

from casecnn.vision.data.labelled_images import open_data
from casecnn.vision.pipeline.image_file import ImageError, read_image
from casecnn.vision.pipeline.loading import Loader
from casecnn.vision.pipeline.preprocess import Preprocess

PICTURE = noise(40, 50, 3)
FILES = {
    kind: encoded(PICTURE, kind, **({"lossless": True} if kind == "WEBP" else {}))
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
}
FILES["progressive JPEG"] = encoded(PICTURE, "JPEG", progressive=True)
FILES["LZW TIFF"] = encoded(PICTURE, "TIFF", compression="tiff_lzw")


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_a_truncated_file_is_refused(kind, share):
    content = FILES[kind]
    with pytest.raises(ImageError) as caught:
        read_image(content[: int(len(content) * share)])
    assert caught.value.reason in ("truncated", "damaged", "not an image")


NOT_PICTURES = {
    "empty": (b"", "it is empty"),
    "text": (b"hello\n" * 20, "it is text"),
    "a web page": (b"<!DOCTYPE html><html></html>", "it is a web page, perhaps saved in the image's place"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "it is XML, perhaps SVG"),
    "PDF": (b"%PDF-1.7\n\xe2\xe3", "it is a PDF"),
    "PostScript, which Pillow would run": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is PostScript"),
    "a zip": (b"PK\x03\x04" + bytes(60), "it is a zip archive"),
    "gzip": (b"\x1f\x8b\x08\0" + bytes(60), "it is gzip"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "it is a pointer of Git LFS"),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "it is HEIC or a video; convert it to JPEG or PNG"),
    "zeros": (bytes(1000), "it begins with zeros"),
    "random bytes": (noise(1000, seed=3).tobytes(), "kind that can be read"),
}


@pytest.mark.parametrize("what", NOT_PICTURES)
def test_what_is_no_picture_is_named(what):
    content, words = NOT_PICTURES[what]
    with pytest.raises(ImageError) as caught:
        read_image(content, name="x.jpg")
    assert str(caught.value).startswith("'x.jpg' is not an image of a kind that can be read")
    assert words in str(caught.value) and caught.value.reason == "not an image"


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (2**31 - 1, 1), (12_000, 9_000), (20_000, 10_000)])
def test_bombs_are_refused_from_their_header(width, height):
    with pytest.raises(ImageError) as caught:
        read_image(png(width, height, 8, 2, b"\0"))
    assert caught.value.reason == "too large"


def test_a_text_chunk_that_inflates_is_not_followed():
    bomb = (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80 << 20)))
    with pytest.raises(ImageError):
        read_image(png(1, 1, 8, 0, b"\0\0", bomb))


def test_a_sliver_is_refused_where_scaling_it_would_fill_the_memory():
    sliver = np.zeros((1, 40_000, 3), np.uint8)
    with pytest.raises(ImageError, match="is too long: 40,000 x 1 pixels"):
        Preprocess((224, 224), 256).crops(sliver)
    assert Preprocess((224, 224), 256).crops(np.zeros((1, 300, 3), np.uint8)).shape == (1, 224, 224, 3)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_bytes_changed_at_random_give_pixels_or_one_line(data):
    content = bytearray(FILES[data.draw(st.sampled_from(sorted(FILES)))])
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels = read_image(bytes(content), max_pixels=1_000_000)
    except ImageError as error:
        assert "\n" not in str(error)
    else:
        assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3


ODD_NAMES = [
    "a b.png",
    "-rf",
    "né☃.png",
    "quote'\".png",
    "percent%20.JPG",
    "x" * 200 + ".png",
    "line\nfeed.png",
    ".hid",
]


def test_a_folder_of_nasty_files(tmp_path):
    """Every file comes out right or is skipped with one warning; nothing is lost between."""
    folder = tmp_path / "cat"
    folder.mkdir()
    good = [*ODD_NAMES, "wrong ending.gif", "none"]
    if os.name == "posix":
        good.append(os.fsdecode(b"\xff\xfe.png"))
        os.mkfifo(folder / "pipe.png")
        (folder / "nowhere.png").symlink_to("gone.png")
    for name in good:
        (folder / name).write_bytes(encoded(PICTURE))
    broken = {f"broken {kind}.png": content[: len(content) // 2] for kind, content in FILES.items()}
    broken |= {f"no {number}.jpg": content for number, (content, _) in enumerate(NOT_PICTURES.values())}
    broken |= {"bomb.png": png(50_000, 50_000, 8, 2, b"\0"), "sliver.png": encoded(np.zeros((1, 60_000), np.uint8))}
    for name, content in broken.items():
        (folder / name).write_bytes(content)
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf")
    (folder / "._a b.png").write_bytes(b"\0\5\x16\7")
    (tmp_path / "dog" / "deeper").mkdir(parents=True)
    (tmp_path / "dog" / "deeper" / "1.png").write_bytes(encoded(PICTURE))
    (tmp_path / "dog" / "back").symlink_to(tmp_path / "dog")  # a circle
    (tmp_path / "README.md").write_text("pictures")
    data = open_data(tmp_path)
    assert data.classes == ("cat", "dog") and list(data.strays) == ["README.md"] and data.litter == 2
    told: list[str] = []
    how = Preprocess((40, 50), 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Loader(data, [how], 8, workers=2, warn=told.append) as loader:
            batches = list(loader)
    pixels = np.concatenate([batch.inputs[0] for batch in batches])
    assert len(pixels) == len(good) + 1
    assert (pixels == PICTURE).all()
    pipes = 2 if os.name == "posix" else 0
    assert len(loader.skipped) == len(told) == len(broken) + pipes
    assert loader.skipped.counts.total() == len(data) - len(pixels)
    assert len(set(told)) == len(told)
    assert all(line.startswith("skipped '") for line in told)
    assert any("'" + os.fspath(folder / "bomb.png") + "': it is too large" in line for line in told)


def test_a_header_without_pixels():
    with pytest.raises(ImageError):
        read_image(png(0, 5, 8, 2, b""))
    with pytest.raises(ImageError):
        read_image(b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 0, 0, 1, 24, *[0] * 6))


def test_errors_name_the_file_and_the_reason_of_the_system(tmp_path):
    with pytest.raises(ImageError, match="'gone.png' cannot be read: there is no such file"):
        read_image("gone.png")
    with pytest.raises(ImageError, match="cannot be read: it is a folder"):
        read_image(tmp_path)
    with pytest.raises(ImageError, match="cannot be read"):
        read_image("zero\0byte.png")
