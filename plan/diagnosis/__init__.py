"""Where a packet dies: each path as the hops that it takes, judged up to the first break."""
