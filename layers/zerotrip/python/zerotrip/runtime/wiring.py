"""What each step is given, made once per process from its function's settings.

Imports stand inside: a function imports only what its own step needs.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from zerotrip.runtime import aws
from zerotrip.runtime.settings import SettingMissing, setting, stage, tenant

if TYPE_CHECKING:
    from zerotrip.archive.steps import ArchiveSteps, SealSteps
    from zerotrip.cases.drafts import Drafts
    from zerotrip.cases.steps import Deps
    from zerotrip.catalogue.publication import Catalogue
    from zerotrip.catalogue.steps import PublishDeps
    from zerotrip.deliveries.callbacks import ParcelCallbacks
    from zerotrip.deliveries.clients.courier import Contact, Courier
    from zerotrip.deliveries.steps import DeliverySteps
    from zerotrip.identity.callers import Callers, Standing
    from zerotrip.kernel.bus import EventBridge
    from zerotrip.kernel.identifiers import Mint
    from zerotrip.kernel.records import Records
    from zerotrip.licences.steps import RegisterDeps, SigningDeps
    from zerotrip.materials.scanning import Scanner
    from zerotrip.materials.steps import MaterialSteps
    from zerotrip.notices.steps import NoticeSteps
    from zerotrip.payments.callbacks import PaymentCallbacks
    from zerotrip.payments.channels.wechat_pay import WeChatPay
    from zerotrip.payments.steps import PaymentSteps
    from zerotrip.sources.clients.shared_data import SharedData


def now() -> datetime:
    """The wall clock, UTC."""
    return datetime.now(UTC)


@functools.cache
def records() -> Records:
    """The records table."""
    from zerotrip.kernel.records import Records

    return Records(aws.tables())


@functools.cache
def catalogue() -> Catalogue:
    """Published items."""
    from zerotrip.catalogue.publication import Catalogue

    return Catalogue(aws.tables(), aws.objects("CATALOGUE_BUCKET"), now)


@functools.cache
def callers() -> Callers:
    """Who calls, and how applicants stand; opens names and numbers where asked."""
    from zerotrip.identity.callers import Callers
    from zerotrip.identity.persons import Identities, Persons
    from zerotrip.identity.power_store import Powers

    return Callers(
        tenant=tenant(),
        persons=Persons(aws.tables()),
        powers=Powers(aws.tables(), tenant()),
        identities=Identities(aws.tables(), aws.key_ring()),
        now=now,
    )


@functools.cache
def mint() -> Mint:
    """New numbers from the operating system's randomness."""
    from zerotrip.kernel.identifiers import Mint

    return Mint(os.urandom)


@functools.cache
def bus() -> EventBridge:
    """The event bus."""
    from zerotrip.kernel.bus import EventBridge

    return EventBridge(aws.client("events"), setting("EVENT_BUS"))


@functools.cache
def publish_deps() -> PublishDeps:
    """For publish_item."""
    from zerotrip.catalogue.pages import keep_page
    from zerotrip.catalogue.steps import PublishDeps

    return PublishDeps(
        tenant=tenant(),
        records=records(),
        catalogue=catalogue(),
        keep_page=functools.partial(keep_page, aws.objects("CATALOGUE_BUCKET")),
        now=now,
    )


@functools.cache
def case_steps() -> Deps:
    """For submit, pre_review, approve, advance_case."""
    from zerotrip.cases.steps import Deps

    return Deps(
        tenant=tenant(),
        records=records(),
        catalogue=catalogue(),
        keys=aws.key_ring,
        mint=mint(),
        now=now,
        standing=_standing,
    )


def _standing(sub: str, agent: str | None) -> Standing:
    # At its first use: only `approve` may read the identity table.
    return callers().standing(sub, agent)


@functools.cache
def material_steps() -> MaterialSteps:
    """For receive_material and the look for uploads whose event never came."""
    from zerotrip.materials.steps import MaterialSteps
    from zerotrip.materials.store import Slots

    return MaterialSteps(
        slots=Slots(aws.tables()),
        objects=aws.objects("UPLOADS_BUCKET"),
        tenant=tenant(),
        bucket=setting("UPLOADS_BUCKET"),
        scanner=scanner,
        now=now,
    )


@functools.cache
def scanner() -> Scanner:
    """What `MALWARE_SCANNER` says: `none`, or `tcp://host:port` of clamd."""
    from zerotrip.materials.clients.clamd import Clamd
    from zerotrip.materials.scanning import NOBODY, AlwaysClean

    said = setting("MALWARE_SCANNER")
    return AlwaysClean() if said == NOBODY else Clamd.at(said)


@functools.cache
def drafts_to_watch() -> Drafts:
    """For watch_deadlines: drafts whose rows are read and marked, never opened."""
    from zerotrip.cases.drafts import Drafts
    from zerotrip.kernel.sealing import KeyRing

    return Drafts(aws.tables(), KeyRing(aws.tables(), _NoKeys()))


class _NoKeys:
    """KeyService of a function that was given no key, since it opens nothing."""

    def generate(self, context: dict[str, str]) -> tuple[bytes, bytes]:  # noqa: ARG002
        raise SettingMissing("DATA_KEY")

    def unwrap(self, wrapped: bytes, context: dict[str, str]) -> bytes:  # noqa: ARG002
        raise SettingMissing("DATA_KEY")


@functools.cache
def notice_steps() -> NoticeSteps:
    """For notify."""
    from zerotrip.notices.steps import NoticeSteps

    return NoticeSteps(records=records(), tenant=tenant(), now=now)


