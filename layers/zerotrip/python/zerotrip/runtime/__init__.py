"""Where the outside is wired to the inside: settings, one session, handlers."""
