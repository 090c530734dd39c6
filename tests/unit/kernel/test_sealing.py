"""What is sealed opens only where it belongs, and never again without its key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.memory import MemoryKeys, MemoryTables
from zerotrip.kernel.errors import GiveUp
from zerotrip.kernel.sealing import DataKey, KeyRing, KmsKeys
from zerotrip.kernel.tables import Rejected

TENANT, OWNER, RECORD, FIELD = "441882", "APP#1", "CASE#1", "FORM"
CONTENT = "张示例".encode()


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing(MemoryTables(), MemoryKeys())


def stored_key(ring: KeyRing, owner: str = OWNER) -> DataKey:
    key, put = ring.create(TENANT, owner)
    ring.tables.transact([put])
    return key


def test_what_was_sealed_is_opened_by_the_stored_key(ring: KeyRing) -> None:
    sealed = stored_key(ring).seal(RECORD, FIELD, CONTENT)
    assert CONTENT not in sealed
    assert ring.open(TENANT, OWNER).unseal(RECORD, FIELD, sealed) == CONTENT


def test_the_same_content_is_sealed_differently_each_time(ring: KeyRing) -> None:
    key = stored_key(ring)
    assert key.seal(RECORD, FIELD, CONTENT) != key.seal(RECORD, FIELD, CONTENT)


@pytest.mark.parametrize(
    ("record", "field"), [("CASE#2", FIELD), (RECORD, "FORM#2"), ("CASE#1|F", "ORM")]
)
def test_a_ciphertext_moved_elsewhere_does_not_open(
    ring: KeyRing, record: str, field: str
) -> None:
    key = stored_key(ring)
    sealed = key.seal(RECORD, FIELD, CONTENT)
    with pytest.raises(GiveUp) as broken:
        key.unseal(record, field, sealed)
    assert broken.value.code == "sealed_content_broken"
    assert broken.value.detail == {"record": record, "field": field}


def test_a_ciphertext_moved_to_another_tenant_does_not_open(ring: KeyRing) -> None:
    key = stored_key(ring)
    sealed = key.seal(RECORD, FIELD, CONTENT)
    with pytest.raises(GiveUp):
        replace(key, tenant="999999").unseal(RECORD, FIELD, sealed)


@pytest.mark.parametrize("place", [0, 11, 12, -1])
def test_one_changed_bit_does_not_open(ring: KeyRing, place: int) -> None:
    key = stored_key(ring)
    sealed = bytearray(key.seal(RECORD, FIELD, CONTENT))
    sealed[place] ^= 1
    with pytest.raises(GiveUp):
        key.unseal(RECORD, FIELD, bytes(sealed))


@pytest.mark.parametrize("sealed", [b"", b"short", b"\0" * 12])
def test_what_is_too_short_to_be_sealed_content_does_not_open(
    ring: KeyRing, sealed: bytes
) -> None:
    with pytest.raises(GiveUp) as broken:
        stored_key(ring).unseal(RECORD, FIELD, sealed)
    assert broken.value.code == "sealed_content_broken"


def test_another_owners_key_does_not_open_it(ring: KeyRing) -> None:
    sealed = stored_key(ring).seal(RECORD, FIELD, CONTENT)
    with pytest.raises(GiveUp):
        stored_key(ring, "APP#2").unseal(RECORD, FIELD, sealed)


def test_without_its_wrapped_key_a_record_is_erased(ring: KeyRing) -> None:
    stored_key(ring)
    assert isinstance(ring.tables, MemoryTables)
    ring.tables.rows.pop(("keys", f"{TENANT}#{OWNER}", "KEY"))
    with pytest.raises(GiveUp) as gone:
        ring.open(TENANT, OWNER)
    assert gone.value.code == "data_key_destroyed"
    assert gone.value.detail == {"owner": OWNER}


def test_an_owner_never_gets_a_second_key(ring: KeyRing) -> None:
    first = stored_key(ring)
    _, put = ring.create(TENANT, OWNER)
    with pytest.raises(Rejected):
        ring.tables.transact([put])
    assert ring.open(TENANT, OWNER).plain == first.plain


def test_a_wrapped_key_that_was_moved_to_another_owner_does_not_open(
    ring: KeyRing,
) -> None:
    stored_key(ring)
    assert isinstance(ring.tables, MemoryTables)
    row = ring.tables.rows["keys", f"{TENANT}#{OWNER}", "KEY"]
    moved = replace(row, pk=f"{TENANT}#APP#2")
    ring.tables.rows["keys", moved.pk, "KEY"] = moved
    with pytest.raises(GiveUp) as refused:
        ring.open(TENANT, "APP#2")
    assert refused.value.code == "sealed_content_broken"


def test_no_key_is_ever_shown(ring: KeyRing) -> None:
    key = stored_key(ring)
    assert repr(key.plain) not in repr(key)
    assert "plain" not in repr(key)


def test_kms_is_asked_with_the_owner_as_its_context() -> None:
    class Kms:
        def __init__(self) -> None:
            self.calls: list[dict[str, Any]] = []

        def generate_data_key(self, **asked: Any) -> dict[str, bytes]:
            self.calls.append(asked)
            return {"Plaintext": b"0" * 32, "CiphertextBlob": b"wrapped"}

        def decrypt(self, **asked: Any) -> dict[str, bytes]:
            self.calls.append(asked)
            return {"Plaintext": b"0" * 32}

    kms = Kms()
    ring = KeyRing(MemoryTables(), KmsKeys(kms, "key-1"))
    stored_key(ring)
    ring.open(TENANT, OWNER)
    context = {"tenant": TENANT, "owner": OWNER}
    assert kms.calls == [
        {"KeyId": "key-1", "KeySpec": "AES_256", "EncryptionContext": context},
        {"KeyId": "key-1", "CiphertextBlob": b"wrapped", "EncryptionContext": context},
    ]
