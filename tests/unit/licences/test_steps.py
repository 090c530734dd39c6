"""One decision, one signed file, one registration: whatever breaks, whenever."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from tests.support.memory import MemoryObjects
from tests.support.world import TENANT, Clock, World
from tests.unit.licences.conftest import SIGNED_AT, Issued
from zerotrip.cases.lifecycle import Stage
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Head, Key, chain_faults
from zerotrip.kernel.errors import AlreadyDone, GiveUp
from zerotrip.kernel.messages import CloudEvent
from zerotrip.kernel.objects import AlreadyWritten
from zerotrip.kernel.tables import Write
from zerotrip.licences import checking, rendering, signing
from zerotrip.licences.model import licence_key, object_key
from zerotrip.licences.steps import (
    RegisterDeps,
    SigningDeps,
    register_licence,
    sign_licence,
)
from zerotrip.materials.storage_events import ObjectCreated, created_message

BUCKET = "licences"


class Crash(BaseException):
    """The process is gone: nothing in the product can catch it."""


@dataclass
class Faults:
    """Counts calls to the outside, and ends the process before or after one."""

    at: int = 0
    after: bool = False
    calls: list[str] = field(default_factory=list)
    crashed: bool = False

    def __call__(self, name: str, act: Callable[[], Any]) -> Any:
        self.calls.append(name)
        now = len(self.calls) == self.at
        self.crashed = self.crashed or now
        if now and not self.after:
            raise Crash(name)
        answer = act()
        if now:
            raise Crash(name)
        return answer


class Office:
    """A case that waits for its licence, and everything that the two steps touch."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = World(clock=Clock(SIGNED_AT))
        self.faults = Faults()
        self.signed: list[datetime] = []
        self.stored: list[Mapping[str, Any]] = []
        self.lost = False
        held: list[CloudEvent] = []
        self.world.steps["sign_licence"] = held.append
        self.case_no = self.world.apply("food-business-licence", "sub-1", "company")
        self.world.run()
        now = self.world.case(self.case_no)
        version = now.head.version
        self.world.requests.decide(now, "officer-1", version, "approve", "材料齐全")
        self.world.run()
        (self.message,) = held
        self.decided_at = str(self.world.case(self.case_no).case.decided_at)
        transact = self.world.tables.transact

        def counted(writes: list[Write], token: str | None = None) -> None:
            self.faults("transact", lambda: transact(writes, token))

        monkeypatch.setattr(self.world.tables, "transact", counted)

    @property
    def licence_id(self) -> str:
        return str(self.world.case(self.case_no).case.licence)

    @property
    def key(self) -> Key:
        return licence_key(TENANT, self.licence_id)

    @property
    def object_key(self) -> str:
        return object_key(TENANT, self.case_no, self.licence_id)

    @property
    def head(self) -> Head:
        head = self.world.records.head(self.key)
        assert head is not None
        return head

    def signing(self) -> SigningDeps:
        return replace(
            self.world._signing(),
            licences=_Bucket(self),
            sign=self._sign,
            announce=lambda message: self.faults(
                "announce", lambda: self.stored.append(message["Records"][0])
            ),
        )

    def registering(self) -> RegisterDeps:
        return replace(self.world._registering(), licences=_Bucket(self))

    def sign(self) -> str:
        """Delivers the message until the step ends; answers how."""
        return _until_it_ends(lambda: sign_licence(self.message, self.signing()))

    def register(self) -> list[str]:
        """Delivers what storage and sign_licence said; answers how each ended."""
        told, self.stored = self.stored, []
        return [
            _until_it_ends(
                lambda record=record: register_licence(record, self.registering())
            )
            for record in told
        ]

    def record(self, **changes: str) -> Mapping[str, Any]:
        """A storage event of the signed file, or of something else."""
        (stored,) = self.world.licences.versions[self.object_key]
        created = ObjectCreated(BUCKET, self.object_key, stored.version_id)
        message = created_message(replace(created, **changes), 1)
        record: Mapping[str, Any] = message["Records"][0]
        return record

    def assert_one_of_each(self) -> None:
        (versions,) = self.world.licences.versions.values()
        assert len(versions) == 1
        history = self.world.records.history(self.key)
        assert [row.type for row in history] == [
            "licence.prepared",
            "licence.registered",
        ]
        assert chain_faults(history) == []
        assert self.world.heads("LICENCE") == [self.key]
        assert self.head.stage == "registered"
        assert self.head.body["facts"] == {"registered": 2}

    def _sign(self, pdf: bytes, *given: Any) -> bytes:
        def act() -> bytes:
            self.signed.append(given[2])
            return b"signed " + pdf

        signed: bytes = self.faults("sign", act)
        return signed


