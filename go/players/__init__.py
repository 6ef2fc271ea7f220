"""Players that engines are made of: which move to play, by the net alone, by rollouts or by search."""
