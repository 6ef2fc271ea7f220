"""From planes to move probabilities, averaged over the symmetries of the board."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

import casecnn.torch_net.precision  # noqa: F401  (keeps oneDNN off instructions that this machine only pretends to have)
from casecnn.go.board.symmetry import SYMMETRIES, targets


def move_probabilities(model: nn.Module, planes: np.ndarray, symmetries: bool = True) -> torch.Tensor:
    """Softmax over all points, float32 [n, size * size] on the model's device, for planes uint8 [n, 48, size, size].

    With `symmetries` the average of the probabilities over the eight symmetries of the board (Silver et al. 2016,
    Methods, "Symmetries"), each turned back. The model gives logits and is in evaluation mode; no gradients.
    """
    device, dtype = (parameter := next(model.parameters())).device, parameter.dtype
    size = planes.shape[-1]
    batch = torch.from_numpy(planes).to(device)
    if torch.is_autocast_enabled(device.type):
        dtype = torch.get_autocast_dtype(device.type)
    with torch.inference_mode():
        if not symmetries:
            x = batch.to(dtype, memory_format=torch.channels_last)
            return model(x).float().softmax(1)
        table = torch.from_numpy(targets(size).astype(np.int64)).to(device)
        total = torch.zeros(len(batch), size * size, device=device)
        for s in range(SYMMETRIES):
            turned = batch.flip(-1) if s >= 4 else batch
            turned = torch.rot90(turned, s % 4, (-2, -1)).to(dtype, memory_format=torch.channels_last)
            total += model(turned).float().softmax(1)[:, table[s]]
        return total / SYMMETRIES
