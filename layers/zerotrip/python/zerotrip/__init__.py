"""ZeroTrip: government services in which the data runs the errand."""

from zerotrip.kernel.ahead import quicken

quicken()
