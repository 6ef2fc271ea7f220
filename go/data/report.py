"""What a bulk import did, for people (a table) and for programs (a dict)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from casecnn.go.data.archive import Archive
from casecnn.go.data.packing import Skipped


class Report(NamedTuple):
    """The file that was written, what is in it and what was left out."""

    file: str
    archive: Archive
    skipped: Skipped

    @property
    def bytes_per_move(self) -> float:
        """The size of the arrays before compression over the number of moves; 0 without moves."""
        return self.archive.nbytes / self.archive.moves if self.archive.moves else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The figures under stable names."""
        return {
            "file": self.file,
            "games": len(self.archive),
            "moves": self.archive.moves,
            "bytes_per_move": round(self.bytes_per_move, 4),
            "counted": int(np.isfinite(self.archive.score).sum()),
            "owned": len(self.archive.owned),
            "cut": self.skipped.cut,
            "skipped": dict(self.skipped.counts.most_common()),
            "examples": {reason: self.skipped.examples[reason] for reason, _ in self.skipped.counts.most_common()},
        }

    def table(self) -> str:
        """Lines for a terminal: the totals, then a row for each reason with its first example."""
        lines = [
            f"{self.file}: {len(self.archive):,} games, {self.archive.moves:,} moves, "
            f"{self.bytes_per_move:.2f} bytes a move before compression"
        ]
        if len(self.archive.owned):
            counted = int(np.isfinite(self.archive.score).sum())
            lines.append(
                f"whose each point was at the end: known of {len(self.archive.owned):,} of {counted:,} counted games"
            )
        if self.skipped.cut:
            lines.append(f"cut before an illegal move: {self.skipped.cut:,}, first: {self.skipped.first_cut}")
        rows = self.skipped.counts.most_common()
        if rows:
            lines.append(f"skipped: {sum(count for _, count in rows):,}")
            width = max(len(reason) for reason, _ in rows)
            for reason, count in rows:
                lines.append(f"  {reason:{width}}  {count:>9,}  first: {self.skipped.examples[reason]}")
        return "\n".join(lines)
