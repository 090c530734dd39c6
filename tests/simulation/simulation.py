"""One run: the product, its cloud, its partners and its people, under one seed."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import ModuleType
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.simulation import partners as partner_settings
from tests.simulation.adapters import (
    MemoryStore,
    Outside,
    SimulatedBus,
    SimulatedHttp,
    SimulatedKeys,
    SimulatedObjects,
    SimulatedTables,
    Trace,
    sdk_fails,
)
from tests.simulation.base import HASH_KEY, Base, base, signing_key
from tests.simulation.cloud import Cloud
from tests.simulation.faults import Faults
from tests.simulation.partners import Partners, virtual_time
from tests.simulation.scheduler import Scheduler
from tests.simulation.vouching import IdentityProvider, Vouching, WeChat
from tests.support.world import TENANT
from zerotrip.identity.clients import oidc, wechat_mini_program
from zerotrip.identity.tokens import PublicKey
from zerotrip.kernel import sealing
from zerotrip.kernel.errors import GiveUp
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import Put, StoredRow, Write
from zerotrip.licences import signing
from zerotrip.materials.storage_events import ObjectCreated, created_message
from zerotrip.runtime import aws, doors, wiring

REAL_LICENCES = 20
"""So many of a run are rendered and signed for real, the rest by a stand-in."""
NOTIFIED = {"uploads": "receive_material", "licences": "register_licence"}
"""Which queue each bucket's notification goes to."""
QUEUE_SETTINGS = {
    "RECEIVE_MATERIAL_QUEUE": "receive_material",
    "REGISTER_LICENCE_QUEUE": "register_licence",
    "NOTIFY_QUEUE": "notify",
    "COLLECT_PAYMENT_QUEUE": "collect_payment",
}
ENVIRONMENT = {
    "ZEROTRIP_TENANT": TENANT,
    "ZEROTRIP_STAGE": "simulation",
    "PUBLIC_BASE_URL": "https://zerotrip.example.invalid",
    "UPLOADS_BUCKET": "uploads",
    "LICENCES_BUCKET": "licences",
    "CATALOGUE_BUCKET": "catalogue",
    "ARCHIVE_BUCKET": "archive",
    "MALWARE_SCANNER": "none",
    "PAYABLE_DAYS": "15",
    "LICENCE_KEY": "licence-key",
    "TOKEN_KEY": "token-key",
    "DATA_KEY": "data-key",
    "AWS_REGION": "local",
    "POWERTOOLS_SERVICE_NAME": "simulated",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "POWERTOOLS_METRICS_NAMESPACE": "simulated",
    "AWS_LAMBDA_FUNCTION_NAME": "simulated",
}
STAND_IN = b"stand-in for a signed licence "


