"""ZeroTrip (零跑腿): what all functions share."""

import gc

# A cold start makes some 150,000 objects that live on. By default the collector looks
# through them every 700, a tenth of the whole start, and finds nothing.
gc.set_threshold(200_000, 20, 20)
