"""Shipments to and from the applicant, and the carriers that move them."""
