"""The policy network: declared, trained, measured, used.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "DEFAULT": "declaration",
        "arguments_of": "declaration",
        "check_planes": "declaration",
        "declared": "declaration",
        "policy_net": "casecnn.nets.policy",
    },
)
