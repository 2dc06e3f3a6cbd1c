"""A map of the network: what is drawn, and where, from plans alone."""
