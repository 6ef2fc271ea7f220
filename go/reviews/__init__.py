"""Reviews of whole games.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Agreement": "opinion",
        "BATCH": "moves",
        "CANDIDATES": "moves",
        "Candidate": "opinion",
        "FLOOR": "opinion",
        "Review": "moves",
        "ReviewedMove": "opinion",
        "TIE": "moves",
        "check_numbers": "moves",
        "check_range": "moves",
        "review": "moves",
        "select": "opinion",
    },
)
