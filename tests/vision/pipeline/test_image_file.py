"""Image files to pixels, against pixels worked out by hand or by NumPy."""

from __future__ import annotations

import io
import os
import pickle
import struct

import numpy as np
import pytest
from image_files import encoded, noise, oriented, png
from PIL import Image

from casecnn.errors import InputError
from casecnn.vision.pipeline.image_file import ImageError, read_image

RGB = noise(6, 9, 3)

# How an upright image is stored under each EXIF orientation: what lies in row 0 and column 0, by the standard.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[::-1],
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[:, ::-1],
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_every_orientation_comes_out_upright(kind, orientation):
    options = {"lossless": True} if kind == "WEBP" else {}
    stored = np.ascontiguousarray(STORED[orientation](RGB))
    content = encoded(stored, kind, exif=oriented(orientation), **options)
    np.testing.assert_array_equal(read_image(content), RGB)


def test_a_photo_on_its_side_is_turned():
    """The usual telephone: orientation 6; a red top must stay a red top. JPEG is lossy, so areas, not pixels."""
    upright = np.zeros((64, 32, 3), np.uint8)
    upright[:32, :, 0] = 255
    content = encoded(np.ascontiguousarray(STORED[6](upright)), "JPEG", exif=oriented(6), quality=95)
    pixels = read_image(content)
    assert pixels.shape == (64, 32, 3)
    assert pixels[:24, :, 0].min() > 240 and pixels[40:, :, 0].max() < 15


@pytest.mark.parametrize("value", [0, 9, 255])
def test_an_orientation_that_does_not_exist_is_none(value):
    np.testing.assert_array_equal(read_image(encoded(RGB, exif=oriented(value))), RGB)


def test_damaged_exif_data_leave_the_pixels_alone():
    content = encoded(RGB, "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xffgarbage")
    np.testing.assert_array_equal(read_image(content), RGB)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_16_bit_grey_is_scaled_by_its_range(kind):
    grey = np.array([[0, 128, 129], [32768, 65407, 65535]], np.uint16)
    expected = np.array([[0, 0, 1], [128, 255, 255]])  # 65407 / 257 = 254.5 rounds up
    pixels = read_image(encoded(grey, kind))
    assert pixels.dtype == np.uint8 and pixels.shape == (2, 3, 3)
    for channel in range(3):
        np.testing.assert_array_equal(pixels[..., channel], expected)


def test_16_bit_colour_keeps_its_high_bytes():
    row = b"\0" + struct.pack(">6H", 0xFF00, 0x8000, 0x0100, 0, 0x1234, 0xFFFF)
    np.testing.assert_array_equal(read_image(png(2, 1, 16, 2, row))[0], [[255, 128, 1], [0, 0x12, 255]])


def test_grey_where_white_is_zero():
    stream = io.BytesIO()
    Image.fromarray(np.array([[0, 65535]], np.uint16)).save(stream, "TIFF", tiffinfo={262: 0})
    np.testing.assert_array_equal(read_image(stream.getvalue())[0, :, 0], [255, 0])


def test_floating_point_from_0_to_1_and_from_0_to_255():
    small = np.array([[0, 0.5, 1]], np.float32)
    np.testing.assert_array_equal(read_image(encoded(small, "TIFF"))[0, :, 0], [0, 128, 255])
    large = np.array([[0, 100.4, 255]], np.float32)
    np.testing.assert_array_equal(read_image(encoded(large, "TIFF"))[0, :, 0], [0, 100, 255])


@pytest.mark.parametrize("values", [[[-1.0, 0.5]], [[0.0, 300.0]], [[np.nan, 0.5]]])
def test_floating_point_of_unknown_range_is_refused(values):
    with pytest.raises(ImageError, match="floating-point samples outside 0 to 1; scale them first"):
        read_image(encoded(np.array(values, np.float32), "TIFF"))


def test_32_bit_integers_beyond_16_bits_are_refused():
    with pytest.raises(ImageError, match="has samples from 0 to 70000, more than 16 bits; scale them"):
        read_image(encoded(np.array([[0, 70000]], np.int32), "TIFF"))


