"""CUDA graphs: all launches of a net's kernels recorded once for each input shape, then replayed in one call."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn


class Graphed(nn.Module):
    """A module for inference on CUDA whose forward pass is replayed from a graph.

    A small net at a small batch spends its time in launching kernels; a graph launches all of them at once. Each input
    shape needs a recording, with memory of its own; the ``most`` shapes used last are kept. The output is a copy: a
    later call does not change it. The module must not be trained, and its weights must stay where they are.
    """

    def __init__(self, module: nn.Module, most: int = 4) -> None:
        super().__init__()
        self.module, self.most = module, most
        self._recorded: OrderedDict[tuple[torch.Size, torch.dtype], tuple[torch.cuda.CUDAGraph, Tensor, Tensor]] = (
            OrderedDict()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return what the module gives for ``x``, a tensor on the module's device."""
        key = (x.shape, x.dtype)
        if key not in self._recorded:
            self._recorded[key] = self._record(x)
            if len(self._recorded) > self.most:
                self._recorded.popitem(last=False)
        self._recorded.move_to_end(key)
        graph, static_input, static_output = self._recorded[key]
        static_input.copy_(x)
        graph.replay()
        return static_output.clone()

    @torch.inference_mode()
    def _record(self, x: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor, Tensor]:
        static_input = x.clone(memory_format=torch.preserve_format)
        side = torch.cuda.Stream(x.device)
        side.wait_stream(torch.cuda.current_stream(x.device))
        with torch.cuda.stream(side):
            for _ in range(3):  # libraries choose their algorithms and take their work space before the recording
                self.module(static_input)
        torch.cuda.current_stream(x.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            static_output = self.module(static_input)
        return graph, static_input, static_output
