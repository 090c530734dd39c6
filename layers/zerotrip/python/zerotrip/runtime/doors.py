"""What each HTTPS application is given, made once per process."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from zerotrip.runtime import aws, wiring
from zerotrip.runtime.logs import logger, said
from zerotrip.runtime.settings import setting, stage, tenant
from zerotrip.web.dependencies import Applicant, Editors, Public, Staff

if TYPE_CHECKING:
    from zerotrip.cases.requests import Requests
    from zerotrip.identity.power_store import Powers
    from zerotrip.identity.sessions import Sessions
    from zerotrip.identity.store import Subjects
    from zerotrip.identity.tokens import KmsTokenKey
    from zerotrip.kernel.errors import ZeroTripError
    from zerotrip.notices.inbox import Inbox
    from zerotrip.sources.resolving import Sources


@functools.cache
def applicant() -> Applicant:
    """For applicant_api."""
    from zerotrip.cases.applications import Applications
    from zerotrip.cases.drafts import Drafts
    from zerotrip.identity.agency import Agency
    from zerotrip.materials.store import Slots
    from zerotrip.payments.requests import Payments

    return Applicant(
        tenant=tenant(),
        applications=Applications(
            tenant=tenant(),
            drafts=Drafts(aws.tables(), aws.key_ring()),
            records=wiring.records(),
            catalogue=wiring.catalogue(),
            keys=aws.key_ring(),
            slots=Slots(aws.tables()),
            uploads=aws.objects("UPLOADS_BUCKET"),
            mint=wiring.mint(),
            now=wiring.now,
            applicants=wiring.callers(),
            hash_key=_hash_key(),
            sources=_sources,
        ),
        requests=_requests(),
        sessions=_sessions(),
        callers=wiring.callers(),
        agency=Agency(wiring.callers(), _powers(), wiring.mint(), _hash_key()),
        inbox=_inbox(),
        payments=Payments(
            records=wiring.records(),
            catalogue=wiring.catalogue(),
            channels={"wechat_pay": wiring.wechat_pay},
            now=wiring.now,
        ),
        subjects=_subjects(),
        catalogue=wiring.catalogue(),
        records=wiring.records(),
        licences_bucket=aws.objects("LICENCES_BUCKET"),
        tables=aws.tables(),
        now=wiring.now,
    )


@functools.cache
def staff() -> Staff:
    """For staff_api."""
    from zerotrip.identity.agency import Window
    from zerotrip.identity.officers import Officers
    from zerotrip.identity.persons import Persons
    from zerotrip.identity.recusal import Recusal

    return Staff(
        tenant=tenant(),
        requests=_requests(),
        records=wiring.records(),
        catalogue=wiring.catalogue(),
        officers=Officers(aws.tables()),
        callers=wiring.callers(),
        window=Window(_subjects(), _powers(), tenant()),
        recusal=Recusal(
            aws.tables(), tenant(), Persons(aws.tables()), wiring.now, _hash_key()
        ),
        uploads=aws.objects("UPLOADS_BUCKET"),
        keys=aws.key_ring(),
        tables=aws.tables(),
        now=wiring.now,
    )


@functools.cache
def editors() -> Editors:
    """For catalogue_api."""
    from zerotrip.catalogue.publishing import Publishing
    from zerotrip.identity.officers import Officers

    return Editors(
        tenant=tenant(),
        publishing=Publishing(
            tenant(), wiring.records(), wiring.catalogue(), wiring.now
        ),
        officers=Officers(aws.tables()),
        tables=aws.tables(),
        now=wiring.now,
    )


@functools.cache
def public() -> Public:
    """For public_api."""
    from zerotrip.identity.tokens import jwks

    return Public(
        tenant=tenant(),
        catalogue=wiring.catalogue(),
        records=wiring.records(),
        jwks=lambda: jwks([key.public_key() for key in _token_keys()]),
        now=wiring.now,
    )


def _requests() -> Requests:
    from zerotrip.cases.requests import Requests
    from zerotrip.materials.store import Slots

    return Requests(
        tenant=tenant(),
        records=wiring.records(),
        catalogue=wiring.catalogue(),
        keys=aws.key_ring(),
        slots=Slots(aws.tables()),
        uploads=aws.objects("UPLOADS_BUCKET"),
        mint=wiring.mint(),
        now=wiring.now,
        applicants=wiring.callers(),
        hash_key=_hash_key(),
    )


@functools.cache
def _token_keys() -> tuple[KmsTokenKey, ...]:
    from zerotrip.identity.tokens import KmsTokenKey

    # While a key is being replaced both are named; the first one signs.
    names = [name.strip() for name in setting("TOKEN_KEY").split(",")]
    return tuple(KmsTokenKey(aws.client("kms"), name) for name in names)


@functools.cache
def _subjects() -> Subjects:
    from zerotrip.identity.store import Subjects

    return Subjects(
        tables=aws.tables(),
        keys=aws.key_ring(),
        mint=wiring.mint(),
        clock=wiring.now,
        hash_key=_hash_key(),
    )


def _hash_key() -> bytes:
    return aws.secret_text("IDENTITY_HASH_SECRET").encode()


def _powers() -> Powers:
    from zerotrip.identity.power_store import Powers

    return Powers(aws.tables(), tenant())


@functools.cache
def _sources() -> Sources:
    from zerotrip.sources.resolving import Sources

    def tell(trouble: ZeroTripError) -> None:
        logger().warning(trouble.en, **said(trouble))

    return Sources(
        tables=aws.tables(),
        records=wiring.records(),
        keys=aws.key_ring(),
        now=wiring.now,
        providers=wiring.shared_data(),
        identify=wiring.callers().applicant,
        tell=tell,
        note=lambda sub, reason: _subjects().note(tenant(), sub, ended=reason),
    )


def _sessions() -> Sessions:
    from zerotrip.identity.clients.oidc import OidcConfig, OidcProvider
    from zerotrip.identity.clients.wechat_mini_program import (
        WeChatMiniProgram,
        WeChatMiniProgramConfig,
    )
    from zerotrip.identity.officers import Officers
    from zerotrip.identity.sessions import Sessions
    from zerotrip.identity.tokens import Realm, TokenIssuer

    partners = aws.secret("IDENTITY_PARTNER_SECRET")
    wechat = WeChatMiniProgramConfig.from_json(partners["wechat_mini_program"])
    signing = _token_keys()[0]
    return Sessions(
        tenant=tenant(),
        tables=aws.tables(),
        subjects=_subjects(),
        officers=Officers(aws.tables()),
        issuer=TokenIssuer(
            realm=Realm(setting("PUBLIC_BASE_URL"), f"zerotrip-{stage()}"),
            signer=signing,
            kid=signing.public_key().kid,
        ),
        wechat=WeChatMiniProgram(wechat, wiring.http()),
        oidc=OidcProvider(OidcConfig.from_json(partners["oidc"]), wiring.http()),
        mint=wiring.mint(),
        clock=wiring.now,
    )


def _inbox() -> Inbox:
    from zerotrip.notices.inbox import Inbox
    from zerotrip.notices.words import ItemWords, item_words

    def words(code: str, digest: str) -> ItemWords:
        return item_words(wiring.catalogue().pinned(tenant(), code, digest))

    return Inbox(wiring.records(), aws.tables(), words, wiring.now)
