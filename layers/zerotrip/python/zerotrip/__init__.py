"""ZeroTrip: government services in which the data runs the errand."""
