"""Names and files of weights: what is refused matters as much as what is read."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from packaged_net import NAME, TENSORS, package

from casecnn.errors import InputError, UsageError
from casecnn.weights import record as records
from casecnn.weights import state_dict as weights


@pytest.fixture
def folder(tmp_path) -> Path:
    return package(tmp_path)


# From a name or a path to a file


def test_a_name_of_the_folder(folder):
    path, found = weights.resolve(NAME, folder)
    assert path == folder / f"{NAME}.safetensors"
    assert found == records.read(folder / f"{NAME}.json")


def test_a_path_with_and_without_a_record(folder, tmp_path_factory):
    path = folder / f"{NAME}.safetensors"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert weights.resolve(path, elsewhere).record == records.read(folder / f"{NAME}.json")
    (folder / f"{NAME}.json").write_text('{"epochs": 3}')  # something else's settings, not a record
    assert weights.resolve(str(path), elsewhere) == (path, None)


@pytest.mark.parametrize("which", [".", "", "/"])
def test_a_folder_is_no_weights(folder, which):
    with pytest.raises(InputError, match="it is a folder, not a file"):
        weights.resolve(which, folder)


@pytest.mark.parametrize("by_path", [True, False])
def test_a_changed_byte_is_found(folder, by_path):
    path = folder / f"{NAME}.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    found, right = hashlib.sha256(content).hexdigest(), records.read(folder / f"{NAME}.json").sha256
    with pytest.raises(InputError) as caught:
        weights.resolve(path if by_path else NAME, folder)
    assert str(caught.value) == f"'{path}' is damaged: its SHA-256 is {found}, its record says {right}"


def test_a_truncated_file_is_found_by_its_size(folder):
    path = folder / f"{NAME}.safetensors"
    size = path.stat().st_size
    os.truncate(path, size - 1)
    with pytest.raises(InputError) as caught:
        weights.resolve(NAME, folder)
    assert str(caught.value) == f"'{path}' is damaged: it is {size - 1:,} bytes, its record says {size:,}"


def test_what_is_not_there(folder):
    path = folder / f"{NAME}.safetensors"
    path.unlink()
    with pytest.raises(InputError) as caught:
        weights.resolve(NAME, folder)
    assert str(caught.value) == f"cannot read '{path}': there is no such file"
    for missing in ("none.safetensors", "none.pt", os.path.join("runs", "best")):
        with pytest.raises(InputError) as caught:
            weights.resolve(missing, folder)
        assert str(caught.value) == f"cannot read '{missing}': there is no such file"
    with pytest.raises(InputError) as caught:
        weights.resolve(folder, folder)
    assert str(caught.value) == f"cannot read '{folder}': it is a folder, not a file"
    with pytest.raises(UsageError, match="there are no weights 'policy-k48'; did you mean policy-k48.tygem9d-v1?"):
        weights.resolve("policy-k48", folder)


def test_a_name_without_a_folder_of_weights(tmp_path):
    with pytest.raises(UsageError, match="there are no weights 'a'; none are packaged here; give a file"):
        weights.resolve("a", tmp_path / "none")


@pytest.mark.parametrize(
    ("variables", "platform", "expected"),
    [
        ({"CASECNN_CACHE": "/a/b", "XDG_CACHE_HOME": "/x"}, "linux", "/a/b"),
        ({"CASECNN_CACHE": "~/c"}, "linux", "/home/go/c"),
        ({"XDG_CACHE_HOME": "/x"}, "linux", "/x/casecnn"),
        ({"XDG_CACHE_HOME": "relative"}, "linux", "/home/go/.cache/casecnn"),
        ({"CASECNN_CACHE": ""}, "linux", "/home/go/.cache/casecnn"),
        ({}, "darwin", "/home/go/Library/Caches/casecnn"),
        ({"LOCALAPPDATA": "/local"}, "win32", "/local/casecnn/Cache"),
    ],
)
def test_the_cache_folder(monkeypatch, variables, platform, expected):
    for name in ("CASECNN_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/go", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert weights.cache_folder() == Path(expected)


def test_the_folder_of_a_package():
    folder = weights.packaged("casecnn.go")
    assert folder.name == "weights" and (folder.parent / "__init__.py").is_file()


# Tensors


def equal(a, b) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) and a[name].dtype == b[name].dtype for name in a)


def test_save_and_load_are_bit_equal_with_metadata(tmp_path):
    metadata = {"net": "policy_net", "arguments": {"k": 48}, "note": "größer", "none": None, "epochs": [1, 2]}
    weights.save(tmp_path / "a.safetensors", TENSORS, metadata)
    loaded = weights.load(tmp_path / "a.safetensors")
    assert equal(loaded.tensors, TENSORS) and loaded.metadata == metadata
    first = (tmp_path / "a.safetensors").read_bytes()
    weights.save(tmp_path / "a.safetensors", dict(reversed(TENSORS.items())), metadata)
    assert (tmp_path / "a.safetensors").read_bytes() == first


def test_tensors_that_share_memory_or_need_gradients_are_saved(tmp_path):
    base = torch.arange(6.0, requires_grad=True)
    weights.save(tmp_path / "a.safetensors", {"a": base, "b": base, "c": base.reshape(2, 3).T})
    loaded = weights.load(tmp_path / "a.safetensors").tensors
    assert torch.equal(loaded["a"], loaded["b"]) and torch.equal(loaded["c"], base.detach().reshape(2, 3).T)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_on_request(tmp_path, dtype):
    weights.save(tmp_path / "a.safetensors", {"a": torch.tensor([0.1]).to(dtype), "n": torch.tensor([3])})
    assert weights.load(tmp_path / "a.safetensors").tensors["a"].dtype == dtype
    wide = weights.load(tmp_path / "a.safetensors", float32=True).tensors
    assert wide["a"].dtype == torch.float32 and wide["n"].dtype == torch.int64
    assert torch.equal(wide["a"], torch.tensor([0.1]).to(dtype).float())


def test_storing_in_half_precision(tmp_path):
    weights.save(tmp_path / "a.safetensors", {"a": torch.tensor([0.1]), "n": torch.tensor([3])}, half=True)
    loaded = weights.load(tmp_path / "a.safetensors").tensors
    assert loaded["a"].dtype == torch.float16 and loaded["n"].dtype == torch.int64
    with pytest.raises(InputError, match="'b' has values too large for float16"):
        weights.save(tmp_path / "a.safetensors", {"b": torch.tensor([70_000.0])}, half=True)
    assert equal(weights.load(tmp_path / "a.safetensors").tensors, loaded)


def test_a_safetensors_file_of_another_program(tmp_path):
    from safetensors.torch import save_file

    save_file(TENSORS, tmp_path / "a.safetensors", {"format": "pt"})
    loaded = weights.load(tmp_path / "a.safetensors")
    assert equal(loaded.tensors, TENSORS) and loaded.metadata == {}


@pytest.mark.parametrize("metadata", ["{", "[1]"])
def test_metadata_that_is_not_an_object(tmp_path, metadata):
    from safetensors.torch import save_file

    save_file(TENSORS, tmp_path / "a.safetensors", {"casecnn": metadata})
    with pytest.raises(InputError, match="its metadata (is not JSON|must be one JSON object)"):
        weights.load(tmp_path / "a.safetensors")


def test_a_state_dict_of_torch(tmp_path):
    torch.save(TENSORS, tmp_path / "a.pt")
    assert equal(weights.load(tmp_path / "a.pt").tensors, TENSORS)
    torch.save({"state_dict": TENSORS, "epoch": 3}, tmp_path / "a.pth")
    assert equal(weights.load(tmp_path / "a.pth").tensors, TENSORS)
    torch.save(TENSORS, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert equal(weights.load(tmp_path / "old.pt").tensors, TENSORS)


class Trap:
    """Would make a file if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def torch_bytes(content, **options) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def test_a_pickle_is_never_run(tmp_path):
    trap = Trap(tmp_path / "sprung")
    contents = {
        "plain": pickle.dumps(trap),
        "proto2": pickle.dumps(trap, 2),
        "zip": torch_bytes({"a": trap}),
        "before-1.6": torch_bytes({"a": trap}, _use_new_zipfile_serialization=False),
    }
    for name, content in contents.items():
        for ending in (".pt", ".pth", ".safetensors", ".pkl", ".bin", ""):
            path = tmp_path / (name + ending)
            path.write_bytes(content)
            with pytest.raises(InputError) as caught:
                weights.load(path)
            assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    assert not trap.path.exists()
    pickle.loads(contents["plain"])
    assert trap.path.is_dir()  # the trap itself works


