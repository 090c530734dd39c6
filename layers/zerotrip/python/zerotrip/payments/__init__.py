"""Bills, the channels that collect them, refunds and receipts."""
