"""What was recorded, kept outside the table: each event once, each day sealed."""
