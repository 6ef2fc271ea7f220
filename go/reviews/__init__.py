"""Reviews of whole games.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Agreement": "moves",
        "BATCH": "moves",
        "CANDIDATES": "moves",
        "Candidate": "moves",
        "FLOOR": "moves",
        "Review": "moves",
        "ReviewedMove": "moves",
        "TIE": "moves",
        "check_numbers": "moves",
        "check_range": "moves",
        "check_size": "moves",
        "review": "moves",
        "select": "moves",
    },
)