def test_cmyk_is_turned_to_rgb():
    """C, M, Y, K as ink: cyan only, black only, none."""
    inks = np.array([[[255, 0, 0, 0], [0, 0, 0, 255], [0, 0, 0, 0], [0, 255, 255, 0]]], np.uint8)
    pixels = read_image(encoded(Image.fromarray(inks, mode="CMYK"), "TIFF"))
    np.testing.assert_array_equal(pixels, [[[0, 255, 255], [0, 0, 0], [255, 255, 255], [255, 0, 0]]])
    inks = np.tile(inks[:, 3:], (16, 16, 1))
    red = read_image(encoded(Image.fromarray(inks, mode="CMYK"), "JPEG", quality=95))
    assert np.abs(red.astype(int) - [255, 0, 0]).max() <= 2


def test_alpha_is_laid_over_white_or_another_background():
    rgba = np.array([[[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 51]]], np.uint8)
    content = encoded(rgba)
    np.testing.assert_array_equal(read_image(content)[0], [[200, 100, 0], [255, 255, 255], [244, 224, 204]])
    black = read_image(content, background=(0, 0, 0))
    np.testing.assert_array_equal(black[0], [[200, 100, 0], [0, 0, 0], [40, 20, 0]])


def test_a_palette_with_alpha():
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), mode="P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    clear = read_image(encoded(image, transparency=1))
    np.testing.assert_array_equal(clear[0], [[255, 0, 0], [255, 255, 255], [0, 0, 255]])
    graded = read_image(encoded(image, transparency=bytes([255, 51, 0])), background=(0, 0, 0))
    np.testing.assert_array_equal(graded[0], [[255, 0, 0], [0, 51, 0], [0, 0, 0]])


def test_grey_with_alpha_and_one_bit():
    grey = np.array([[[100, 255], [100, 0]]], np.uint8)
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(grey, mode="LA")))[0], [[100] * 3, [255] * 3])
    bits = Image.fromarray(np.array([[True, False]]))
    np.testing.assert_array_equal(read_image(encoded(bits))[0], [[255] * 3, [0] * 3])


@pytest.mark.parametrize(("depth", "packed"), [(2, bytes([0b00_01_10_11])), (4, bytes([0x01, 0x23]))])
def test_a_transparent_grey_is_given_in_the_files_own_depth(depth, packed):
    pixels = read_image(png(4, 1, depth, 0, b"\0" + packed, (b"tRNS", struct.pack(">H", 2))))
    step = 255 // (2**depth - 1)
    np.testing.assert_array_equal(pixels[0, :, 0], [0, step, 255, 3 * step])


def test_a_transparent_colour_of_16_bits():
    row = b"\0" + struct.pack(">6H", 0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000)
    clear = (b"tRNS", struct.pack(">3H", 0x1000, 0x2000, 0x3000))
    np.testing.assert_array_equal(read_image(png(2, 1, 16, 2, row, clear))[0], [[255] * 3, [0x40, 0x50, 0x60]])


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP"])
def test_of_an_animation_the_first_frame(kind):
    frames = [Image.fromarray(np.full((4, 5, 3), shade, np.uint8)) for shade in (40, 200)]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(read_image(content), np.full((4, 5, 3), 40))


def test_paths_streams_and_bytes_give_the_same(tmp_path):
    path = tmp_path / "no ending"
    path.write_bytes(encoded(RGB))
    with path.open("rb") as stream:
        np.testing.assert_array_equal(read_image(stream), RGB)
    np.testing.assert_array_equal(read_image(path), RGB)
    np.testing.assert_array_equal(read_image(os.fspath(path)), RGB)


def test_more_pixels_than_allowed_are_refused_before_they_are_decoded():
    with pytest.raises(ImageError, match=r"'<data>' is too large: 9 x 6 pixels are more than 53"):
        read_image(encoded(RGB), max_pixels=53)
    assert read_image(encoded(RGB), max_pixels=54).shape == (6, 9, 3)


def test_errors_are_input_errors_that_pickle():
    error = ImageError("a.png", "truncated", "is truncated")
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(error, InputError) and str(again) == "'a.png' is truncated" and again.reason == "truncated"
