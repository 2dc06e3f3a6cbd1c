"""What somebody else set up on a host, in the inventory's words."""
