"""Carriers: the only HTTP of this package."""
