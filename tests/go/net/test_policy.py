"""The packaged weights and their records; what is not a policy network is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from casecnn.errors import InputError, UsageError
from casecnn.go.net import declaration as nets
from casecnn.go.net.move_policy import UniformPolicy, for_games
from casecnn.go.net.policy import DEFAULT, load_policy
from casecnn.go.net.policy_value import load_policy_value
from casecnn.go.position import Position
from casecnn.nets.value import policy_value_net
from casecnn.torch_net import precision as precision_module
from casecnn.torch_net.build import build
from casecnn.weights import record as records
from casecnn.weights.state_dict import load, packaged, save

RECORDS = records.read_folder(packaged("casecnn.go"))


def test_the_default_is_packaged():
    assert DEFAULT in RECORDS
    policy = load_policy(device="cpu")
    assert policy.name == DEFAULT and policy.size == 19


@pytest.mark.parametrize("name", RECORDS)
def test_records_are_true(name):
    record = RECORDS[name]
    net = {"policy_net": nets.policy_net, "policy_value_net": policy_value_net}[record.net](**record.arguments)
    assert (net.parameters, net.macs) == (record.parameters, record.macs)
    loaded = load(packaged("casecnn.go") / record.file)
    trained = [tensor for key, tensor in loaded.tensors.items() if "running_" not in key and "num_batches" not in key]
    assert sum(tensor.numel() for tensor in trained) == record.parameters
    assert loaded.metadata["arguments"] == dict(record.arguments)
    read = load_policy_value if record.net == "policy_value_net" else load_policy
    assert read(name, "cpu").arguments == dict(record.arguments)
    for figure in record.figures.values():
        assert 0 < figure.value < 10 and figure.data and figure.command.startswith("casecnn go eval ")


def test_probabilities():
    policy = load_policy(device="cpu")
    planes = np.zeros((2, 48, 19, 19), np.uint8)
    assert np.allclose(policy.probabilities(planes).sum(1), 1, atol=1e-5)
    with pytest.raises(UsageError, match=r"^`planes` \(2, 48, 9, 9\) must have the shape \(N, 48, 19, 19\)$"):
        policy.probabilities(np.zeros((2, 48, 9, 9), np.uint8))


def positions(moves):
    """Planes along a game of the default net against itself."""
    policy, position, planes = load_policy(device="cpu"), Position(19), []
    for _ in range(moves):
        planes.append(position.features())
        position.play(int(policy.probabilities(planes[-1][None], symmetries=False)[0].argmax()))
    return np.stack(planes)


@pytest.mark.slow
def test_bfloat16_says_nearly_the_same():
    planes = positions(24)
    exact = load_policy(device="cpu").probabilities(planes)
    rounded = load_policy(device="cpu", precision="bfloat16")
    assert rounded.precision == "bfloat16" and next(rounded.module.parameters()).dtype == torch.float32
    found = rounded.probabilities(planes)
    assert found.dtype == np.float32 and np.allclose(found.sum(1), 1, atol=1e-5)
    assert 0 < np.abs(found - exact).max() < 0.05
    assert (found.argmax(1) == exact.argmax(1)).mean() > 0.8


def test_precision_is_what_the_device_gains_by(monkeypatch):
    for gains, precision in ((False, "float32"), (True, "bfloat16")):
        monkeypatch.setattr(precision_module, "gains_by_bfloat16", lambda device, trained, allowed, gains=gains: gains)
        assert load_policy(device="cpu", precision="auto").precision == precision
    assert load_policy(device="cpu").precision == "float32"
    with pytest.raises(UsageError, match=r"^`precision` \(=half\) must be one of auto, float32, bfloat16$"):
        load_policy(precision="half")


def test_games_are_played_in_the_fastest_precision(monkeypatch):
    for gains, precision in ((False, "float32"), (True, "bfloat16")):
        monkeypatch.setattr(precision_module, "gains_by_bfloat16", lambda device, trained, allowed, gains=gains: gains)
        policy = load_policy(device="cpu")
        games = for_games(policy)
        assert games.precision == precision and games.module is policy.module and games.name == policy.name
        assert for_games(policy) is games and (games is policy) is not gains and policy.precision == "float32"
        assert for_games(games) is games
    even = UniformPolicy()
    assert for_games(even) is even


def saved_by_torch(file, state):
    torch.save(state, file)
    return file


def test_a_state_dict_without_metadata_is_enough(tmp_path):
    module = build(nets.policy_net(4, 5, 9), seed=0)
    policy = load_policy(saved_by_torch(tmp_path / "mine.pt", {"state_dict": module.state_dict()}), "cpu")
    assert policy.arguments == {"k": 4, "layers": 5, "size": 9}
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), policy.module.parameters(), strict=True))


def test_what_is_no_policy_is_refused(tmp_path):
    file = tmp_path / "other.safetensors"
    save(file, {"w": torch.zeros(1)})
    with pytest.raises(InputError, match="holds no policy network"):
        load_policy(file)
    save(file, {"w": torch.zeros(1)}, {"net": "policy_net", "arguments": {"width": 3}})
    with pytest.raises(InputError, match="are not those of a policy net"):
        load_policy(file)
    save(file, build(nets.policy_net(2, 3)).state_dict(), {"net": "policy_net", "arguments": {"k": 3, "layers": 3}})
    with pytest.raises(InputError, match="does not fit the net: tensor 'conv1.weight' has the shape"):
        load_policy(file)
    with pytest.raises(InputError, match="holds no policy network"):
        load_policy(saved_by_torch(tmp_path / "none.pt", {"w": torch.zeros(1)}))
    with pytest.raises(UsageError, match="^there are no weights 'policy-k65'; did you mean"):
        load_policy("policy-k65")


def test_names_of_the_package():
    import casecnn.go

    for name in casecnn.go.__all__:
        assert getattr(casecnn.go, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'sugest'"):
        _ = casecnn.go.sugest
