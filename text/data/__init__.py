"""Texts and labels from files."""
