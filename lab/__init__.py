"""Throwaway real hosts on one machine; see docs/lab.md. The typed API is `lab.api`."""
