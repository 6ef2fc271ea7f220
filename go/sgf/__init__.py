"""Games from SGF files and back.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Game": "game",
        "MAX_EVENTS": "line",
        "Nodes": "line",
        "games": "game",
        "line_of": "line",
        "open_game": "game",
        "parse_path": "line",
        "read_game": "game",
        "read_games": "game",
        "record_of": "line",
    },
)
