"""Seeds for numbered pieces of work, so that no generator has to carry state from one step to the next."""

from __future__ import annotations

_MASK = (1 << 64) - 1


def derive_seed(seed: int, *parts: int) -> int:
    """Return a 63-bit seed that is a fixed function of `seed` and the integers `parts` (step, rank, epoch, ...).

    Different parts give unrelated seeds, also for neighbouring numbers, and the order of the parts counts.
    Not for secrets. Source: the finalizer of SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
    generators", OOPSLA 2014), chained over the parts.
    """
    state = seed & _MASK
    for part in (len(parts), *parts):
        state = (state ^ (part & _MASK)) + 0x9E3779B97F4A7C15 & _MASK
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state >> 1
