"""Payment channels: the only HTTP of this package."""
