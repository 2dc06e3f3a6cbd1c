"""Act: carry out what the plan decided, and nothing else."""
