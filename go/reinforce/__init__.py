"""Reinforcement learning by games against earlier versions of a net.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "BASELINES": "run",
        "POOL": "run",
        "reinforce": "run",
    },
)
