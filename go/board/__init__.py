"""The board: points, rules, ladders."""
