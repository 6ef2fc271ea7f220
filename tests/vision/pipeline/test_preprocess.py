"""Resizing and cropping, against windows counted by hand and against torchvision where it is installed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_files import noise
from peers import torchvision_module
from PIL import Image

from casecnn.errors import InputError, UsageError
from casecnn.vision.pipeline.preprocess import CONVENTIONS, Preprocess, convention, parse_preprocess


def test_the_centre():
    picture = noise(10, 13, 3)
    np.testing.assert_array_equal(Preprocess((4, 5)).crops(picture)[0], picture[3:7, 4:9])


def test_half_a_pixel_goes_where_torchvision_puts_it():
    """(7 - 4) / 2 = 1.5 rounds to 2, (5 - 4) / 2 = 0.5 to 0."""
    picture = noise(7, 5, 3)
    np.testing.assert_array_equal(Preprocess((4, 4)).crops(picture)[0], picture[2:6, 0:4])


def test_ten_crops_are_the_corners_the_centre_and_their_mirrors():
    picture = noise(10, 12, 3)
    crops = Preprocess((4, 6)).crops(picture, 10)
    assert crops.shape == (10, 4, 6, 3)
    windows = [picture[:4, :6], picture[:4, 6:], picture[6:, :6], picture[6:, 6:], picture[3:7, 3:9]]
    np.testing.assert_array_equal(crops[:5], windows)
    mirrored = picture[:, ::-1]
    windows = [mirrored[:4, :6], mirrored[:4, 6:], mirrored[6:, :6], mirrored[6:, 6:], mirrored[3:7, 3:9]]
    np.testing.assert_array_equal(crops[5:], windows)


def test_ten_crops_of_the_central_square_only():
    picture = noise(8, 20, 3)
    crops = Preprocess((4, 4), square=8).crops(picture, 10)
    np.testing.assert_array_equal(crops[0], picture[:4, 6:10])
    np.testing.assert_array_equal(crops[3], picture[4:, 10:14])


def test_the_shorter_side_is_resized():
    tall = Preprocess((1, 1), 20)
    picture = noise(60, 33, 3)
    expected = np.asarray(Image.fromarray(picture).resize((20, 36), Image.Resampling.BILINEAR))  # 20 * 60 / 33 = 36.36
    np.testing.assert_array_equal(tall.crops(picture)[0, 0, 0], expected[18, 10])
    whole = Preprocess((36, 20), 20).crops(picture)[0]
    np.testing.assert_array_equal(whole, expected)


def test_a_smaller_picture_stands_in_black():
    digit = noise(28, 28)
    out = Preprocess((32, 32), 28, (0.5,), (0.5,)).crops(digit)
    assert out.shape == (1, 32, 32, 1)
    np.testing.assert_array_equal(out[0, 2:30, 2:30, 0], digit)
    assert out.sum(dtype=int) == digit.sum(dtype=int)


def test_grey_and_colour_change_into_each_other():
    grey = noise(4, 4)
    np.testing.assert_array_equal(Preprocess((4, 4)).crops(grey)[0], np.repeat(grey[..., None], 3, 2))
    colour = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    luma = Preprocess((1, 3), mean=(0.0,), std=(1.0,)).crops(colour)[0, 0, :, 0]
    np.testing.assert_array_equal(luma, [76, 150, 29])  # 0.299, 0.587, 0.114 of 255


@pytest.mark.parametrize("shape", [(300, 400), (401, 299), (223, 500), (64, 64)])
@pytest.mark.parametrize("count", [1, 10])
def test_the_same_as_torchvision(shape, count):
    transforms = torchvision_module("transforms.functional")
    picture = Image.fromarray(noise(*shape, 3))
    scaled = transforms.resize(picture, 256, antialias=True)
    views = [transforms.center_crop(scaled, 224)] if count == 1 else transforms.ten_crop(scaled, 224)
    ours = CONVENTIONS["torchvision"].crops(picture, count)
    np.testing.assert_array_equal(sorted(v.tobytes() for v in ours), sorted(np.asarray(v).tobytes() for v in views))


@given(
    st.builds(
        Preprocess,
        crop=st.tuples(st.integers(1, 500), st.integers(1, 500)),
        resize=st.none() | st.integers(1, 600),
        mean=st.tuples(*[st.floats(-1, 1).map(lambda x: round(x, 6))] * 3),
        std=st.tuples(*[st.floats(0.01, 3).map(lambda x: round(x, 6))] * 3),
        square=st.none() | st.integers(1, 600),
    ),
    st.sampled_from(["bilinear", "bicubic"]),
)
def test_one_line_says_it_all(how, resample):
    if how.resize is not None:
        how = Preprocess(how.crop, how.resize, how.mean, how.std, resample, how.square)
    assert parse_preprocess(str(how)) == how


@pytest.mark.parametrize("text", ["", "crop 224", "crop 4x4, mean 0 0 0", "crop 4x4, mean a b c, std 1 1 1", "blur 3"])
def test_a_line_that_makes_no_sense(text):
    with pytest.raises(InputError, match="'x.json'"):
        parse_preprocess(text, "'x.json'")


def test_values_that_make_no_sense():
    for bad in (
        {"crop": (0, 4)},
        {"crop": (4, 4), "resize": 0},
        {"crop": (4, 4), "std": (1, 1, 0)},
        {"crop": (4, 4), "mean": (0, 0)},
        {"crop": (4, 4), "resample": "sinc"},
    ):
        with pytest.raises(UsageError, match="preprocessing: "):
            Preprocess(**bad)
    with pytest.raises(UsageError, match=r"`crops` \(=5\) must be 1 or 10"):
        Preprocess((4, 4)).crops(noise(4, 4, 3), 5)


def test_a_net_without_a_convention_gets_that_of_its_input():
    assert convention((3, 224, 224)) == CONVENTIONS["torchvision"]
    assert convention((3, 227, 227)).resize == 256
    assert convention((1, 32, 32)) == CONVENTIONS["mnist"]
    assert convention((3, 32, 32)) == CONVENTIONS["cifar"]
    with pytest.raises(UsageError, match="a net with 48 input channels takes no images"):
        convention((48, 19, 19))


def test_lecuns_digits_are_scaled_as_he_says():
    """Background -0.1 and ink 1.175 (LeCun 1998, II.A)."""
    how = CONVENTIONS["mnist"]
    assert (0 - how.mean[0]) / how.std[0] == pytest.approx(-0.1)
    assert (1 - how.mean[0]) / how.std[0] == pytest.approx(1.175)
