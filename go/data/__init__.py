"""Many games, packed for training."""
