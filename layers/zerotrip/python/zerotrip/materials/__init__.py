"""Uploads, their checks, and what the state already holds."""
