"""What is true of the group `staging`: it wins over all.py, and a host's own data over both."""

# One instance is enough here.
instances = [7043]
