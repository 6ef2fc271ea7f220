"""casecnn.go: AlphaGo's policy network as an application."""
