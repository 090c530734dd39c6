"""What `make lint` and `make audit` ask about templates, secrets and dependencies."""
