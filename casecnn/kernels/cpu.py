"""Whether this is a virtual machine that hides the tiles of a CPU with AMX; if so, oneDNN is kept away from them."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

_WITHOUT_TILES = "AVX512_CORE_FP16"  # oneDNN's name of an instruction set that every CPU with AMX has
_TILE_LEAF = 0x1D  # the CPUID leaf in which a CPU with AMX describes its tiles


def avoid_hidden_tiles(cpuinfo: str, environment: MutableMapping[str, str]) -> bool:
    """Keep oneDNN away from AMX where a virtual machine names it but hides what oneDNN must know of its tiles.

    Some hypervisors pass on the flag `amx_tile` but end CPUID before the leaf that describes the tiles. oneDNN then
    plans with tiles of no size: a bfloat16 product dies of an illegal instruction, a Linear raises "could not create a
    primitive". There this sets ONEDNN_MAX_CPU_ISA in `environment`, unless it is set, to the best instruction set
    without tiles, and returns True. It works only before oneDNN's first use in a process, and for its children.
    `cpuinfo` is the text of Linux's /proc/cpuinfo.
    """
    lines = (line.split(":", 1) for line in cpuinfo.split("\n\n", 1)[0].splitlines() if ":" in line)
    first = {name.strip(): value.strip() for name, value in lines}
    level = first.get("cpuid level", "")
    if "amx_tile" not in first.get("flags", "").split() or not level.isdecimal() or int(level) >= _TILE_LEAF:
        return False
    environment.setdefault("ONEDNN_MAX_CPU_ISA", _WITHOUT_TILES)
    return True


def cpuinfo() -> str:
    """Linux's /proc/cpuinfo; nothing elsewhere."""
    try:
        return Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return ""


# On import, since torch reads the variable at its first convolution or product.
HIDDEN_TILES = avoid_hidden_tiles(cpuinfo(), os.environ) and os.environ["ONEDNN_MAX_CPU_ISA"] == _WITHOUT_TILES
