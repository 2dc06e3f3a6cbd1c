"""What coordinates one run over many hosts: observed, planned and compared together."""
