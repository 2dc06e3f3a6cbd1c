"""The host's private network: its cards, the one that is meant, and who has which address."""
