"""Scanners, in their own protocols."""
