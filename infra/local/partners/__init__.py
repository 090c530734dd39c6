"""Partner sandboxes: real HTTP servers that speak the partners' protocols.

`python -m infra.local.partners --help` runs them; tests use `Sandboxes`.
"""

from .people import PEOPLE, Person
from .sandboxes import Sandboxes

__all__ = ["PEOPLE", "Person", "Sandboxes"]
