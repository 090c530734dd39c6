"""The words that every part of the business uses."""
