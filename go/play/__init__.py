"""Whole games of a net."""
