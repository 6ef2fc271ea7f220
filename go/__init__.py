"""casecnn.go: AlphaGo's policy network as an application: suggest, review, play, train, evaluate.

Names load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from casecnn.go.net import policy_net as policy_net
    from casecnn.go.policy import Policy as Policy
    from casecnn.go.policy import load_policy as load_policy
    from casecnn.go.position import IllegalMove as IllegalMove
    from casecnn.go.position import Position as Position
    from casecnn.go.reviews import Review as Review
    from casecnn.go.reviews import ReviewedMove as ReviewedMove
    from casecnn.go.reviews import review as review
    from casecnn.go.sgf import read_game as read_game
    from casecnn.go.suggestions import Suggestion as Suggestion
    from casecnn.go.suggestions import Suggestions as Suggestions
    from casecnn.go.suggestions import suggest as suggest

_HOMES = {
    "IllegalMove": "position",
    "Policy": "policy",
    "Position": "position",
    "Review": "reviews",
    "ReviewedMove": "reviews",
    "Suggestion": "suggestions",
    "Suggestions": "suggestions",
    "load_policy": "policy",
    "policy_net": "net",
    "read_game": "sgf",
    "review": "reviews",
    "suggest": "suggestions",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'casecnn.go' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"casecnn.go.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
