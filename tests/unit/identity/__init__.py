"""People, officers, sessions and tokens, without a cloud."""
