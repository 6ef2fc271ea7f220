"""The opponents of a net in reinforcement learning: its own earlier versions, a file of weights each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from casecnn.errors import InputError
from casecnn.files import write_error
from casecnn.go.net.policy import Policy, load_policy
from casecnn.nets.policy import policy_net
from casecnn.seeds import derive_seed
from casecnn.torch_net.build import build
from casecnn.torch_net.precision import choose_device
from casecnn.training.distributed import own_rank, share
from casecnn.weights.state_dict import fill, save


class Pool:
    """The versions after 0, `every`, 2 `every`, ... steps, as `step-000000.safetensors` and so on in `folder`.

    Which are in the pool at a step follows from the step alone, so that a run which goes on finds the same opponents.
    The files are in single precision and play everywhere a net's file does (`weights`, `opponent`). `arguments`
    are those of `casecnn.nets.policy.policy_net`. Of several processes, process 0 alone writes and reads the files.
    """

    def __init__(self, folder: Path, every: int, arguments: dict[str, Any], device: str = "auto") -> None:
        self.folder, self.every, self.arguments, self.device = folder, every, arguments, device

    def path(self, step: int) -> Path:
        """The file of the version after `step` steps."""
        return self.folder / f"step-{step:06d}.safetensors"

    def take_in(self, step: int, module: nn.Module) -> None:
        """Write the version after `step` steps if it belongs into the pool; the first removes those of earlier runs."""
        if step % self.every or own_rank() != 0:
            return
        if step == 0:
            self._clear()
        tensors = dict(module.named_parameters())
        save(self.path(step), tensors, {"net": "policy_net", "arguments": self.arguments, "steps": step})

    def load(self, step: int) -> Policy:
        """The version after `step` steps. Raises `InputError` where its file is gone or damaged."""
        path = self.path(step)
        if not path.exists():
            raise InputError(
                f"'{path}' is gone, an opponent that this run needs; restore it, or start anew without `resume`"
            )
        return load_policy(path, self.device)

    def draw(self, step: int, seed: int) -> tuple[int, Policy]:
        """An opponent for a step, each version with the same chance: after how many steps it was taken in, the net.

        Every process of a run must call it: process 0 sends the weights to the others.
        """
        chosen = derive_seed(seed, step) % (step // self.every + 1) * self.every
        found = self.load(chosen) if own_rank() == 0 else None
        tensors = share(found and {name: tensor.cpu() for name, tensor in found.module.state_dict().items()})
        return chosen, found or self._policy(chosen, tensors)

    def _policy(self, step: int, tensors: dict[str, Tensor]) -> Policy:
        module = build(policy_net(**self.arguments), init="zeros")
        fill(module, tensors, self.path(step))
        module.to(choose_device(self.device), memory_format=torch.channels_last)  # type: ignore[call-overload]
        return Policy(module, self.path(step).name, self.arguments["size"], self.arguments)

    def _clear(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for file in self.folder.glob("step-*.safetensors"):
                file.unlink()
        except OSError as error:
            raise write_error(self.folder, error) from error
