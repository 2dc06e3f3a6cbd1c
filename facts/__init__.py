"""What a host is and runs: observed, parsed into typed values, never judged."""
