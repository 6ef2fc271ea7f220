"""The table of torch modules: what `casecnn.torch_net.build` makes of each layer description."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from casecnn.errors import InputError
from casecnn.layers.engine import Engine

Parts = Sequence[tuple[str, nn.Module]]
"""The modules of the layers inside a composite layer, by name, in the order of the forward pass."""

TORCH: Engine[Callable[..., nn.Module]] = Engine("torch module")
"""Called with the description and the input's shape, and a composite layer's module also with its `Parts`."""


def add(module: nn.Module, name: str, part: nn.Module) -> None:
    """Make ``part`` the child ``name`` of ``module``; raises InputError where torch has that name for itself."""
    if hasattr(module, name):
        raise InputError(f"layer name `{name}` is one of torch's own attributes of a module; choose another name")
    module.add_module(name, part)
