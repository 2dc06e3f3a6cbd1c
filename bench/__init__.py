"""Benchmarks on the lab's hosts: each prints a ratio of two things measured in one run."""
