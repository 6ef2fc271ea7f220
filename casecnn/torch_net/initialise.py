"""Initial values of a module's parameters: weights drawn from one distribution, biases zero, BatchNorm the identity.

Written as text, so that a recipe or a log can hold it: ``"he"``, ``"xavier"``, ``"lecun"``, ``"normal(0.01)"``,
``"uniform(0.05)"``, ``"zeros"``.
"""

from __future__ import annotations

import re
from math import prod, sqrt

import torch
from torch import nn

from casecnn.errors import InputError
from casecnn.layers.shapes import pair
from casecnn.torch_net.convolution import Conv, Linear, PositionBias
from casecnn.torch_net.historic import Subsampling, TableConv
from casecnn.torch_net.normalisation import BatchNorm


@torch.no_grad()
def initialise(module: nn.Module, init: str = "he", generator: torch.Generator | None = None) -> None:
    """Fill every parameter of a module that `casecnn.torch_net.build` made, in the order of its layers.

    The weights of Conv, Linear, TableConv and Subsampling, with n_in inputs to one output and n_out outputs of one
    input (TableConv: on average), are drawn from

    - ``"he"``: normal, mean 0, standard deviation sqrt(2 / n_in) (He 2015, equation 10);
    - ``"xavier"``: uniform in +-sqrt(6 / (n_in + n_out)) (Glorot 2010, equation 16);
    - ``"lecun"``: uniform in +-2.4 / n_in (LeCun 1998, appendix A);
    - ``"normal(std)"``: normal with that standard deviation;
    - ``"uniform(a)"``: uniform in +-a;
    - ``"zeros"``: all zero.

    The same state of ``generator`` (torch's own CPU generator by default) gives the same weights. Call it on the CPU,
    in float32. Raises InputError for another ``init``.
    """
    kind, number = parse(init)
    for part in module.modules():
        if isinstance(part, Conv | Linear):
            cells = prod(part.weight.shape[2:])
            n_in, n_out = part.weight.shape[1] * cells, len(part.weight) // getattr(part, "groups", 1) * cells
            draw(part.weight, n_in, n_out, kind, number, generator)
            if part.bias is not None:
                part.bias.zero_()
        elif isinstance(part, TableConv):
            table, cells, first = part.layer.table, prod(pair(part.layer.kernel)), 0
            for inputs in table:
                kernels = part.weight[first : first + len(inputs)]
                n_out = len(part.weight) * cells // part.in_channels
                draw(kernels, len(inputs) * cells, n_out, kind, number, generator)
                first += len(inputs)
            part.bias.zero_()
        elif isinstance(part, Subsampling):
            draw(part.weight, prod(pair(part.layer.kernel)), 1, kind, number, generator)
            part.bias.zero_()
        elif isinstance(part, PositionBias):
            part.bias.zero_()
        elif isinstance(part, BatchNorm):
            part.reset_parameters()


def parse(init: str) -> tuple[str, float]:
    """``"normal(0.01)"`` as ``("normal", 0.01)``; the number is 0 where there is none."""
    found = re.fullmatch(r"(he|xavier|lecun|zeros)|(normal|uniform)\(([0-9.eE+-]+)\)", init)
    try:
        if found:
            return found[1] or found[2], float(found[3] or 0)
    except ValueError:
        pass
    raise InputError(f'init (="{init}") must be "he", "xavier", "lecun", "normal(STD)", "uniform(A)" or "zeros"')


def draw(
    weight: torch.Tensor, n_in: int, n_out: int, kind: str, number: float, generator: torch.Generator | None
) -> None:
    """Fill one weight of any shape."""
    if kind == "zeros":
        weight.zero_()
    elif kind in ("he", "normal"):
        weight.normal_(0.0, sqrt(2 / n_in) if kind == "he" else number, generator=generator)
    else:
        bound = {"xavier": sqrt(6 / (n_in + n_out)), "lecun": 2.4 / n_in}.get(kind, number)
        weight.uniform_(-bound, bound, generator=generator)
