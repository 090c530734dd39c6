"""What is told to whom, by which channel, and whether it arrived."""
