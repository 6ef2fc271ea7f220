"""Matches between two GTP engines, with a referee."""
