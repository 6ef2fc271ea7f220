"""Moves judged by playing on."""
