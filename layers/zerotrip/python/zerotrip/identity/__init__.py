"""People, companies, agents, organisations, officers; sessions and roles."""
