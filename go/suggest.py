"""The names of `casecnn.go.suggestions` under a second name."""

from casecnn.go.suggestions import Suggestion, Suggestions, suggest

__all__ = ["Suggestion", "Suggestions", "suggest"]
