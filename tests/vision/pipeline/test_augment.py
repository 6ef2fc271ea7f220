"""Augmentation: against scalar loops, SciPy and hand-made images; the same whatever the batches."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from casecnn.errors import UsageError
from casecnn.seeds import derive_seed
from casecnn.vision.pipeline.augment import (
    USUAL,
    Augmentation,
    ColourBasis,
    augment,
    bilinear,
    colour_basis,
    displacement,
    parse_augmentation,
    transforms,
)
from casecnn.vision.pipeline.draws import Draws

BASIS = ColourBasis((0.2, 0.02, 0.005), ((0.6, 0.8, 0.0), (-0.8, 0.6, 0.0), (0.0, 0.0, 1.0)))


def pictures(n: int, height: int = 12, width: int = 10, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, height, width, channels), dtype=np.uint8)


def draws(n: int, seed: int = 0) -> Draws:
    return Draws(seed, np.arange(n))


# Draws


def test_draws_are_the_hash_of_the_core_for_whole_arrays():
    positions = [0, 1, 17, 10**12]
    found = Draws(123, np.array(positions)).uniform(5, shape=(3,))
    expected = [[derive_seed(123, position, 5, j) / 2**63 for j in range(3)] for position in positions]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)


def test_draws_have_the_moments_that_they_should():
    uniform = Draws(3, np.arange(20_000)).uniform(1, -2, 4)
    assert -2 <= uniform.min() < -1.99 and 3.99 < uniform.max() < 4
    assert abs(uniform.mean() - 1) < 0.05 and abs(uniform.var() - 3) < 0.06
    normal = Draws(3, np.arange(20_000)).normal(2, 0.5)
    assert abs(normal.mean()) < 0.015 and abs(normal.std() - 0.5) < 0.01
    assert abs((np.abs(normal) < 0.5).mean() - 0.6827) < 0.01
    assert abs(np.corrcoef(uniform, normal)[0, 1]) < 0.02


# By name


def test_names_give_what_they_say():
    assert parse_augmentation("mirror,crop=2, rotation=7.5") == Augmentation(mirror=0.5, crop=2, rotation=7.5)
    assert parse_augmentation("none") == parse_augmentation("") == Augmentation()
    assert not parse_augmentation("none") and parse_augmentation("pca")
    assert all(getattr(parse_augmentation(name), name) == usual for name, usual in USUAL.items())
    how = parse_augmentation("warp=1.5 mirror shear=3")
    assert parse_augmentation(str(how)) == how and str(Augmentation()) == "none"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mirrow", "there is no augmentation 'mirrow'; did you mean mirror?"),
        ("zzz", "choose from mirror, crop, scale"),
        ("crop=x", r"`augment`: crop \(=x\) must be a number"),
        ("crop=", r"`augment`: crop \(=\) must be a number"),
        ("crop=1.5", r"crop \(=1.5\) must be a whole number of pixels"),
        ("crop=-1", r"crop \(=-1.0\) must be a number from 0 to 1024"),
        ("crop=nan", r"crop \(=nan\) must be"),
        ("crop=inf", r"crop \(=inf\) must be"),
        ("rotation=400", "from 0 to 180"),
        ("mirror,mirror", "twice"),
    ],
)
def test_wrong_names_and_numbers_are_told_in_one_line(text, message):
    with pytest.raises(UsageError, match=message) as error:
        parse_augmentation(text)
    assert "\n" not in str(error.value)


# The same for every way to cut the stream


@pytest.mark.parametrize("text", ["mirror,crop", "scale,squeeze,rotation,shear,warp", "colour,pca", ",".join(USUAL)])
def test_a_sample_does_not_depend_on_its_batch(text):
    images, how = pictures(40, 64, 64), parse_augmentation(text).with_basis(BASIS)  # more than one chunk
    whole = augment(images, how, draws(40))
    parts = [augment(images[a:b], how, Draws(0, np.arange(a, b))) for a, b in ((0, 1), (1, 18), (18, 40))]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    again = augment(images, pickle.loads(pickle.dumps(how)), draws(40))
    np.testing.assert_array_equal(whole, again)
    assert (whole != augment(images, how, draws(40, seed=1))).any()


def test_the_given_images_stay_as_they_are():
    images = pictures(5)
    before = images.copy()
    augment(images, parse_augmentation(",".join(USUAL)).with_basis(BASIS), draws(5))
    np.testing.assert_array_equal(images, before)


def test_one_kind_of_distortion_does_not_move_the_draws_of_another():
    images = pictures(30)
    alone, both = (augment(images, parse_augmentation(text), draws(30)) for text in ("crop=3", "crop=3,colour=1e-9"))
    np.testing.assert_allclose(alone, both, atol=1e-5)


# Crop and mirror


def test_crop_and_mirror_are_windows_of_the_framed_image():
    """Every result is one of the (2p+1)^2 x 2 windows, and over many draws every one of them comes."""
    image = pictures(1, 4, 3)
    framed = np.pad(image[0], ((1, 1), (1, 1), (0, 0)))
    windows = [framed[t : t + 4, s : s + 3] for t in range(3) for s in range(3)]
    windows += [window[:, ::-1] for window in windows]
    out = augment(np.repeat(image, 600, 0), Augmentation(mirror=0.5, crop=1), draws(600))
    assert out.dtype == np.uint8
    counts = [sum(np.array_equal(window, one) for one in out) for window in windows]
    assert sum(counts) == 600 and min(counts) > 10


def test_mirror_always_and_never():
    images = pictures(8)
    np.testing.assert_array_equal(augment(images, Augmentation(mirror=1.0), draws(8)), images[:, :, ::-1])
    assert augment(images, Augmentation(), draws(8)) is images


# Resampling


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_bilinear_agrees_with_scipy(dtype):
    images = pictures(3, 9, 7).astype(dtype)
    rng = np.random.default_rng(0)
    y = rng.uniform(-3, 12, (3, 5, 6)).astype(np.float32)
    x = rng.uniform(-3, 10, (3, 5, 6)).astype(np.float32)
    found = bilinear(images, y, x)
    for i in range(3):
        for c in range(3):
            expected = map_coordinates(
                images[i, ..., c].astype(float), [y[i], x[i]], order=1, mode="grid-constant", cval=0.0
            )
            np.testing.assert_allclose(found[i, ..., c], expected, atol=0.02)


def test_a_quarter_turn_is_exact():
    image = pictures(1, 9, 9).astype(np.float32)
    rows, columns = np.mgrid[:9, :9].astype(np.float32)
    turned = bilinear(image, columns[None], 8 - rows[None])  # anticlockwise
    np.testing.assert_allclose(turned[0], np.rot90(image[0]), atol=1e-3)


def test_rotation_turns_a_point_as_far_as_the_draw_says():
    image = np.zeros((1, 41, 41, 1), np.uint8)
    image[0, 20, 35] = 255  # 15 pixels right of the centre
    how = Augmentation(rotation=90)
    for seed in range(6):
        out = augment(image, how, draws(1, seed))[0, ..., 0]
        row, column = np.average(np.argwhere(out > 0), axis=0, weights=out[out > 0])
        angle = math.degrees(math.atan2(20 - row, column - 20))  # anticlockwise as one sees it
        assert angle == pytest.approx(draws(1, seed).uniform(5, -90, 90)[0], abs=1.0)
        assert math.hypot(row - 20, column - 20) == pytest.approx(15, abs=0.4)


def test_the_linear_maps_have_the_sizes_that_their_names_say():
    many = draws(4000)
    zoomed = transforms(Augmentation(scale=0.3), many)
    np.testing.assert_allclose(zoomed[:, 0, 0], zoomed[:, 1, 1])
    assert zoomed[:, 0, 0].min() == pytest.approx(0.7, abs=0.01) and zoomed[:, 0, 0].max() == pytest.approx(
        1.3, abs=0.01
    )
    squeezed = transforms(Augmentation(squeeze=0.5), many)
    np.testing.assert_allclose(np.linalg.det(squeezed), 1)
    assert squeezed[:, 1, 1].max() == pytest.approx(1.5, abs=0.01)
    slanted = transforms(Augmentation(shear=45), many)
    np.testing.assert_array_equal(slanted[:, 0, 1], 0)
    assert slanted[:, 1, 0].max() == pytest.approx(1.0, abs=0.01)


def test_an_enlarged_square_is_larger():
    image = np.zeros((1, 40, 40, 1), np.uint8)
    image[0, 15:25, 15:25] = 200
    for seed in range(4):
        out = augment(image, Augmentation(scale=0.5), draws(1, seed))
        zoom = draws(1, seed).uniform(3, 0.5, 1.5)[0]
        assert out.sum() == pytest.approx(200 * 100 * zoom**2, rel=0.05)


def test_the_warp_is_smooth_and_as_strong_as_asked():
    steps = displacement(2.0, draws(400), 28, 20)
    assert steps.shape == (400, 2, 28, 20)
    assert 0.4 < steps.std() / 2.0 < 0.8  # a B-spline averages its control points
    assert np.abs(np.diff(steps, axis=2)).max() < 2.0
    constant = displacement(0.0, draws(2), 8, 8)
    np.testing.assert_array_equal(constant, 0)


# Colour


def test_colours_shift_by_one_step_for_each_image_and_channel():
    images = np.full((50, 4, 5, 3), 128, np.uint8)
    out = augment(images, Augmentation(colour=20), draws(50)) - 128
    np.testing.assert_array_equal(out, np.broadcast_to(out[:, :1, :1], out.shape))
    steps = out[:, 0, 0]
    assert 15 < np.abs(steps).max() <= 20 and len(np.unique(steps)) == 150
    dark = augment(np.zeros((50, 4, 5, 3), np.uint8), Augmentation(colour=20), draws(50))
    assert dark.min() == 0 and dark.dtype == np.float32


def test_pca_moves_colours_along_the_axes_of_the_data():
    images = np.full((3000, 1, 1, 3), 128, np.uint8)
    out = (augment(images, Augmentation(pca=0.1, basis=BASIS), draws(3000))[:, 0, 0] - 128) / 255
    along = out @ np.array(BASIS.vectors).T  # the amounts a_i values_i
    np.testing.assert_allclose(along.std(0), 0.1 * np.array(BASIS.values), rtol=0.05)
    np.testing.assert_allclose(np.cov(along.T) / np.outer(BASIS.values, BASIS.values), 0.01 * np.eye(3), atol=0.001)


def test_the_axes_are_those_of_the_covariance():
    images = pictures(300, 5, 5)
    images[..., 1] = images[..., 0] // 2 + images[..., 1] // 4
    basis = colour_basis(images)
    covariance = np.cov(images.reshape(-1, 3).T / 255, bias=True)
    for value, vector in zip(basis.values, basis.vectors, strict=True):
        np.testing.assert_allclose(covariance @ vector, value * np.array(vector), atol=1e-12)
        assert max(vector, key=abs) > 0 and np.linalg.norm(vector) == pytest.approx(1)
    assert list(basis.values) == sorted(basis.values, reverse=True)
    assert sum(basis.values) == pytest.approx(np.trace(covariance))


def test_pca_asks_for_what_it_needs():
    with pytest.raises(UsageError, match="pca needs the colour axes of the training data"):
        augment(pictures(2), Augmentation(pca=0.1), draws(2))
    with pytest.raises(UsageError, match="pca needs images with 3 colours, these have 1"):
        augment(pictures(2, channels=1), Augmentation(pca=0.1, basis=BASIS), draws(2))
    with pytest.raises(UsageError, match="3 colours"):
        colour_basis(pictures(2, channels=1))
