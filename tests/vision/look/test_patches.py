"""Top patches, filters and the sheets that show them: against loops over all activations, and pixel by pixel."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from class_folders import write_folders
from PIL import Image

from casecnn.cli import main
from casecnn.errors import InputError, UsageError
from casecnn.layers import BatchNorm, Conv, Flatten, Linear, MaxPool, Net
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.vision.look.contact_sheet import Group, contact_sheet, enlarged, overlaid, save_picture, signed
from casecnn.vision.look.deconvnet import Deconvnet
from casecnn.vision.look.evidence import percent
from casecnn.vision.look.filters import first_filters
from casecnn.vision.look.gallery import parse_channels
from casecnn.vision.look.patches import cut, top_patches
from casecnn.vision.look.receptive import Window
from casecnn.vision.pipeline.framing import Framing
from casecnn.vision.pipeline.images import IGNORED, Decoded, Undecoded, normalised
from casecnn.vision.pipeline.preprocess import Preprocess, convention
from casecnn.weights.state_dict import save

torch.set_num_threads(1)
HOW = Preprocess((12, 10), None)
SMALL = Net(
    "small",
    (3, 12, 10),
    (
        Conv("conv1", 4, 3, padding=1, bias=False),
        BatchNorm("norm1", activation="relu"),
        MaxPool("pool1", 2),
        Conv("conv2", 5, 2, activation="relu"),
        Flatten("flat"),
        Linear("fc", 3),
    ),
)


def pictures(n: int = 37) -> Decoded:
    return Decoded(np.random.default_rng(0).integers(0, 256, (n, 12, 10, 3), dtype=np.uint8), np.arange(n) % 3)


# Top patches


@pytest.mark.parametrize(("layer", "count"), [("conv2", 5), ("norm1", 3), ("fc", 4), ("conv2", 100)])
def test_the_strongest_are_those_of_all_activations_sorted(layer, count):
    module, data = build(SMALL, seed=1), pictures()
    deconvnet = Deconvnet(module)
    maps = deconvnet.maps(normalised(data.pixels, HOW), layer).numpy()
    found = top_patches(deconvnet, layer, [2, 0], data, HOW, count, batch_size=8)
    assert list(found) == [2, 0]
    for channel, patches in found.items():
        rows = [(float(one[channel].max()), number) for number, one in enumerate(maps)]
        rows.sort(key=lambda row: (-row[0], row[1]))
        assert [patch.picture for patch in patches] == [number for _, number in rows[:count]]
        np.testing.assert_allclose([patch.value for patch in patches], [value for value, _ in rows[:count]], rtol=1e-4)
        for patch in patches:
            if maps.ndim == 4:
                assert maps[patch.picture, channel, patch.row, patch.column] == pytest.approx(patch.value, rel=1e-4)


def test_the_window_of_a_patch_is_where_the_activation_comes_from():
    """With everything outside of its window changed, the activation stays; with the inside changed, it does not."""
    module, data = build(SMALL, seed=1), pictures()
    deconvnet = Deconvnet(module)
    patch = top_patches(deconvnet, "conv2", [3], data, HOW, 1)[3][0]
    seen = patch.seen.inside(12, 10)
    original = data.pixels[patch.picture : patch.picture + 1]
    inside = np.zeros((1, 12, 10, 1), bool)
    inside[0, seen.top : seen.bottom, seen.left : seen.right] = True
    for kept, same in ((inside, True), (~inside, False)):
        changed = np.where(kept, original, 255 - original)
        value = deconvnet.maps(normalised(changed, HOW), "conv2")[0, 3, patch.row, patch.column].item()
        assert (value == pytest.approx(patch.value, rel=1e-4)) is same


def test_unreadable_pictures_excite_nothing(tmp_path, capsys):
    folder = write_folders(tmp_path, {"": 3}, 12, 10)
    files = sorted(folder.rglob("*.png"))
    files[4].write_bytes(b"")
    data = Undecoded([str(f) for f in files], list(files), np.zeros(9, np.int64), Framing(), HOW)
    found = top_patches(Deconvnet(build(SMALL, seed=1)), "conv2", [0], data, HOW, 20)
    assert sorted(patch.picture for patch in found[0]) == [0, 1, 2, 3, 5, 6, 7, 8]
    assert data.take(np.array([4]), None)[1].tolist() == [IGNORED]
    assert "skipped" in capsys.readouterr().err


def test_what_is_asked_wrongly_is_told():
    deconvnet = Deconvnet(build(SMALL, seed=1))
    with pytest.raises(UsageError, match=r"channels` \(=5\) must be a whole number from 0 to 4"):
        top_patches(deconvnet, "conv2", [5], pictures(), HOW)
    with pytest.raises(UsageError, match=r"top` \(=0\)"):
        top_patches(deconvnet, "conv2", [1], pictures(), HOW, 0)
    with pytest.raises(InputError, match="no layer `conv5`"):
        top_patches(deconvnet, "conv5", [1], pictures(), HOW)


def test_a_window_that_reaches_outside_is_black_there():
    image = np.arange(1, 13, dtype=np.uint8).reshape(3, 4, 1)
    np.testing.assert_array_equal(cut(image, Window(-1, 2, 2, 6))[..., 0], [[0, 0, 0, 0], [3, 4, 0, 0], [7, 8, 0, 0]])
    np.testing.assert_array_equal(cut(image, Window(0, 0, 3, 4)), image)


# Images of numbers


def test_mid_grey_is_zero():
    filter_ = np.array([[[0.0, 1.0], [-1.0, 0.5]]])
    np.testing.assert_array_equal(signed(filter_)[..., 0], [[128, 255], [0, 191]])
    assert signed(filter_).shape == (2, 2, 3) and (signed(np.zeros((3, 2, 2))) == 128).all()


def test_first_filters_are_the_weights():
    module = build(get_net("lenet5"), seed=0)
    name, filters = first_filters(module)
    weight = module.c1.weight.detach().numpy()
    assert name == "c1" and filters.shape == (6, 5, 5, 3)
    for k in range(6):
        shown = filters[k, :, :, 0].astype(float) - 127.5
        np.testing.assert_allclose(shown / 127.5, weight[k, 0] / np.abs(weight[k]).max(), atol=0.005)
    with pytest.raises(UsageError, match="only 1 or 3 can be shown"):
        first_filters(build(get_net("policy-k128"), init="zeros"))


def test_a_sheet_holds_every_tile_with_hard_edges():
    tiles = [np.full((5, 5, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    sheet = np.asarray(contact_sheet("Title", [Group("one", tiles[:2], 2), Group("two", tiles[2:], 2)], side=50))
    for tile in tiles:
        found = np.argwhere((sheet == tile[0, 0]).all(-1))
        assert len(found) == 50 * 50  # ten pixels for one, nothing in between
    assert (sheet[0] == 255).all() and (sheet[:, 0] == 255).all() and (sheet < 100).all(-1).any()
    with pytest.raises(UsageError, match="nothing to show"):
        contact_sheet("x", [])


def test_large_tiles_are_made_smaller_and_captions_fit():
    assert enlarged(np.zeros((300, 100, 3), np.uint8), 60).size == (20, 60)
    long = contact_sheet(
        "", [Group("a caption of very many words " * 4 + "x" * 99, [np.zeros((9, 9, 3), np.uint8)], 1)]
    )
    assert long.width < 400


def test_a_heat_map_leaves_cold_parts_grey():
    image = np.full((4, 4, 3), (200, 100, 50), np.uint8)
    heat = np.zeros((4, 4))
    heat[1, 1] = 1
    out = overlaid(image, heat)
    grey = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    assert (out[0, 0] == grey).all() and out[1, 1].max() - out[1, 1].min() > 20


def test_numbers_in_words():
    assert parse_channels("0-3, 7,2") == [0, 1, 2, 3, 7] and parse_channels(None) is None
    for wrong in ("3-1", "a", "", "1,,2", "-1", "1-"):
        with pytest.raises(UsageError, match="must be numbers and rising ranges"):
            parse_channels(wrong)
    assert [percent(share) for share in (1.0, 0.5, 0.004, 0.0)] == ["100%", "50%", "<1%", "<1%"]


def test_a_picture_is_written_whole_or_not_at_all(tmp_path):
    image = Image.new("RGB", (4, 4))
    for name in ("a.png", "b.pdf", "c.webp"):
        save_picture(image, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 20
    with pytest.raises(UsageError, match=r"`output` \(=.*x.gif\) must end in .png"):
        save_picture(image, tmp_path / "x.gif")
    with pytest.raises(InputError, match="does not exist"):
        save_picture(image, tmp_path / "none" / "x.png")


# The command


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("visual")
    write_folders(folder / "data", {"test": 4}, 32, 32)
    metadata = {"net": "resnet20", "arguments": {"classes": 3}, "classes": ["bright", "dark", "striped"],
                "preprocessing": str(convention((3, 32, 32)))}  # fmt: skip
    save(folder / "net.safetensors", build(get_net("resnet20", classes=3), seed=0).state_dict(), metadata)
    return folder


@pytest.mark.parametrize("what", ["filters", "top", "deconvnet", "gradcam"])
def test_the_command_draws(trained, tmp_path, capsys, what):
    output = tmp_path / "out.png"
    data = [] if what == "filters" else ["--data", str(trained / "data"), "--limit", "6"]
    layer = [] if what == "filters" else ["--layer", "stage2.2.block", "--top", "3"]
    weights = ["--weights", str(trained / "net.safetensors"), "--format", "json"]
    assert main(["vision", "visualise", what, "resnet20", *data, *layer, *weights, "-o", str(output)]) == 0
    facts = json.loads(capsys.readouterr().out)
    with Image.open(output) as image:
        assert image.size == (facts["width"], facts["height"]) and len(image.convert("RGB").getcolors(1 << 24)) > 20
    assert facts["layer"] == ("conv1" if what == "filters" else "stage2.2.block")
    if what == "gradcam":
        assert len(facts["pictures"]) == 6 and len(facts["pictures"][0]["classes"]) == 3
        assert sum(row["probability"] for row in facts["pictures"][0]["classes"]) == pytest.approx(1, abs=1e-3)
    if what == "top":
        assert all(len(row["patches"]) <= 3 for row in facts["maps"]) and len(facts["maps"]) == 9


def test_the_command_takes_image_files(trained, tmp_path, capsys):
    file = trained / "data" / "test" / "dark" / "001.png"
    arguments = ["vision", "visualise", "gradcam", "resnet20", str(file), "--weights", str(trained / "net.safetensors")]
    assert main([*arguments, "-o", str(tmp_path / "x.png")]) == 0
    capsys.readouterr()
    copy = tmp_path / "copy.png"
    copy.write_bytes(file.read_bytes())
    assert main([*arguments[:4], str(copy), *arguments[5:], "-o", str(copy)]) == 2
    assert "is read here and never overwritten" in capsys.readouterr().err and copy.read_bytes() == file.read_bytes()
    (tmp_path / "bad.png").write_bytes(b"nothing")
    arguments[4] = str(tmp_path / "bad.png")
    assert main([*arguments, "-o", str(tmp_path / "y.png")]) == 1
    assert "bad.png' is not an image" in capsys.readouterr().err and not (tmp_path / "y.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gradcam"], "'gradcam' needs either `IMAGE` or `--data`; give one"),
        (["top", "--top", "0"], "top` (=0) must be a whole number of at least 1"),
        (["filters", "-o", "x.gif"], "must end in .png"),
        (["deconvnet", "--data", "DATA", "--layer", "conv9"], "no layer `conv9`"),
        (["deconvnet", "--data", "DATA", "--feature-maps", "999"], "must be from 0 to 63"),
        (["deconvnet", "--data", "DATA", "--feature-maps", "5-2"], "rising ranges"),
        (["gradcam", "--data", "DATA", "--layer", "fc"], "gives no maps"),
    ],
)
def test_wrong_usage_is_one_line(trained, tmp_path, capsys, arguments, message):
    what, *options = [str(trained / "data") if part == "DATA" else part for part in arguments]
    line = ["vision", "visualise", what, "resnet20", "--weights", str(trained / "net.safetensors"),
            "-o", str(tmp_path / "x.png"), *options]  # fmt: skip
    assert main(line) in (1, 2)
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1 and message in error[0]