BAD = "it is damaged, or a pickle that holds more than tensors"
GOOD = torch_bytes(TENSORS)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.safetensors", b"", "it is empty"),
        ("a.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "it is text"),
        (
            "a.safetensors",
            GOOD,
            "it is a pickle, a torch archive or a zip file (a state dict of torch must end in .pt or .pth)",
        ),
        ("a.safetensors", b"\x01\x02\x03", "it is truncated or damaged"),
        ("a.safetensors", b"\xff" * 64, "it is truncated or damaged"),
        ("a.pt", b"", "it is empty"),
        ("a.pt", b"version https://git-lfs.github.com/spec/v1\n", "it is text"),
        ("a.pt", GOOD[: len(GOOD) // 2], BAD),
        ("a.pt", b"\x80\x02", BAD),
        ("a.pt", torch_bytes({"a": 1}), "must hold a state dict, tensors by name; it holds dict without any"),
        ("a.pt", torch_bytes({0: torch.ones(1)}), "must hold a state dict, tensors by name; it holds dict"),
        ("a.pt", torch_bytes(torch.ones(1)), "must hold a state dict, tensors by name; it holds Tensor"),
        ("a.pt", torch_bytes({}), "must hold a state dict, tensors by name; it holds dict"),
        ("a.dat", GOOD, "must end in .safetensors, .pt or .pth to be read as weights"),
    ],
    ids=range(14),
)
def test_files_that_are_not_weights(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        weights.load(tmp_path / name)
    message = str(caught.value)
    assert message.startswith(f"'{tmp_path / name}' ") and problem in message and "\n" not in message


def test_every_truncation_of_a_safetensors_file_is_refused(tmp_path):
    weights.save(tmp_path / "a.safetensors", TENSORS, {"net": "x"})
    content = (tmp_path / "a.safetensors").read_bytes()
    for length in range(len(content)):
        (tmp_path / "b.safetensors").write_bytes(content[:length])
        with pytest.raises(InputError):
            weights.load(tmp_path / "b.safetensors")


@pytest.mark.parametrize("ending", [".safetensors", ".pt"])
def test_damaged_bytes_are_read_or_refused_in_one_line(tmp_path, ending):
    """Any byte may be wrong: the tensors come out, or an InputError; nothing else, ever."""
    good = tmp_path / f"good{ending}"
    weights.save(good, TENSORS, {"net": "x"}) if ending == ".safetensors" else good.write_bytes(GOOD)
    content = good.read_bytes()
    chance, refused = random.Random(0), 0
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(chance.choice([1, 2, 8])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        (tmp_path / f"a{ending}").write_bytes(damaged)
        try:
            weights.load(tmp_path / f"a{ending}", float32=True)
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
    assert 100 < refused < 300


def test_folders_and_missing_files(tmp_path):
    (tmp_path / "a.safetensors").mkdir()
    with pytest.raises(InputError, match="it is a folder, not a file"):
        weights.load(tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="there is no such file"):
        weights.load(tmp_path / "b.pt")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="it is not a regular file"):
        weights.load(tmp_path / "a.safetensors")


def test_fill_copies_all_or_nothing():
    net = torch.nn.Linear(3, 2)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    good = {"weight": torch.ones(2, 3), "bias": torch.ones(2)}
    for tensors, problem in [
        ({"weight": good["weight"]}, "it has no tensor 'bias' (2,)"),
        ({**good, "bias": torch.ones(3)}, "tensor 'bias' has the shape (3,), it must be (2,)"),
        ({**good, "extra": torch.ones(1)}, "it has a tensor 'extra' that the net does not"),
    ]:
        with pytest.raises(InputError) as caught:
            weights.fill(net, tensors, "a.pt")
        assert str(caught.value) == f"'a.pt' does not fit the net: {problem}"
        assert equal(net.state_dict(), before)
    weights.fill(net, good, "a.pt")
    assert equal(net.state_dict(), good)


@pytest.mark.slow
def test_a_full_disk_leaves_the_old_weights(tmp_path):
    weights.save(tmp_path / "a.safetensors", TENSORS)
    program = (
        "import resource, sys, torch\n"
        "from casecnn import weights\n"
        "from casecnn.errors import InputError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: weights.save(sys.argv[1], {'a': torch.zeros(10_000)})\n"
        "except InputError as error: print(error)\n"
    )
    target = str(tmp_path / "a.safetensors")
    done = subprocess.run([sys.executable, "-c", program, target], capture_output=True, text=True)
    rule = "the file would be larger than the limit set for this process or file system"
    assert done.stdout == f"cannot write '{target}': {rule}\n", done.stderr
    assert equal(weights.load(target).tensors, TENSORS)
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_the_module_imports_no_torch():
    program = "import sys, casecnn.weights.state_dict; print('torch' in sys.modules or 'safetensors' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
