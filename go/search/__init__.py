"""Looking ahead: ladders, random games, rollouts."""
