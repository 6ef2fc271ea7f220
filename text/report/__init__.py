"""What a model gets right and wrong, for people to read."""
