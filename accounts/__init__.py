"""Who asks: people, guests, operators and their access tokens."""
