"""How each network mode plans a host: the function `plan` of the module of its name."""