@dataclass
class Simulation:
    """A context manager: inside it the product's doors lead into this run."""

    seed: int
    faults: Faults = field(default_factory=Faults)
    base: Base = field(default_factory=base)
    real_licences: int = REAL_LICENCES
    trace: bool = False
    log_level: str = "CRITICAL"
    parcel_seconds: float = partner_settings.PARCEL_SECONDS
    on_commit: list[Callable[[Sequence[Write]], None]] = field(default_factory=list)
    storage_events: Callable[[ObjectCreated, int], None] | None = None
    """Stands in for the buckets' notifications when a scenario mishandles them."""

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.seed)
        self.started = self.scheduler.now
        self.outside = Outside(self.scheduler, self.faults, Trace(self.trace))
        self.cloud = Cloud(self.scheduler, self.faults)
        self.store = MemoryStore(
            self.base.rows, clock=lambda: self.scheduler().timestamp()
        )
        self.tables = SimulatedTables(self.store, self.outside, self._committed)
        self.records = Records(self.store)
        self.service = SimulatedKeys(
            made=len(self.base.keys), kept=dict(self.base.keys), outside=self.outside
        )
        self.buckets = {
            name: SimulatedObjects(bucket=name, outside=self.outside)
            for name in ("catalogue", "uploads", "licences", "archive")
        }
        for name, kept in self.base.buckets.items():
            self.buckets[name].versions = {k: list(v) for k, v in kept.items()}
        for name in NOTIFIED:
            self.buckets[name].created = self._created
        self.partners = Partners(
            self.scheduler, self._callback, self._copies, self.parcel_seconds
        )
        self.vouching = Vouching(self.outside)
        self.dice = random.Random(self.seed + 1)
        self.mint = Mint(self.dice.randbytes)
        self.announced: Counter[str] = Counter()
        self._really_signed: set[str] = set()

    def __enter__(self) -> Simulation:
        self._stack = contextlib.ExitStack()
        environment = {**ENVIRONMENT, "POWERTOOLS_LOG_LEVEL": self.log_level}
        self._stack.enter_context(mock.patch.dict(os.environ, environment))
        self._stack.enter_context(virtual_time(self.scheduler))
        for module, name, stand_in in self._doors():
            self._stack.enter_context(mock.patch.object(module, name, stand_in))
        _forget_what_was_made()
        self.cloud.tick()
        return self

    def __exit__(self, *_: object) -> None:
        self.scheduler.close()
        self._stack.close()
        _forget_what_was_made()

    def run(self, hours: float = 6.0, stop: Callable[[], bool] | None = None) -> None:
        """Until `stop`, or so much virtual time has passed."""
        self.scheduler.run(self.scheduler.now + timedelta(hours=hours), stop)

    def run_until_quiet(
        self,
        hours: float = 6.0,
        done: Callable[[], bool] = lambda: True,
        look_seconds: float = 1.0,
        messages: bool = True,
    ) -> None:
        """Until nothing is on its way and `done` holds; looked at each second.

        Without `messages`, what waits in stream and queues does not count.
        """
        quiet = [False]

        def look() -> None:
            quiet[0] = not (messages and self.busy()) and done()
            self.scheduler.later(look_seconds, look)

        self.scheduler.later(look_seconds, look)
        self.run(hours, lambda: quiet[0])

    def busy(self) -> bool:
        """Whether a message is on its way or a function or a partner is at work."""
        return bool(
            self.cloud.on_the_way
            or any(self.cloud.functions.running.values())
            or any(
                not callback.hold and callback.pending
                for callback in self.partners.callbacks.values()
            )
        )

    # the doors

    def _doors(self) -> Iterator[tuple[ModuleType, str, Any]]:
        yield aws, "tables", lambda: self.tables
        yield aws, "objects", lambda setting: self.buckets[ENVIRONMENT[setting]]
        yield aws, "key_ring", lambda: KeyRing(self.tables, self.service)  # type: ignore[arg-type]
        yield aws, "send", self._send
        yield aws, "secret", lambda name: json.loads(self._secret(name))
        yield aws, "secret_text", self._secret
        yield aws, "client", _no_client
        yield wiring, "now", self.scheduler
        yield wiring, "mint", lambda: self.mint
        yield (
            wiring,
            "bus",
            lambda: SimulatedBus(self.outside, self.cloud.deliver),
        )
        yield (
            wiring,
            "http",
            lambda: SimulatedHttp(self.outside, self.partners),
        )
        yield wiring, "signing", lambda: self._signing_deps
        yield wiring, "registering", lambda: self._registering_deps
        yield doors, "_token_keys", lambda: (TokenKey(self.outside),)
        yield oidc, "OidcProvider", lambda *_: IdentityProvider(self.vouching)
        yield (
            wechat_mini_program,
            "WeChatMiniProgram",
            lambda *_: WeChat(self.vouching),
        )
        # Nonces stand in event hashes: one seed, one run, needs them drawn as well.
        yield (
            sealing,
            "DataKey",
            functools.partial(sealing.DataKey, random_bytes=self.dice.randbytes),
        )

    def _send(self, setting: str, body: str, attributes: dict[str, str]) -> None:
        actor = self.scheduler.actor
        function = actor.name if actor is not None else ""

        def effect() -> None:
            kept = {name: value[:256] for name, value in attributes.items() if value}
            if setting == "DEAD_LETTER_QUEUE":
                self.cloud.queues[function].bury(body, kept)
            else:
                self.cloud.queues[QUEUE_SETTINGS[setting]].send(body, kept)

        self.outside(f"sqs.send {setting}", effect, sdk_fails)

    def _secret(self, setting: str) -> str:
        if setting == "IDENTITY_HASH_SECRET":
            return HASH_KEY
        name = setting.removesuffix("_PARTNER_SECRET").lower()
        return json.dumps(partner_settings.configuration(name))

    def _committed(self, writes: Sequence[Write]) -> None:
        self.cloud.stream.committed(writes)
        for hear in self.on_commit:
            hear(writes)

    def _created(self, bucket: str, key: str, version_id: str, size: int) -> None:
        created = ObjectCreated(bucket, key, version_id)
        if self.storage_events is not None:
            self.storage_events(created, size)
            return
        self.notify_of(created, size)

    def notify_of(self, created: ObjectCreated, size: int) -> None:
        """The bucket's notification, into its queue."""
        body = json.dumps(created_message(created, size))
        self.cloud.queues[NOTIFIED[created.bucket]].send(body)

    def _copies(self) -> int:
        return self.faults.copies(self.scheduler.random, self.scheduler.now)

    def _callback(
        self,
        partner: str,
        wire: tuple[dict[str, str], bytes],
        answered: Callable[[int, bytes], None],
    ) -> None:
        headers, body = wire
        event = callback_event(partner, headers, body)

        def ended(result: Any, error: BaseException | None) -> None:
            if error is None:
                answered(int(result["statusCode"]), str(result["body"]).encode())
            else:
                answered(502, b"")

        self.cloud.functions.invoke("partner_webhooks", event, ended)

    # licences: some for real, the rest by a stand-in of the same shape

    @functools.cached_property
    def _signing_deps(self) -> Any:
        made = _PRODUCT["signing"]()
        return dataclasses.replace(
            made,
            raw_signer=signing.LocalRawSigner(signing_key()),
            render=self._render(made.render),
            sign=self._sign(made.sign),
        )

    def _render(self, really: Callable[..., bytes]) -> Callable[..., bytes]:
        def render(layout: bytes, data: Mapping[str, Any]) -> bytes:
            licence = str(data["licence_id"])
            if licence in self._really_signed or (
                len(self._really_signed) < self.real_licences
            ):
                self._really_signed.add(licence)
                return really(layout, data)
            return STAND_IN + licence.encode()

        return render

    def _sign(self, really: Callable[..., bytes]) -> Callable[..., bytes]:
        def sign(pdf: bytes, *rest: Any) -> bytes:
            def effect() -> bytes:
                if pdf.startswith(STAND_IN):
                    return pdf + b" " + hashlib.sha256(pdf).hexdigest().encode()
                return really(pdf, *rest)

            return self.outside("kms.sign", effect, sdk_fails)

        return sign

    @functools.cached_property
    def _registering_deps(self) -> Any:
        made = _PRODUCT["registering"]()

        def check(pdf: bytes, licence: str) -> object:
            if not pdf.startswith(STAND_IN):
                return made.check(pdf, licence)
            unsigned = STAND_IN + licence.encode()
            if pdf != unsigned + b" " + hashlib.sha256(unsigned).hexdigest().encode():
                raise GiveUp("licence_signature_wrong", "", "")
            return licence

        return dataclasses.replace(made, check=check)

    # looking

    def rows(self, table: str, marker: str) -> list[StoredRow]:
        """Rows of a table whose partition key holds the marker."""
        return [
            row
            for (kept_in, pk, _), row in self.store.rows.items()
            if kept_in == table and marker in pk
        ]


