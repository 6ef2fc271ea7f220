"""Checkpoints are whole or refused, hold nothing that runs code, and give up their weights."""

import io
import pickle
import zipfile
from dataclasses import replace

import pytest
import torch
from trainee import RECIPES, net, start

from casecnn.errors import InputError, UsageError
from casecnn.training.checkpoint import load_checkpoint, load_weights, save_checkpoint


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return start(folder, replace(RECIPES["muon"], steps=12)), folder / "checkpoint.pt"


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_checkpoint_is_refused_in_one_line(run, tmp_path, part):
    whole = run[1].read_bytes()
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(InputError) as caught:
        start(tmp_path, replace(RECIPES["muon"], steps=12))
    assert str(caught.value) == (
        f"checkpoint '{path}' is truncated, damaged or of another kind; "
        "use an earlier copy, or delete it to train from the start"
    )


def test_one_flipped_bit_in_a_tensor_is_found(run, tmp_path):
    content = bytearray(run[1].read_bytes())
    weight = run[0].weights["head.weight"].numpy().tobytes()
    place = content.find(weight[:64])
    assert place > 0
    content[place + 10] ^= 4
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(InputError, match=r"is damaged \(its part .* fails the checksum\)"):
        load_checkpoint(tmp_path / "checkpoint.pt")


class Harmful:
    def __reduce__(self):
        return (print, ("code of the file was run",))


def test_code_in_a_file_is_not_run(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    torch.save({"format": "casecnn-checkpoint", "version": 1, "step": Harmful()}, path)
    with pytest.raises(InputError, match="of another kind"):
        load_checkpoint(path)
    path.write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(InputError, match="of another kind"):
        load_checkpoint(path)
    assert "code" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ({"weights": torch.zeros(2)}, "is not a training checkpoint of this package"),
        (torch.zeros(2), "is not a training checkpoint of this package"),
        ({"format": "casecnn-checkpoint", "version": 2}, "has version 2, this package reads version 1"),
        ({"format": "casecnn-checkpoint", "version": 1, "step": 1}, "lacks 'average'"),
    ],
)
def test_other_files_are_refused(tmp_path, content, shown):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(InputError, match=shown):
        load_checkpoint(tmp_path / "other.pt")


def test_a_missing_file_and_a_zip_of_something_else(tmp_path):
    with pytest.raises(InputError, match="cannot read .*absent.pt': there is no such file"):
        load_checkpoint(tmp_path / "absent.pt")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "hello")
    (tmp_path / "other.pt").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="of another kind"):
        load_checkpoint(tmp_path / "other.pt")


def test_a_failed_write_leaves_the_checkpoint_before(run, tmp_path):
    path = tmp_path / "checkpoint.pt"
    content = load_checkpoint(run[1])
    for name in ("format", "version"):
        del content[name]
    save_checkpoint(path, content)
    before = path.read_bytes()
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        save_checkpoint(path, {**content, "metadata": lambda: None})
    assert path.read_bytes() == before and [*tmp_path.iterdir()] == [path]
    with pytest.raises(InputError, match="the folder .* does not exist"):
        save_checkpoint(tmp_path / "no" / "checkpoint.pt", content)


def test_weights_come_out_of_a_checkpoint(run, tmp_path):
    result, path = run
    average, last, best = (load_weights(path, which) for which in ("average", "last", "best"))
    assert all(torch.equal(average[name], value) for name, value in result.weights.items())
    assert all(torch.equal(best[name], value) for name, value in result.best.weights.items())
    assert not torch.equal(last["head.weight"], average["head.weight"])
    for weights in (average, last, best):
        net().load_state_dict(weights)
    with pytest.raises(UsageError, match="must be one of best, average, last"):
        load_weights(path, "worst")
    start(tmp_path, replace(RECIPES["sgd"], steps=2, ema_decay=None), evaluate=None)
    with pytest.raises(UsageError, match="no 'average' weights: its run keeps no average"):
        load_weights(tmp_path / "checkpoint.pt", "average")
    with pytest.raises(UsageError, match="no 'best' weights: its run has not been evaluated yet"):
        load_weights(tmp_path / "checkpoint.pt", "best")
