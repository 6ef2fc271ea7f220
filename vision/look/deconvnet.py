"""The deconvnet of Zeiler and Fergus 2014, section 2.1: what in an image made a feature fire, drawn in its pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from casecnn.errors import InputError, UsageError
from casecnn.layers.layer import Activation, Layer
from casecnn.torch_net.build import Network, fuse
from casecnn.torch_net.composite import Branches, Chain, Residual
from casecnn.torch_net.pointwise import activated

Back = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Projection:
    """One feature of each image of a batch, projected back.

    `pixels` float32 [n, C, H, W] are in the units of the net's input, around 0; `values` float32 [n] are the
    activations that were projected, `rows` and `columns` int64 [n] where on the map they stand (0 for a vector).
    """

    pixels: Tensor
    values: Tensor
    rows: Tensor
    columns: Tensor


class Deconvnet:
    """A net together with its way back.

    BatchNorm is folded into the convolutions first (a copy; the net stays as it is). On the way back a max-pooling puts
    each value where its maximum was found (the switches; where windows overlap, values add up), a ReLU rectifies what
    comes back, and a convolution or linear layer applies its filters transposed, without the bias.

    Beyond the paper, which has none of these: mean-pooling spreads a value evenly over its window; the two ways of a
    residual block add up; branches get their own channels; response normalisation, tanh, sigmoid, softmax and dropout
    let values through as they are: each layer says so in `way_back`. Raises InputError for a layer that has none.
    """

    def __init__(self, network: Network) -> None:
        self.net = fuse(network).float()
        self._activations: dict[nn.Module, Activation] = {}
        parts = dict(self.net.named_modules())
        self._layers: dict[nn.Module, Layer] = {
            parts[row.name]: row.layer for row in network.declaration.rows if row.name in parts
        }
        for part in parts.values():
            if hasattr(part, "activation"):
                self._activations[part] = part.activation
                part.activation = None  # so that what is left is affine; `_activated` applies it
        for parameter in self.net.parameters():
            parameter.requires_grad_(False)
        heads = getattr(self.net, "heads", ())  # side branches of training
        self._parts = [(name, part) for name, part in self.net.named_children() if name not in heads]

    def maps(self, images: Tensor, layer: str) -> Tensor:
        """The output of `layer` (a dotted name of the net) for images [n, C, H, W]: [n, c, h, w], or [n, units].

        A convolution with a BatchNorm after it has both done, as the two are one here.
        """
        return self._run(images, layer)[0]

    def project(
        self, images: Tensor, layer: str, channel: int, places: Tensor | Sequence[tuple[int, int]] | None = None
    ) -> Projection:
        """Project one activation of feature map `channel` of `layer` back to the pixels, for each of `images`.

        The strongest of the map, or the one at `places` [n, 2] (row, column). Every other activation of the layer is
        made 0 before the way back (section 2.1).
        """
        maps, way = self._run(images, layer)
        if not 0 <= channel < maps.shape[1]:
            raise UsageError(f"`channels` (={channel}) of layer `{layer}` must be from 0 to {maps.shape[1] - 1}")
        flat = maps[:, channel].flatten(1) if maps.dim() > 2 else maps[:, channel, None]
        width = maps.shape[3] if maps.dim() == 4 else 1
        if places is None:
            chosen = flat.argmax(1)
        else:
            rows, columns = torch.as_tensor(places, device=maps.device).long().unbind(1)
            chosen = rows * width + columns
        values = flat.gather(1, chosen[:, None])
        kept = torch.zeros_like(flat).scatter(1, chosen[:, None], values)
        back = torch.zeros_like(maps)
        back[:, channel] = kept.view_as(back[:, channel])
        return Projection(backwards(way, back), values[:, 0], chosen // width, chosen % width)

    def _run(self, images: Tensor, layer: str) -> tuple[Tensor, list[Back]]:
        row = self.net.declaration.row(layer)  # raises for a name that does not exist
        if row.auxiliary:
            raise UsageError(f"layer `{layer}` is part of an auxiliary head, which works in training only")
        with torch.no_grad():
            return self._chain(self._parts, images.float(), layer.split("."))

    def _chain(
        self, parts: Sequence[tuple[str, nn.Module]], x: Tensor, path: Sequence[str] | None
    ) -> tuple[Tensor, list[Back]]:
        """Run named modules one after the other, up to the one at `path` (None: all)."""
        way: list[Back] = []
        for name, part in parts:
            here = path is not None and name == path[0]
            if here and path is not None and path[1:]:
                x, inner = self._within(part, x, path[1:])
                return x, way + inner
            x, back = self._step(part, x)
            way.append(back)
            if here:
                break
        return x, way

    def _within(self, module: nn.Module, x: Tensor, path: Sequence[str]) -> tuple[Tensor, list[Back]]:
        """Run a composite module up to one of its parts."""
        if isinstance(module, Residual):
            part = module.get_submodule(path[0])
            return self._chain(list(part.named_children()), x, path[1:] or None)
        if isinstance(module, Branches):
            names = next(branch for branch in module.branches if path[0] in branch)
            return self._chain([(name, module.get_submodule(name)) for name in names], x, path)
        return self._chain(list(module.named_children()), x, path)

    def _step(self, module: nn.Module, x: Tensor) -> tuple[Tensor, Back]:
        """Run one module; return its output and its way back."""
        if isinstance(module, Residual):
            return self._residual(module, x)
        if isinstance(module, Branches):
            return self._branches(module, x)
        if isinstance(module, Chain):
            y, way = self._chain(list(module.named_children()), x, None)
            return y, lambda r: backwards(way, r)
        layer = self._layers[module]
        if layer.way_back == "transposed":
            y, back = transposed(module, x)
            return self._activated(module, y, back)
        if layer.way_back == "rectified":
            return module(x), F.relu
        if layer.way_back == "unchanged":
            return module(x), lambda r: r
        raise InputError(f"a deconvnet has no way back through a {layer.kind} layer")

    def _activated(self, module: nn.Module, y: Tensor, back: Back) -> tuple[Tensor, Back]:
        kind = self._activations.get(module)
        if kind == "relu":
            return F.relu(y), lambda r: back(F.relu(r))
        return activated(y, kind), back

    def _residual(self, module: Residual, x: Tensor) -> tuple[Tensor, Back]:
        body, way = self._chain(list(module.body.named_children()), x, None)
        side, aside = self._chain(list(module.shortcut.named_children()), x, None)
        y, x_shape = body, x.shape
        padded = side.shape != body.shape  # option A
        if padded:
            rows, columns = module.stride
            cut = side[:, :, ::rows, ::columns]
            side = F.pad(cut, (0, 0, 0, 0, 0, body.shape[1] - cut.shape[1]))
        y = body + side

        def back(r: Tensor) -> Tensor:
            shortcut = r
            if padded:
                shortcut = r.new_zeros(x_shape)
                shortcut[:, :, :: module.stride[0], :: module.stride[1]] = r[:, : x_shape[1]]
            return backwards(way, r) + backwards(aside, shortcut)

        return self._activated(module, y, back)

    def _branches(self, module: Branches, x: Tensor) -> tuple[Tensor, Back]:
        runs = [
            self._chain([(name, module.get_submodule(name)) for name in names], x, None) for names in module.branches
        ]
        widths = [y.shape[1] for y, _ in runs]

        def back(r: Tensor) -> Tensor:
            parts = r.split(widths, 1)
            total = torch.zeros_like(x)
            for (_, way), part in zip(runs, parts, strict=True):
                total += backwards(way, part)
            return total

        return torch.cat([y for y, _ in runs], 1), back


def backwards(way: Sequence[Back], r: Tensor) -> Tensor:
    """Go a way back, last step first."""
    for step in reversed(way):
        r = step(r)
    return r


def transposed(module: nn.Module, x: Tensor) -> tuple[Tensor, Back]:
    """Run an affine module, or a max-pooling, and return its transpose with it.

    For an affine map that is its gradient's map, whatever x; for max-pooling the gradient goes to where each maximum
    was found (the first, of equal ones), which is what the switches do.
    """
    with torch.enable_grad():
        entered = x.detach().requires_grad_()
        y = module(entered)

    def back(r: Tensor) -> Tensor:
        return torch.autograd.grad(y, entered, r, retain_graph=True)[0]

    return y.detach(), back
