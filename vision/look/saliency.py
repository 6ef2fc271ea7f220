"""Which pixels a class's logit hangs on: its gradient (Simonyan 2014), plain or guided (Springenberg 2015)."""

from __future__ import annotations

import torch
from torch import Tensor

from casecnn.torch_net.build import Network
from casecnn.vision.look.relu_gradients import Guided


def pixel_gradients(network: Network, images: Tensor, classes: Tensor, *, guided: bool = False) -> Tensor:
    """Return the gradient of each image's logit of its class: images [n, C, H, W], classes int64 [n], as the images.

    With `guided`, what flows back through a ReLU is cut off where it is negative. The net is used in evaluation mode
    and left as it was.
    """
    training = network.training
    x = images.detach().clone().float().requires_grad_()
    try:
        network.eval()
        with torch.enable_grad():
            if guided:
                with Guided():
                    logits = network(x)
            else:
                logits = network(x)
            (gradient,) = torch.autograd.grad(logits.float().gather(1, classes[:, None]).sum(), x)
    finally:
        network.train(training)
    return gradient


def saliency(gradient: Tensor) -> Tensor:
    """Return the saliency map: the largest size of the gradient over the channels, [n, H, W], each map from 0 to 1."""
    largest = gradient.abs().amax(1)
    return largest / largest.amax((1, 2), keepdim=True).clamp_min(1e-12)
