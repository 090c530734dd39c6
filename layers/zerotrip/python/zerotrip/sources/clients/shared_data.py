"""Providers that speak our own rule: signed JSON questions, signed JSON answers.

Source: docs/decisions/0012-sources-of-materials.md. Both ways are signed by Standard
Webhooks v1 with a secret of their own. A question carries an id; the same id again is
the same question, so a lost answer is asked for once more within the time.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import urllib3

from zerotrip.kernel import standard_webhooks, times
from zerotrip.kernel.aggregate import canonical
from zerotrip.kernel.configuration import PartnerSettings
from zerotrip.kernel.errors import GiveUp, Unauthenticated
from zerotrip.kernel.identifiers import Mint
from zerotrip.sources.providers import Given, Query, provider_unavailable

LARGEST_ANSWER_BYTES: Final = 64 * 1024
_TRIES: Final = 2
_LEAST_SECONDS: Final = 0.2
"""Less time than this is not worth a second try."""
_CHUNK_BYTES: Final = 16 * 1024
_REFERENCE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LAPTOP: Final = frozenset({"127.0.0.1", "localhost"})


@dataclass(frozen=True, slots=True)
class ProviderSettings(PartnerSettings):
    """Where one provider answers, and the secrets of either way.

    `answer_secrets` is a list, so that the provider can change its own.
    """

    partner_zh = "共享数据的提供部门"
    partner_en = "a provider of shared data"

    url: str
    request_secret: str = field(repr=False)
    answer_secrets: Sequence[str] = field(repr=False)
    timeout_seconds: float = 5.0


class SharedData:
    """All providers of a tenant, by the name that the shared materials know them by.

    `settings` are read when somebody is asked for the first time: most items ask none.
    """

    def __init__(
        self,
        settings: Callable[[], Mapping[str, Mapping[str, Any]]],
        http: urllib3.PoolManager,
        mint: Mint,
        now: Callable[[], datetime],
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._http = http
        self._mint = mint
        self._now = now
        self._elapsed = elapsed

    def fetch(self, query: Query) -> Given | None:
        """The provider's document, or None when it says that it has no record.

        Raises Unavailable `provider_unavailable` for silence, for an answer that is
        not signed or not to this question; GiveUp for settings that are wrong.
        """
        provider = query.material.provider
        known = self._settings().get(provider)
        if known is None:
            raise provider_unavailable(provider, "not_connected")
        settings = ProviderSettings.from_json(known)
        _require_protected(settings.url)
        question_id = self._mint.opaque()
        body = canonical(question(query, question_id))
        headers, content = self._ask(settings, query, question_id, body)
        try:
            standard_webhooks.verify(
                headers, content, settings.answer_secrets, self._now()
            )
        except Unauthenticated as refused:
            raise provider_unavailable(provider, refused.code) from None
        return _read(content, query, question_id)

    def _ask(
        self, settings: ProviderSettings, query: Query, question_id: str, body: bytes
    ) -> tuple[Mapping[str, str], bytes]:
        provider, code = query.material.provider, query.material.code
        url = f"{settings.url.rstrip('/')}/v1/materials/{code}/queries"
        until = self._elapsed() + settings.timeout_seconds
        trouble = "timeout"
        for _ in range(_TRIES):
            left = until - self._elapsed()
            if left < _LEAST_SECONDS:
                break
            try:
                return self._once(settings, url, question_id, body, until)
            except urllib3.exceptions.HTTPError as passing:
                trouble = type(passing).__name__
            except _Refused as refused:
                raise provider_unavailable(provider, refused.reason) from None
        raise provider_unavailable(provider, trouble)

    def _once(
        self,
        settings: ProviderSettings,
        url: str,
        question_id: str,
        body: bytes,
        until: float,
    ) -> tuple[Mapping[str, str], bytes]:
        sent_at = self._now()
        left = until - self._elapsed()
        answer = self._http.request(
            "POST",
            url,
            body=body,
            headers={
                "Accept": "application/json",
                # Nothing that unpacks to more than came over the wire.
                "Accept-Encoding": "identity",
                "Content-Type": "application/json",
                "webhook-id": question_id,
                "webhook-timestamp": str(int(sent_at.timestamp())),
                "webhook-signature": standard_webhooks.sign(
                    settings.request_secret, question_id, sent_at, body
                ),
            },
            timeout=urllib3.Timeout(connect=min(2.0, left), read=left, total=left),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            if answer.status != HTTPStatus.OK:
                # Also 404: anyone on the way may say it, and nobody signs it.
                raise _Refused(f"http_{int(answer.status)}")
            return answer.headers, self._whole(answer, until)
        finally:
            answer.close()

    def _whole(self, answer: Any, until: float) -> bytes:
        """The body, within size and time: a drop a second is no answer."""
        content = b""
        while chunk := answer.read1(_CHUNK_BYTES, decode_content=False):
            content += chunk
            if len(content) > LARGEST_ANSWER_BYTES:
                raise _Refused("answer_too_large")
            if self._elapsed() > until:
                raise _Refused("timeout")
        return content


class _Refused(Exception):
    """An answer that asking again will not better."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def question(query: Query, question_id: str) -> dict[str, Any]:
    """What the provider reads: of whom, for what, and on what ground."""
    item, application = query.item, query.application
    return {
        "request_id": question_id,
        "material": query.material.code,
        "subject": {
            "kind": query.about.kind,
            "id_type": query.about.id_type,
            "number": query.about.number,
            "name": query.about.name,
        },
        "purpose": {
            "item_code": item.code,
            "item_name": item.name.zh,
            "organisation": item.organisation.uscc,
            "legal_basis": [each.zh for each in item.legal_basis],
        },
        "consent": {
            "given_by": "application",
            "application": application.id,
            "given_at": application.started_at,
        },
    }


def _read(content: bytes, query: Query, question_id: str) -> Given | None:
    provider = query.material.provider
    try:
        answer = json.loads(content)
        asked = (answer["request_id"], answer["material"])
        if asked != (question_id, query.material.code):
            raise provider_unavailable(provider, "answer_to_another_question")
        if answer["outcome"] == "not_found":
            return None
        document = answer["document"]
        ref, until = answer["reference"], answer["valid_until"]
        times.from_text(answer["issued_at"])
        holds = (
            answer["outcome"] == "found"
            and isinstance(document, dict)
            and bool(document)
            and isinstance(ref, str)
            and _REFERENCE.fullmatch(ref) is not None
            # A reference is kept in clear: it may name the record, never the person.
            and query.about.number not in ref
        )
        valid_until = None if until is None else date.fromisoformat(until)
    except (KeyError, TypeError, ValueError, RecursionError):
        raise provider_unavailable(provider, "answer_unreadable") from None
    if not holds:
        raise provider_unavailable(provider, "answer_unreadable")
    kept = canonical(document)
    return Given(kept, hashlib.sha256(kept).hexdigest(), ref, valid_until)


def _require_protected(url: str) -> None:
    """An identity number travels under TLS, except to this very machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in _LAPTOP:
        return
    raise GiveUp(
        "partner_config_invalid",
        "共享数据提供部门的地址须以https开头。",
        "A provider's address must begin with https.",
        detail={"reason": "not_https"},
    )
