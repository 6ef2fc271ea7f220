"""The Go Text Protocol: an engine, and matches between engines."""
