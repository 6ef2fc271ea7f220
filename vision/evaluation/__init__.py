"""The errors of a net on images.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Evaluation": "measure",
        "Errors": "errors",
        "Share": "errors",
        "Tally": "errors",
        "Speed": "measure",
        "evaluate": "measure",
        "peak_memory": "measure",
        "ranks": "errors",
    },
)
