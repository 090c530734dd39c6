"""Who vouches for a person: the only HTTP of this package."""
