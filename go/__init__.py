"""casecnn.go: AlphaGo's policy network as an application: suggest, review, play, train, evaluate.

Names load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casecnn.public import lazily

if TYPE_CHECKING:
    from casecnn.go.net.policy import Policy as Policy
    from casecnn.go.net.policy import load_policy as load_policy
    from casecnn.go.net.policy_value import Estimates as Estimates
    from casecnn.go.net.policy_value import PolicyValue as PolicyValue
    from casecnn.go.net.policy_value import load_policy_value as load_policy_value
    from casecnn.go.position import IllegalMove as IllegalMove
    from casecnn.go.position import Position as Position
    from casecnn.go.reviews.moves import Review as Review
    from casecnn.go.reviews.moves import review as review
    from casecnn.go.reviews.opinion import ReviewedMove as ReviewedMove
    from casecnn.go.search.reading import Search as Search
    from casecnn.go.search.results import SearchedMove as SearchedMove
    from casecnn.go.search.results import SearchResult as SearchResult
    from casecnn.go.sgf.game import read_game as read_game
    from casecnn.go.suggested_moves import Suggestion as Suggestion
    from casecnn.go.suggested_moves import Suggestions as Suggestions
    from casecnn.go.suggestions import suggest as suggest
    from casecnn.nets.policy import policy_net as policy_net
    from casecnn.nets.value import policy_value_net as policy_value_net
    from casecnn.nets.value import value_net as value_net

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Estimates": "net.policy_value",
        "IllegalMove": "position",
        "Policy": "net.policy",
        "PolicyValue": "net.policy_value",
        "Position": "position",
        "Review": "reviews.moves",
        "ReviewedMove": "reviews.opinion",
        "Search": "search.reading",
        "SearchResult": "search.results",
        "SearchedMove": "search.results",
        "Suggestion": "suggested_moves",
        "Suggestions": "suggested_moves",
        "load_policy": "net.policy",
        "load_policy_value": "net.policy_value",
        "policy_net": "casecnn.nets.policy",
        "policy_value_net": "casecnn.nets.value",
        "read_game": "sgf.game",
        "review": "reviews.moves",
        "suggest": "suggestions",
        "value_net": "casecnn.nets.value",
    },
)
