"""What reinforcement says at its end: how the net does against its start."""

from __future__ import annotations

from typing import Any

from casecnn.training.log import read_log
from casecnn.training.run import TrainResult


def reinforcement_facts(result: TrainResult, weights: str) -> dict[str, Any]:
    """The facts of a run for `json.dumps`; `against_start` has the last match, or is None."""
    matches = [row["validation"] for row in read_log(result.log) if row.get("event") == "evaluation"]
    return {
        "weights": weights,
        "steps": result.step,
        "seconds": round(result.elapsed, 1),
        "against_start": matches[-1] if matches else None,
    }


def reinforcement_text(facts: dict[str, Any]) -> str:
    """The same in a line, and below it the last match against the start where there was one."""
    text = f"{facts['weights']}: {facts['steps']} steps in {facts['seconds']:.0f} s"
    if (match := facts["against_start"]) is None:
        return text
    low, high = match["interval"]
    share = f"{100 * match['start_win_rate']:.1f} % [{100 * low:.1f}; {100 * high:.1f}]"
    return f"{text}\nwins {share} of {match['games']} games against its start"
