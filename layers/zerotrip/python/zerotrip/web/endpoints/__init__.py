"""What each route does: one function per route, from request to reply."""
