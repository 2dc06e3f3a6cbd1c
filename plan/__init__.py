"""Decide: settings and observations in, a frozen plan out. No pyinfra, nothing remote."""
