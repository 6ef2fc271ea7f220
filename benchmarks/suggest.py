"""How long `casecnn go suggest` takes as a whole process, and how much memory: warm, and on the first run ever.

    python benchmarks/suggest.py GAME.sgf [--runs 5] [--cold-runs 1] [--json] [--options "--top 3"]

Warm runs use a cache of compiled code that one run before them has filled; each cold run gets an empty one
(NUMBA_CACHE_DIR). Times are wall times, from the start of the process to its end; memory is the peak that the operating
system reports for it. The medians are compared with the project's bars. Works on Linux and macOS.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import sys
import tempfile
import time
from typing import NamedTuple

WARM_SECONDS, WARM_MB, COLD_SECONDS = 3.0, 700, 30.0


class Measured(NamedTuple):
    """One run of the command."""

    seconds: float
    mb: float


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("game", metavar="GAME.sgf")
    parser.add_argument("--runs", type=int, default=5, help="warm runs")
    parser.add_argument("--cold-runs", type=int, default=1, help="runs with an empty cache")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--options", default="", help="more options of casecnn go suggest, in quotes")
    options = parser.parse_args()
    if min(options.runs, options.cold_runs) < 1:
        parser.error("--runs and --cold-runs must be at least 1")
    command = [sys.executable, "-m", "casecnn", "go", "suggest", options.game, *shlex.split(options.options)]
    cold = []
    for _ in range(options.cold_runs):
        with tempfile.TemporaryDirectory() as cache:
            cold.append(measure(command, cache))
    with tempfile.TemporaryDirectory() as cache:
        measure(command, cache)
        warm = [measure(command, cache) for _ in range(options.runs)]
    rows = [
        ("warm, wall time", [run.seconds for run in warm], WARM_SECONDS, "s"),
        ("warm, peak memory", [run.mb for run in warm], WARM_MB, "MB"),
        ("first run, wall time", [run.seconds for run in cold], COLD_SECONDS, "s"),
    ]
    if options.json:
        answer = {
            name: {"unit": unit, "values": values, "median": statistics.median(values), "bar": bar}
            for name, values, bar, unit in rows
        }
        print(json.dumps({"command": ["casecnn", *command[3:]], "results": answer}))
        return
    print("casecnn " + " ".join(command[3:]))
    for name, values, bar, unit in rows:
        median = statistics.median(values)
        verdict = "met" if median <= bar else "MISSED"
        spread = f"{min(values):.2f} to {max(values):.2f}, n = {len(values)}"
        print(f"  {name:<22}{median:>8.2f} {unit:<3} ({spread}); at most {bar:g} {unit}: {verdict}")


def measure(command: list[str], cache: str) -> Measured:
    """Runs the command once; exits with its messages if it fails."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    with tempfile.TemporaryFile() as output:
        to_output = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)]
        start = time.perf_counter()
        child = os.posix_spawn(command[0], command, environment, file_actions=to_output)
        _, status, usage = os.wait4(child, 0)
        seconds = time.perf_counter() - start
        if status != 0:
            output.seek(0)
            sys.exit(f"the command failed:\n{output.read().decode(errors='replace')}")
    return Measured(seconds, usage.ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1))


if __name__ == "__main__":
    main()
