"""The routes of version 1, by application: the contract as data."""
