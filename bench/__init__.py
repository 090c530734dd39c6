"""`make bench`: what a cold start and a whole case cost. It prints, it never fails."""
