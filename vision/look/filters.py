"""The filters of a net's first convolution, as images."""

from __future__ import annotations

import numpy as np

from casecnn.errors import UsageError
from casecnn.torch_net.build import Network
from casecnn.torch_net.convolution import Conv
from casecnn.vision.look.contact_sheet import signed


def first_filters(network: Network) -> tuple[str, np.ndarray]:
    """The name of the first convolution and its filters: uint8 [filters, height, width, 3].

    Grey is 0; each filter is scaled by its own largest weight (after its mean colour is left in), so that strong and
    weak ones can be compared in shape, not in size. Filters of three channels are shown in colour, of one in grey.
    Raises UsageError for a net whose first convolution sees another number of channels, or that has none.
    """
    for name, part in network.named_modules():
        if isinstance(part, Conv):
            weight = part.weight.detach().float().cpu().numpy()
            if weight.shape[1] not in (1, 3):
                raise UsageError(f"layer `{name}` sees {weight.shape[1]} channels; only 1 or 3 can be shown as colours")
            return name, np.stack([signed(filter_) for filter_ in weight])
    raise UsageError(f"net `{network.declaration.name}` has no convolution whose filters could be shown")