@functools.cache
def signing() -> SigningDeps:
    """For sign_licence."""
    from zerotrip.licences.rendering import Renderer
    from zerotrip.licences.signing import KmsRawSigner, sign_pdf
    from zerotrip.licences.steps import SigningDeps

    base = setting("PUBLIC_BASE_URL")
    return SigningDeps(
        tenant=tenant(),
        records=records(),
        catalogue=catalogue(),
        keys=aws.key_ring(),
        licences=aws.objects("LICENCES_BUCKET"),
        licences_bucket=setting("LICENCES_BUCKET"),
        raw_signer=KmsRawSigner(aws.client("kms"), setting("LICENCE_KEY")),
        chain=functools.partial(_trusted, "trust/licence-signer.pem"),
        render=Renderer().render,
        sign=sign_pdf,
        announce=_announce_licence,
        verification_url=lambda licence: f"{base}/v1/verifications/{licence}",
        sample=stage() != "production",
        now=now,
    )


@functools.cache
def registering() -> RegisterDeps:
    """For register_licence."""
    from zerotrip.licences.checking import check_signed_pdf
    from zerotrip.licences.steps import RegisterDeps

    return RegisterDeps(
        tenant=tenant(),
        records=records(),
        licences=aws.objects("LICENCES_BUCKET"),
        licences_bucket=setting("LICENCES_BUCKET"),
        check=lambda pdf, licence: check_signed_pdf(
            pdf, _trusted("trust/roots.pem"), licence
        ),
        now=now,
    )


@functools.cache
def _trusted(key: str) -> bytes:
    stored = aws.objects("CATALOGUE_BUCKET").get(key)
    if stored is None:
        from zerotrip.kernel.errors import Retry

        raise Retry(
            "trust_not_installed",
            "签发证书尚未安装，请运维人员安装后重试。",
            "The signing certificate is not installed yet; an operator must do so.",
            detail={"object": key},
        )
    return stored.content


def _announce_licence(message: Mapping[str, Any]) -> None:
    aws.send("REGISTER_LICENCE_QUEUE", json.dumps(message), {})


@functools.cache
def http() -> Any:
    """Connections to partners, kept open between invocations."""
    import urllib3

    return urllib3.PoolManager(maxsize=2)


@functools.cache
def wechat_pay() -> WeChatPay:
    """The payment channel WeChat Pay, from the payments partner's secret."""
    from zerotrip.payments.channels.wechat_pay import WeChatPay, WeChatPayConfig

    config = WeChatPayConfig.from_json(aws.secret("PAYMENTS_PARTNER_SECRET"))
    return WeChatPay(config, http(), now)


@functools.cache
def payment_steps() -> PaymentSteps:
    """For collect_payment."""
    from zerotrip.payments.steps import PaymentSteps

    return PaymentSteps(
        tenant=tenant(),
        records=records(),
        channels={"wechat_pay": wechat_pay},
        now=now,
        payable_for=timedelta(days=int(setting("PAYABLE_DAYS"))),
    )


@functools.cache
def payment_callback_deps() -> PaymentCallbacks:
    """For a payment channel's notice."""
    from zerotrip.payments.callbacks import PaymentCallbacks

    return PaymentCallbacks(
        tenant=tenant(), records=records(), channel=wechat_pay(), now=now
    )


def _courier() -> tuple[Courier, Contact]:
    from zerotrip.deliveries.clients.courier import Courier, CourierConfig
    from zerotrip.deliveries.steps import office_of

    office, settings = office_of(aws.secret("COURIER_PARTNER_SECRET"))
    return Courier(CourierConfig.from_json(settings), http(), now), office


@functools.cache
def delivery_steps() -> DeliverySteps:
    """For dispatch_courier."""
    from zerotrip.deliveries.steps import DeliverySteps

    courier, office = _courier()
    return DeliverySteps(
        tenant=tenant(),
        records=records(),
        catalogue=catalogue(),
        keys=aws.key_ring,
        courier=courier,
        office=office,
        now=now,
    )


@functools.cache
def parcel_callback_deps() -> ParcelCallbacks:
    """For a courier's callback."""
    from zerotrip.deliveries.callbacks import ParcelCallbacks

    courier, _ = _courier()
    return ParcelCallbacks(tenant=tenant(), records=records(), courier=courier, now=now)


@functools.cache
def shared_data() -> SharedData:
    """The providers of shared materials; the secret is read when one is asked."""
    from zerotrip.sources.clients.shared_data import SharedData

    return SharedData(_providers, http(), mint(), now)


def _providers() -> Mapping[str, Any]:
    try:
        return aws.secret("SHARED_DATA_PARTNER_SECRET")
    except aws.client("secretsmanager").exceptions.ResourceNotFoundException:
        # No value yet: nobody is connected, and applicants upload what is asked.
        return {}


@functools.cache
def archive_steps() -> ArchiveSteps:
    """For archive_events."""
    from zerotrip.archive.steps import ArchiveSteps

    return ArchiveSteps(
        tenant=tenant(),
        records=records(),
        objects=aws.objects("ARCHIVE_BUCKET"),
        now=now,
    )


@functools.cache
def seal_steps() -> SealSteps:
    """For seal_day."""
    from zerotrip.archive.steps import SealSteps

    return SealSteps(tenant=tenant(), objects=aws.objects("ARCHIVE_BUCKET"))
