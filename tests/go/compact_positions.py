"""Positions for the tests of planes made on a GPU: one byte a point, and the planes that the CPU makes of them.

`python compact_positions.py IN.npz OUT.npz` makes the planes of positions with the kernel in Triton's interpreter.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

Positions = tuple[np.ndarray, np.ndarray]  # compact uint8 [n, points], planes uint8 [n, 48, size, size]


def of_events(size: int, events, every: int = 1, symmetries: int = 8) -> Positions:
    """The positions before every so many plays of a game, under one symmetry after the other."""
    from casecnn.go.board.record import PLAY, colour_of, kind_of
    from casecnn.go.board.rules import apply_event
    from casecnn.go.board.state import COLOUR, new_state
    from casecnn.go.board.symmetry import transform
    from casecnn.go.planes.compact import compact_state
    from casecnn.go.planes.fast import state_features

    state, compact, planes = new_state(size), [], []
    plays = 0
    for event in np.array(events, np.uint16):
        if kind_of(event) == PLAY:
            state.info[COLOUR] = colour_of(event)
            if plays % every == 0:
                symmetry = len(compact) % symmetries
                compact.append(compact_state(state, symmetry))
                planes.append(transform(state_features(state), symmetry))
            plays += 1
        assert apply_event(state, event)
    return np.stack(compact), np.stack(planes)


def joined(*parts: Positions) -> Positions:
    """All positions, of boards of one size."""
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def made(cases: dict[str, np.ndarray], folder: Path) -> dict[str, np.ndarray]:
    """What the kernel makes of compact positions by their names, in a process that is one of interpreting alone."""
    np.savez(folder / "compact.npz", **cases)
    command = [sys.executable, "-W", "ignore", __file__, str(folder / "compact.npz"), str(folder / "planes.npz")]
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder / "planes.npz"))


def main() -> None:
    """Make the planes of a file."""
    import torch

    from casecnn.go.planes.on_gpu import planes_on_gpu

    found = {}
    for name, compact in np.load(sys.argv[1]).items():
        size = round(compact.shape[1] ** 0.5)
        for dtype in (torch.float32, torch.bfloat16):
            planes = planes_on_gpu(torch.from_numpy(compact), size, dtype)
            assert planes.dtype == dtype and planes.is_contiguous(memory_format=torch.channels_last)
            if dtype == torch.float32:
                found[name] = planes.numpy()
            else:
                assert (planes.float().numpy() == found[name]).all()
    np.savez(sys.argv[2], **found)


if __name__ == "__main__":
    main()
