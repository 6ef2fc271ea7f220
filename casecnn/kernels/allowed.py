"""Which kernels may be used: a value that callers can pass, and a default that fits this machine."""

from __future__ import annotations

from dataclasses import dataclass

from casecnn.kernels.cpu import HIDDEN_TILES


@dataclass(frozen=True)
class Allowed:
    """Which kernels may be used, as far as this machine has them.

    ``prepacked``: oneDNN's convolutions with weights laid out beforehand. ``hidden_tiles``: the AMX tiles that a
    virtual machine hides from oneDNN (see `casecnn.kernels.cpu`), by our own kernels; elsewhere oneDNN uses tiles.
    ``tiles``: whether the CPU and numba's compiler have tiles; None means that `casecnn.kernels.amx` finds out.
    ``fewer_threads``: to compute with fewer threads while other programs keep cores busy (`casecnn.kernels.threads`).
    ``winograd``: ours for windows of 3x3 and 5x5 (see `casecnn.kernels.winograd`).
    ``stretches``: ours for small layers, several in one call, and for poolings (see `casecnn.stretches`).
    ``keep_memory``: to let the process keep memory that it has freed (see `casecnn.heap`).
    """

    prepacked: bool = True
    hidden_tiles: bool = HIDDEN_TILES
    tiles: bool | None = None
    winograd: bool = True
    stretches: bool = True
    fewer_threads: bool = True
    keep_memory: bool = True

    @property
    def own_tiles(self) -> bool:
        """Whether our own kernels may use tiles; loads numba where only trying can tell."""
        if not self.hidden_tiles or self.tiles is not None:
            return self.hidden_tiles and bool(self.tiles)
        from casecnn.kernels.amx import available

        return available()


EVERYTHING = Allowed()
"""All kernels that this machine has."""
