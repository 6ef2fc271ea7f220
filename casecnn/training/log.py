"""The log of a training run: JSON lines, the first of which says what was run, where, and with which versions."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy
import torch

import casecnn
from casecnn.errors import InputError
from casecnn.files import atomic_write, read_error, write_error


class RunLog:
    """Appends rows to the file at `path`, each one JSON object on a line of its own, written out at once.

    `resume_step` None starts the file anew. A number keeps the rows of earlier steps and drops those after it (the run
    was killed after its last checkpoint, and computes them again) as well as a line that was cut off. Numbers that JSON
    lacks (NaN, infinity) become null. `listener` gets each row too. A log with the path None swallows everything, for
    the processes of a run that do not log.
    """

    def __init__(
        self,
        path: Path | None,
        resume_step: int | None = None,
        listener: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.path, self._listener = path, listener
        if path is None:
            return
        rows = [] if resume_step is None else [row for row in read_log(path) if row.get("step", 0) <= resume_step]
        with atomic_write(path, "w") as stream:
            stream.writelines(_line(row) for row in rows)
        try:
            self._stream = open(path, "a", encoding="utf-8", newline="\n")
        except OSError as error:
            raise write_error(path, error) from error

    def write(self, row: dict[str, Any]) -> None:
        """Append a row."""
        if self.path is None:
            return
        try:
            self._stream.write(_line(row))
            self._stream.flush()
        except OSError as error:
            raise write_error(self.path, error) from error
        if self._listener is not None:
            self._listener(row)

    def close(self) -> None:
        """Close the file."""
        if self.path is not None:
            self._stream.close()


def read_log(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a log; no file gives none, a last line that was cut off is left out.

    Raises `InputError` for a file that cannot be read or holds other things.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise InputError(f"log '{path}' is not UTF-8 text; move it away") from error
    except OSError as error:
        raise read_error(path, error) from error
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines):
                break
            raise InputError(f"log '{path}', line {number}, is not JSON; move the file away") from error
        if not isinstance(row, dict):
            raise InputError(f"log '{path}', line {number}, is not a JSON object; move the file away")
        rows.append(row)
    return rows


def surroundings(device: torch.device) -> dict[str, Any]:
    """Return what the figures of a run depend on beside its settings: versions, device, threads, commit, command."""
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": sys.argv,
        "versions": {
            "casecnn": casecnn.__version__,
            "torch": torch.__version__,
            "numpy": numpy.__version__,
            "python": platform.python_version(),
        },
        "commit": source_commit(),
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
    }


def device_name(device: torch.device) -> str:
    """Return the device with the maker's name of the chip, as far as the system tells it."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return f"{device} ({name})"


def source_commit() -> str | None:
    """Return the git commit of this package's own source, "-dirty" added where tracked files differ from it.

    None where the package is not a tracked part of a git working tree, or where git is not at hand.
    """
    here = Path(__file__).resolve()

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=here.parent, capture_output=True, text=True, timeout=10, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    if git("ls-files", "--error-unmatch", here.name) is None:
        return None
    commit = git("rev-parse", "HEAD")
    return f"{commit}-dirty" if commit and git("status", "--porcelain", "--untracked-files=no") else commit


def _line(row: dict[str, Any]) -> str:
    return json.dumps(_plain(row), allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
