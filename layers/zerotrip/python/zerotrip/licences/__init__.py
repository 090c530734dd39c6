"""The electronic licence: its number, its file, the file's signature and its check."""
