"""Requests that nobody would write by hand, made from the OpenAPI document.

`make fuzz` sends 10,000 of them as every kind of person; `make test` a slice. What the
document promises is the oracle, so an answer that it does not name is a finding.
"""
