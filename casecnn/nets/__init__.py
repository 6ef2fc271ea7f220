"""The case-study nets, each declared once, as rows of frozen data."""
