"""The files of a release: what a host is given, from settings and a mode's plan."""
