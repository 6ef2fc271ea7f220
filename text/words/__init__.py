"""From a text to words, and from words to vectors."""