_PRODUCT = {
    name: getattr(wiring, name).__wrapped__ for name in ("signing", "registering")
}
"""How the product itself wires these two, without its cache."""


@dataclass(frozen=True)
class TokenKey:
    """The key that signs access tokens: a call outside, like every use of KMS."""

    outside: Outside

    def public_key(self) -> PublicKey:
        return PublicKey.from_der(_token_der())

    def sign_digest(self, digest: bytes) -> bytes:
        algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
        return self.outside(
            "kms.sign_digest", lambda: _token_key().sign(digest, algorithm), sdk_fails
        )


@functools.cache
def _token_key() -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(7, ec.SECP256R1())


@functools.cache
def _token_der() -> bytes:
    public = _token_key().public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class _Unreachable:
    """A client that nothing in a run may ask."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{self._service}.{name} bypasses the ports")


def _no_client(service: str) -> Any:
    return _Unreachable(service)


def _forget_what_was_made() -> None:
    """Every run starts cold: what the wiring made belongs to the run before."""
    for module in (aws, wiring, doors):
        for made in vars(module).values():
            if hasattr(made, "cache_clear"):
                made.cache_clear()


def callback_event(
    partner: str, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """A partner's callback as the REST API `partners` hands it on: raw bytes."""
    import base64

    path = f"/v1/partners/{partner}/callbacks"
    lower = {name.lower(): value for name, value in headers.items()}
    return {
        "resource": "/v1/partners/{partner}/callbacks",
        "path": path,
        "httpMethod": "POST",
        "headers": lower,
        "multiValueHeaders": {name: [value] for name, value in lower.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"partner": partner},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/v1/partners/{partner}/callbacks",
            "httpMethod": "POST",
            "requestId": "simulated",
            "identity": {"sourceIp": "192.0.2.1"},
            "path": path,
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def is_new_event(write: Write) -> bool:
    """Whether a write of a transaction stores an event."""
    return isinstance(write, Put) and write.row.sk.startswith("EVENT#")
