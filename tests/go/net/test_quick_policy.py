"""The policy without torch: the same answers, and no torch in the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from casecnn.errors import InputError, UsageError
from casecnn.go.net.declaration import DEFAULT
from casecnn.go.net.policy import load_policy
from casecnn.go.net.quick_policy import load_quick_policy
from casecnn.go.position import Position
from casecnn.nets.policy import policy_net
from casecnn.torch_net.build import build
from casecnn.weights.state_dict import save

EXAMPLE = Path(__file__).parents[3] / "go" / "games" / "example.sgf"


def planes_of(moves: int, size: int = 19) -> np.ndarray:
    """Planes of the positions of a random game."""
    generator, position, planes = np.random.default_rng(4), Position(size), []
    for _ in range(moves):
        planes.append(position.features())
        position.play(int(generator.choice(np.flatnonzero(position.sensible_moves()))))
    return np.stack(planes)


@pytest.mark.slow
@pytest.mark.parametrize("symmetries", [True, False])
def test_the_packaged_net_says_the_same(symmetries):
    planes = planes_of(30)
    quick, policy = load_quick_policy(), load_policy(device="cpu")
    assert (quick.name, quick.size) == (policy.name, policy.size) == (DEFAULT, 19)
    found = quick.probabilities(planes, symmetries)
    assert found.dtype == np.float32 and found.shape == (30, 361)
    assert np.abs(found - policy.probabilities(planes, symmetries)).max() < 1e-5
    assert load_quick_policy(DEFAULT).name == DEFAULT


@pytest.mark.parametrize("metadata", [{}, {"net": "policy_net", "arguments": {"k": 5, "layers": 4, "size": 9}}])
def test_a_file_with_and_without_metadata(tmp_path, metadata):
    torch.manual_seed(2)
    file, planes = tmp_path / "small.safetensors", planes_of(5, 9)
    save(file, build(policy_net(5, 4, 9)).state_dict(), metadata)
    quick, policy = load_quick_policy(file), load_policy(file, "cpu")
    assert quick.name == policy.name == "small.safetensors"
    assert np.allclose(quick.probabilities(planes), policy.probabilities(planes), atol=1e-6)
    with pytest.raises(UsageError, match=r"^`planes` \(2, 48, 19, 19\) must have the shape \(N, 48, 9, 9\)$"):
        quick.probabilities(np.zeros((2, 48, 19, 19), np.uint8))


def test_what_needs_torch_is_left_to_it(tmp_path):
    module = build(policy_net(5, 4, 9))
    torch.save(module.state_dict(), tmp_path / "small.pt")
    assert load_quick_policy(tmp_path / "small.pt") is None
    save(tmp_path / "brain.safetensors", module.to(torch.bfloat16).state_dict())
    assert load_quick_policy(tmp_path / "brain.safetensors") is None  # NumPy has no bfloat16
    assert load_policy(tmp_path / "brain.safetensors", "cpu").size == 9
    save(tmp_path / "other.safetensors", {"w": torch.zeros(1)})
    save(tmp_path / "misfit.safetensors", module.state_dict(), {"arguments": {"k": 6, "layers": 4, "size": 9}})
    save(tmp_path / "odd.safetensors", module.state_dict(), {"arguments": {"depth": 6}})
    (tmp_path / "text.safetensors").write_text("no weights")
    for name in ("other", "misfit", "odd", "text"):
        assert load_quick_policy(tmp_path / f"{name}.safetensors") is None
        with pytest.raises(InputError):  # and says what is wrong
            load_policy(tmp_path / f"{name}.safetensors", "cpu")
    for wrong in ("policy-k65", tmp_path / "none.safetensors"):
        with pytest.raises((UsageError, InputError)) as quick:
            load_quick_policy(wrong)
        with pytest.raises((UsageError, InputError)) as slow:
            load_policy(wrong)
        assert str(quick.value) == str(slow.value)


@pytest.mark.slow
def test_a_suggestion_imports_no_torch():
    script = (
        "import sys\nfrom casecnn.cli import main\n"
        f"code = main(['go', 'suggest', {str(EXAMPLE)!r}, '--format', 'json'])\n"
        "print(code, [name for name in ('torch', 'matplotlib', 'sklearn', 'gensim', 'PIL') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
