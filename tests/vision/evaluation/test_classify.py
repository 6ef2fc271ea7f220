"""`casecnn vision classify` as a user runs it."""

from __future__ import annotations

import io
import json
import sys
import zipfile

import numpy as np
import pytest
import torch
from image_files import encoded, noise

from casecnn.cli import main
from casecnn.nets.catalogue import get_net
from casecnn.torch_net.build import build
from casecnn.vision.pipeline.preprocess import Preprocess
from casecnn.weights.state_dict import save

HOW = Preprocess((32, 32), 32, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
NAMES = [f"name {number}" for number in range(10)]


@pytest.fixture
def arguments(tmp_path):
    torch.set_num_threads(1)
    facts = {"net": "resnet20", "arguments": {}, "classes": NAMES, "preprocessing": str(HOW)}
    save(tmp_path / "w.safetensors", build(get_net("resnet20"), seed=0).state_dict(), facts)
    return ["vision", "classify", "--net", "resnet20", "--weights", str(tmp_path / "w.safetensors"), "--device", "cpu"]


def expected(picture: np.ndarray) -> np.ndarray:
    """Probabilities by the plain module."""
    module = build(get_net("resnet20"), seed=0).eval()
    x = torch.from_numpy((picture / 255.0 - 0.5) / 0.25).float().permute(2, 0, 1)[None]
    with torch.no_grad():
        return module(x).softmax(1)[0].numpy()


def test_the_top_classes_with_their_probabilities(tmp_path, arguments, capsys):
    picture = noise(32, 32, 3)
    (tmp_path / "a.png").write_bytes(encoded(picture))
    command = [*arguments, str(tmp_path / "a.png"), "--top", "3", "--precision", "float32"]
    assert main([*command, "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    p = expected(picture)
    order = np.argsort(-p)[:3]
    assert [guess["name"] for guess in answer["guesses"]] == [NAMES[i] for i in order]
    np.testing.assert_allclose([guess["probability"] for guess in answer["guesses"]], p[order], rtol=1e-3)
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(tmp_path / "a.png") and lines[1].endswith(f"%  {NAMES[order[0]]}") and len(lines) == 4


def test_folders_archives_and_standard_input(tmp_path, arguments, capsys, monkeypatch):
    content = encoded(noise(32, 32, 3))
    (tmp_path / "folder").mkdir()
    for name in ("1.png", "2.png", ".DS_Store"):
        (tmp_path / "folder" / name).write_bytes(content)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("in/3.png", content)
    monkeypatch.setattr(sys, "stdin", type("In", (), {"buffer": io.BytesIO(content)})())
    sources = [str(tmp_path / "folder"), str(tmp_path / "x.zip"), "-"]
    assert main([*arguments, *sources, "--format", "json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["picture"] for row in rows] == [
        f"{tmp_path}/folder/1.png", f"{tmp_path}/folder/2.png", f"{tmp_path}/x.zip:in/3.png", "<stdin>",
    ]  # fmt: skip


def test_what_cannot_be_read_is_skipped_and_told(tmp_path, arguments, capsys):
    (tmp_path / "good.png").write_bytes(encoded(noise(32, 32, 3)))
    (tmp_path / "bad.png").write_bytes(b"nothing")
    sources = [str(tmp_path / name) for name in ("bad.png", "gone.png", "good.png")]
    assert main([*arguments, *sources]) == 0
    out, err = capsys.readouterr()
    assert "good.png" in out and "bad.png" not in out
    assert f"skipped '{tmp_path}/bad.png': it is not an image of a kind that can be read: it is text" in err
    assert f"skipped '{tmp_path}/gone.png': it cannot be read: there is no such file" in err
    assert err.splitlines()[-1] == "casecnn: warning: 2 of 3 files were skipped" and "Traceback" not in err
    assert main([*arguments, *sources[:2]]) == 1
    assert "casecnn: error: none of the 2 files is an image that can be read" in capsys.readouterr().err


def test_wrong_options_are_one_line(tmp_path, arguments, capsys):
    (tmp_path / "a.png").write_bytes(encoded(noise(32, 32, 3)))
    assert main([*arguments, str(tmp_path / "a.png"), "--top", "0"]) == 2
    assert "`--top` (=0) must be a whole number of at least 1" in capsys.readouterr().err


def test_of_fewer_classes_than_asked_for_all_are_shown(tmp_path, arguments, capsys):
    (tmp_path / "a.png").write_bytes(encoded(noise(32, 32, 3)))
    assert main([*arguments, str(tmp_path / "a.png"), "--top", "11"]) == 0
    assert capsys.readouterr().out.count("%") == 10


def test_a_folder_without_files_is_said_to_have_none(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["vision", "classify", str(tmp_path / "empty"), "--net", "lenet5"]) == 1
    assert f"there are no files in '{tmp_path / 'empty'}'" in capsys.readouterr().err
