"""Poolings and local response normalisation by the compiled loops of `casecnn.stretches.maps`, for inference."""

from __future__ import annotations

from torch import Tensor, nn

from casecnn.layers.shapes import Span, pair
from casecnn.stretches import maps
from casecnn.torch_net.normalisation import LocalResponseNorm
from casecnn.torch_net.pooling import GlobalMeanPool, MaxPool, MeanPool


class PreparedPool(nn.Module):
    """MaxPool or MeanPool: [N, C, H, W] to [N, C, H', W']."""

    def __init__(self, part: MaxPool | MeanPool) -> None:
        super().__init__()
        self.part, self.layer = part, part.layer
        self.kernel, self.stride = pair(part.layer.kernel), part.layer.step
        self.largest = isinstance(part, MaxPool)

    def forward(self, x: Tensor) -> Tensor:
        rows, columns = self.layer.spans(x.shape[2], x.shape[3])
        edges = (rows.before, rows.after, rows.overhang, columns.before, columns.after, columns.overhang)
        counted = not self.largest and any(edges) and getattr(self.layer, "count_padding", False)
        if counted or not maps.fits(x) or not self._seen(x, rows, columns):
            y: Tensor = self.part(x)
            return y
        return maps.pool(x, self.largest, self.kernel, self.stride, rows, columns)

    def _seen(self, x: Tensor, rows: Span, columns: Span) -> bool:
        """Whether every window has a pixel of the map."""
        return all(
            span.before < kernel and (span.windows - 1) * step - span.before < size
            for span, kernel, step, size in zip((rows, columns), self.kernel, self.stride, x.shape[2:], strict=True)
        )


class PreparedGlobalMean(nn.Module):
    """GlobalMeanPool: [N, C, H, W] to [N, C]."""

    def __init__(self, part: GlobalMeanPool) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        if not maps.fits(x):
            y: Tensor = self.part(x)
            return y
        whole = Span(1, 0, 0)
        return maps.pool(x, False, (x.shape[2], x.shape[3]), (1, 1), whole, whole).flatten(1)


class PreparedNormalisation(nn.Module):
    """LocalResponseNorm: [N, C, H, W] to the same."""

    def __init__(self, part: LocalResponseNorm) -> None:
        super().__init__()
        self.part, self.layer = part, part.layer

    def forward(self, x: Tensor) -> Tensor:
        layer = self.layer
        if layer.beta != maps.BETA or not maps.fits(x):
            y: Tensor = self.part(x)
            return y
        return maps.normalise(x, layer.n // 2, layer.alpha, layer.k)


def prepared(part: MaxPool | MeanPool | GlobalMeanPool | LocalResponseNorm) -> nn.Module:
    """What stands in a module's place."""
    if isinstance(part, MaxPool | MeanPool):
        return PreparedPool(part)
    return PreparedGlobalMean(part) if isinstance(part, GlobalMeanPool) else PreparedNormalisation(part)
