"""What the state has: looked up in the register, fetched from providers."""
