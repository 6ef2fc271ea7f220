"""Folders that are no classes, parts without labels, data sets that are known."""

from __future__ import annotations

import numpy as np
import pytest
from image_files import encoded, noise

from casecnn.errors import InputError
from casecnn.vision.data.entries import is_litter
from casecnn.vision.data.known import CIFAR10, known_data
from casecnn.vision.data.labelled_images import Source, open_data
from casecnn.vision.data.layout import find_layout

IMAGE = encoded(noise(4, 5, 3, seed=1))


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(IMAGE)
    return folder


@pytest.mark.parametrize(
    "junk",
    [".git", ".ipynb_checkpoints", "@eaDir", "$RECYCLE.BIN", ".Trash-1000", "__MACOSX", "System Volume Information"],
)
def test_folders_of_tools_and_systems_are_no_classes(tmp_path, junk):
    write(tmp_path, "cat/1.png", "dog/2.png", f"{junk}/x.png", f"cat/{junk}/y.png")
    data = open_data(tmp_path)
    assert data.classes == ("cat", "dog") and len(data) == 2
    assert len(data.notes) == 1 and junk in data.notes[0]


def test_folders_without_images_are_left_out_with_one_note(tmp_path):
    write(tmp_path, "cat/1.png", "dog/2.png", "notes/read me.txt", "code/a.py")
    (tmp_path / "empty").mkdir()
    data = open_data(tmp_path)
    assert data.classes == ("cat", "dog") and len(data.notes) == 1
    assert all(name in data.notes[0] for name in ("notes", "code", "empty"))
    assert open_data(write(tmp_path / "x", "a/1.png", "b/1")).notes == []


def test_kaggles_folders_beside_the_images_are_looked_past(tmp_path):
    inner = "ILSVRC/Data/CLS-LOC"
    names = [f"{inner}/train/n01440764/1.JPEG", f"{inner}/train/n01443537/2.JPEG", f"{inner}/val/v1.JPEG"]
    write(tmp_path, *names, "ILSVRC/Annotations/CLS-LOC/train/n01440764/1.xml", "ILSVRC/ImageSets/CLS-LOC/val.txt")
    (tmp_path / "LOC_val_solution.csv").write_text("ImageId,PredictionString\nv1,n01443537 1 2 3 4 \n")
    source = Source(tmp_path)
    assert source.part("train").classes == ("n01440764", "n01443537")
    assert source.part("val").classes == ("n01443537",)
    assert source.find("test") is None


def test_a_part_without_labels_names_the_others(tmp_path):
    write(tmp_path, "train/a/1.png", "train/b/2.png", "val/a/3.png", "test/4.png")
    with pytest.raises(InputError, match=r"have no labels; give another part, such as '.*val', or put labels.csv"):
        open_data(tmp_path)
    assert len(open_data(tmp_path, split="val")) == 1


def test_a_drawn_image_keeps_its_number(tmp_path):
    from casecnn.vision.data.idx import Arrays
    from casecnn.vision.data.labelled_images import ArrayData

    data = ArrayData("d", "", "01", Arrays(np.zeros((30, 2, 2), np.uint8), np.arange(30) % 2))
    chosen = np.sort(np.random.default_rng(3).choice(30, 4, replace=False))
    assert [sample.name for sample in data.take(4, seed=3)] == [f"d[{number}]" for number in chosen]


def test_known_data_sets():
    digits = tuple("0123456789")
    assert known_data("mnist", "test", digits, 10_000) == "MNIST test" == known_data("/x", "test", digits, 10_000)
    assert known_data("/x", "test", digits, 500) == "" == known_data("mnist", "train", digits, 60_000)
    assert known_data("/x", "test", CIFAR10, 10_000) == "CIFAR-10 test"
    assert known_data("/x", "", tuple(map(str, range(1000))), 50_000) == "ImageNet validation"
    assert known_data("imagenette", "val", digits, 3925) == ""


def test_litter():
    assert is_litter("a/.git/x") and is_litter("Thumbs.db") and is_litter("x/._1.jpg")
    assert not is_litter("a/.hidden.jpg")
    assert find_layout(["train/a/1", "train/b/2", "notes/x.txt"], "d").split == "train"
