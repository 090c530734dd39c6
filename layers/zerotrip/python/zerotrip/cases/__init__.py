"""The case: one stream of facts from the freeze of a draft to its last parcel."""