class _Bucket(MemoryObjects):
    """The licences' bucket, which tells its queue of each new object."""

    def __init__(self, office: Office) -> None:
        super().__init__(office.world.licences.versions)
        self._office = office

    def newest_version(self, key: str) -> tuple[str, int] | None:
        newest: tuple[str, int] | None = self._office.faults(
            "head", lambda: super(_Bucket, self).newest_version(key)
        )
        return newest

    def put_once(self, key: str, content: bytes, **how: Any) -> str:
        def act() -> str:
            version = super(_Bucket, self).put_once(key, content, **how)
            if not self._office.lost:
                message = created_message(ObjectCreated(BUCKET, key, version), 1)
                self._office.stored.append(message["Records"][0])
            return version

        version: str = self._office.faults("put_once", act)
        return version


def _until_it_ends(step: Callable[[], object]) -> str:
    for _ in range(3):
        try:
            step()
        except Crash:
            continue
        except AlreadyDone as done:
            return done.code
        return "done"
    raise AssertionError("it crashed more than once")


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(monkeypatch)


def test_without_faults_the_key_is_used_exactly_once(office: Office) -> None:
    assert office.sign() == "done"
    assert office.register() == ["done"]
    assert office.faults.calls == ["transact", "sign", "put_once", "transact"]
    assert len(office.signed) == 1
    office.assert_one_of_each()


def test_the_licence_bears_the_time_of_the_decision(office: Office) -> None:
    office.world.clock.forward(days=3)
    office.sign()
    assert office.signed[0].isoformat() == SIGNED_AT.isoformat()
    assert office.head.body["issued_at"] == office.decided_at


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_crash_around_any_call_ends_in_one_file_and_one_registration(
    office: Office, at: int, after: bool
) -> None:
    office.faults = Faults(at, after)
    office.sign()
    office.register()
    assert office.faults.crashed
    assert len(office.signed) <= 2
    office.assert_one_of_each()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_crash_while_a_lost_storage_event_is_made_up_for_is_harmless(
    office: Office, at: int, after: bool
) -> None:
    office.lost = True
    office.sign()
    assert office.stored == []
    office.faults = Faults(at, after)
    assert office.sign() == "done"
    assert office.faults.crashed
    assert set(office.register()) <= {"done", "licence_registered"}
    assert len(office.signed) == 1
    office.assert_one_of_each()


def test_a_message_that_comes_again_signs_nothing_anew(office: Office) -> None:
    office.sign()
    assert office.sign() == "done"
    assert office.register() == ["done", "licence_registered"]
    assert office.sign() == "licence_registered"
    assert len(office.signed) == 1
    office.assert_one_of_each()


def test_two_workers_with_the_same_message_write_one_file(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = office.signing()

    def meanwhile(layout: bytes, data: Mapping[str, Any]) -> bytes:
        assert office.sign() == "done"
        return b"the slower one"

    sign_licence(office.message, replace(slow, render=meanwhile))
    assert len(office.signed) == 2
    assert office.register() == ["done", "licence_registered"]
    office.assert_one_of_each()


def test_a_file_that_is_refused_and_yet_not_there_is_tried_again(
    office: Office,
) -> None:
    class Puzzling(_Bucket):
        def put_once(self, key: str, content: bytes, **how: Any) -> str:
            raise AlreadyWritten(key)

    with pytest.raises(AlreadyWritten):
        sign_licence(
            office.message, replace(office.signing(), licences=Puzzling(office))
        )


def test_the_case_goes_on_when_its_licence_is_registered(office: Office) -> None:
    office.sign()
    office.register()
    office.world.run()
    assert office.world.case(office.case_no).stage is Stage.COMPLETED


def test_a_message_that_does_not_ask_for_a_signature_gets_none(office: Office) -> None:
    (received, *_) = office.world.history(office.case_no)
    from zerotrip.kernel.messages import cloud_event

    with pytest.raises(GiveUp) as refused:
        sign_licence(cloud_event(received), office.signing())
    assert refused.value.code == "step_not_asked"
    assert office.world.heads("LICENCE") == []
    assert office.world.licences.versions == {}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"bucket": "uploads"}, "licence_key_unknown"),
        ({"key": "a/b/c/d.pdf"}, "licence_key_unknown"),
        ({"key": f"999999/1/{'A' * 20}.pdf"}, "tenant_foreign"),
        ({"key": f"{TENANT}/1/{'A' * 20}.pdf"}, "licence_unknown"),
        ({"version_id": "v9"}, "licence_file_absent"),
    ],
)
def test_a_storage_event_of_something_else_registers_nothing(
    office: Office, changes: dict[str, str], code: str
) -> None:
    office.sign()
    with pytest.raises(GiveUp) as refused:
        register_licence(office.record(**changes), office.registering())
    assert refused.value.code == code
    assert office.head.stage == "prepared"


