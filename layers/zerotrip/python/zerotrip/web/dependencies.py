"""What each application is given; `zerotrip.runtime.wiring` makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zerotrip.cases.applications import Applications
    from zerotrip.cases.requests import Requests
    from zerotrip.catalogue.publication import Catalogue
    from zerotrip.catalogue.publishing import Publishing
    from zerotrip.identity.agency import Agency, Window
    from zerotrip.identity.callers import Callers
    from zerotrip.identity.officers import Officers
    from zerotrip.identity.recusal import Recusal
    from zerotrip.identity.sessions import Sessions
    from zerotrip.identity.store import Subjects
    from zerotrip.kernel.objects import Objects
    from zerotrip.kernel.records import Records
    from zerotrip.kernel.sealing import KeyRing
    from zerotrip.kernel.tables import Tables
    from zerotrip.notices.inbox import Inbox
    from zerotrip.payments.requests import Payments


@dataclass(frozen=True, slots=True)
class Applicant:
    """For `applicant_api`."""

    tenant: str
    applications: Applications
    requests: Requests
    sessions: Sessions
    callers: Callers
    agency: Agency
    inbox: Inbox
    payments: Payments
    subjects: Subjects
    catalogue: Catalogue
    records: Records
    licences_bucket: Objects
    tables: Tables
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Staff:
    """For `staff_api`."""

    tenant: str
    requests: Requests
    records: Records
    catalogue: Catalogue
    officers: Officers
    callers: Callers
    window: Window
    recusal: Recusal
    uploads: Objects
    keys: KeyRing
    tables: Tables
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Editors:
    """For `catalogue_api`."""

    tenant: str
    publishing: Publishing
    officers: Officers
    tables: Tables
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Public:
    """For `public_api`; `jwks` answers the published token keys (RFC 7517)."""

    tenant: str
    catalogue: Catalogue
    records: Records
    jwks: Callable[[], Mapping[str, Any]]
    now: Callable[[], datetime]
