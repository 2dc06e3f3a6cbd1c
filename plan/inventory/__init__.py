"""The inventory's words: read, checked and typed. Knows nothing of hosts."""
