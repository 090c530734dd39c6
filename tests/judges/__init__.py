"""Judges of what the platform issues, apart from the code that issued it."""
