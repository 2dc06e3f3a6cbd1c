"""Plan beside observation: what differs, and what does not work."""