def test_a_file_under_another_cases_number_is_not_registered(office: Office) -> None:
    office.sign()
    foreign = object_key(TENANT, "9" * 45, office.licence_id)
    office.world.licences.put(foreign, b"forged", content_type="application/pdf")
    with pytest.raises(GiveUp) as refused:
        register_licence(office.record(key=foreign), office.registering())
    assert refused.value.code == "licence_unknown"
    assert office.head.stage == "prepared"


def test_a_file_that_does_not_match_its_checksum_is_not_registered(
    office: Office,
) -> None:
    office.sign()
    (stored,) = office.world.licences.versions[office.object_key]
    damaged = replace(stored, content=stored.content + b"x")
    office.world.licences.versions[office.object_key] = [damaged]
    with pytest.raises(GiveUp) as refused:
        register_licence(office.record(), office.registering())
    assert refused.value.code == "licence_file_damaged"
    assert office.head.stage == "prepared"


def test_a_file_whose_signature_does_not_hold_is_not_registered(
    office: Office,
) -> None:
    asked: list[tuple[bytes, str]] = []

    def check(pdf: bytes, licence: str) -> None:
        asked.append((pdf, licence))
        raise GiveUp("licence_tampered", "被改动。", "Changed after signing.")

    office.sign()
    with pytest.raises(GiveUp):
        register_licence(office.record(), replace(office.registering(), check=check))
    (stored,) = office.world.licences.versions[office.object_key]
    assert asked == [(stored.content, office.licence_id)]
    assert office.head.stage == "prepared"


def test_a_second_version_changes_nothing(office: Office) -> None:
    office.sign()
    office.register()
    before = office.head
    second = office.world.licences.put(
        office.object_key, b"another", content_type="application/pdf"
    )
    created = ObjectCreated(BUCKET, office.object_key, second)
    with pytest.raises(AlreadyDone) as done:
        register_licence(
            created_message(created, 1)["Records"][0], office.registering()
        )
    assert done.value.code == "licence_registered"
    assert office.head == before
    assert before.body["version_id"] == "v1"


def test_a_licence_that_another_worker_registers_meanwhile_is_left_alone(
    office: Office,
) -> None:
    office.sign()

    def meanwhile(pdf: bytes, licence: str) -> None:
        assert office.register() == ["done"]

    record = office.record()
    with pytest.raises(AlreadyDone):
        register_licence(record, replace(office.registering(), check=meanwhile))
    office.assert_one_of_each()


def test_no_row_of_a_licence_says_who_holds_it(office: Office) -> None:
    office.sign()
    office.register()
    rows = [
        row for (_, pk, _), row in office.world.tables.rows.items() if "LICENCE" in pk
    ]
    assert len(rows) == 3
    for name in ("李示例", "王示例", "示例餐饮", "13900000000"):
        assert name not in str(rows)


def test_the_real_tools_make_a_file_that_the_real_check_takes(
    office: Office, issued: Issued, renderer: rendering.Renderer
) -> None:
    used: list[bytes] = []

    class Counting(signing.LocalRawSigner):
        def sign_digest(self, digest: bytes) -> bytes:
            used.append(digest)
            return super().sign_digest(digest)

    deps = replace(
        office.signing(),
        raw_signer=Counting(issued.key),
        chain=lambda: issued.chain_pem,
        render=renderer.render,
        sign=signing.sign_pdf,
    )
    checked: list[checking.CheckedLicence] = []

    def check(pdf: bytes, licence: str) -> None:
        checked.append(checking.check_signed_pdf(pdf, issued.root_pem, licence))

    sign_licence(office.message, deps)
    register_licence(office.record(), replace(office.registering(), check=check))
    assert len(used) == 1
    (found,) = checked
    assert found.signed_at.isoformat() == times.from_text(office.decided_at).isoformat()
    assert found.sha256 == office.head.body["sha256"]
    office.assert_one_of_each()
