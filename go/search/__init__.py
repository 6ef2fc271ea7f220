"""Looking ahead: ladders, random games, rollouts, and search with a net that knows who is ahead.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Options": "options",
        "Search": "reading",
        "SearchResult": "results",
        "SearchedMove": "results",
    },
)
