"""Envelope encryption of what is personal: a data key per record, AES-256-GCM.

The associated data is tenant, record and field, so that a ciphertext moved to another
case or field does not open. Destroying the wrapped key erases the record.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from zerotrip.kernel.errors import Erased, GiveUp
from zerotrip.kernel.tables import Expect, Put, StoredRow, Tables

KEYS_TABLE = "keys"
_NONCE_BYTES = 12


class WrappedElsewhere(Exception):
    """A wrapped key was made for another owner, or is none."""


class KeyService(Protocol):
    """The two KMS calls of envelope encryption."""

    def generate(self, context: dict[str, str]) -> tuple[bytes, bytes]:
        """A fresh 32-byte key: in clear, and wrapped under the master key."""

    def unwrap(self, wrapped: bytes, context: dict[str, str]) -> bytes:
        """The key in clear. Raises WrappedElsewhere in any context but its own."""


@dataclass(frozen=True, slots=True)
class KmsKeys:
    """KeyService on AWS KMS; `client` is a boto3 KMS client."""

    client: Any
    key_id: str

    def generate(self, context: dict[str, str]) -> tuple[bytes, bytes]:
        """One GenerateDataKey call."""
        made = self.client.generate_data_key(
            KeyId=self.key_id, KeySpec="AES_256", EncryptionContext=context
        )
        return made["Plaintext"], made["CiphertextBlob"]

    def unwrap(self, wrapped: bytes, context: dict[str, str]) -> bytes:
        """One Decrypt call."""
        try:
            answer = self.client.decrypt(
                KeyId=self.key_id, CiphertextBlob=wrapped, EncryptionContext=context
            )
        except self.client.exceptions.InvalidCiphertextException as error:
            raise WrappedElsewhere from error
        return bytes(answer["Plaintext"])


@dataclass(frozen=True, slots=True)
class DataKey:
    """An opened data key of one owner (`APP#…`, `LICENCE#…`)."""

    tenant: str
    owner: str
    plain: bytes = field(repr=False)
    random_bytes: Callable[[int], bytes] = os.urandom

    def seal(self, record: str, name: str, content: bytes) -> bytes:
        """Nonce and ciphertext of one field of one record."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = self.random_bytes(_NONCE_BYTES)
        aad = self._bound_to(record, name)
        return nonce + AESGCM(self.plain).encrypt(nonce, content, aad)

    def unseal(self, record: str, name: str, sealed: bytes) -> bytes:
        """The content. Raises GiveUp `sealed_content_broken` when moved or cut."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self.plain).decrypt(nonce, body, self._bound_to(record, name))
        except (InvalidTag, ValueError) as error:  # ValueError: shorter than a nonce
            raise _broken(record, name) from error

    def _bound_to(self, record: str, name: str) -> bytes:
        return f"{self.tenant}|{record}|{name}".encode()


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Data keys by owner: wrapped in the `keys` table, opened through KMS."""

    tables: Tables
    service: KeyService

    def create(self, tenant: str, owner: str) -> tuple[DataKey, Put]:
        """A new key and the write that keeps it (to put in the caller's transaction).

        The row is written only where none is: two keys for one owner would lose data.
        """
        plain, wrapped = self.service.generate(_context(tenant, owner))
        put = Put(
            KEYS_TABLE,
            StoredRow(pk=f"{tenant}#{owner}", sk="KEY", data={}, sealed=wrapped),
            Expect(absent=True),
        )
        return DataKey(tenant, owner, plain), put

    def open(self, tenant: str, owner: str) -> DataKey:
        """The owner's key. Raises Erased `data_key_destroyed` when it is gone."""
        row = self.tables.get(KEYS_TABLE, f"{tenant}#{owner}", "KEY")
        if row is None or row.sealed is None:
            raise Erased(
                "data_key_destroyed",
                "该记录的密钥已销毁，内容不可读取。",
                "The key of this record was destroyed; it can no longer be read.",
                detail={"owner": owner},
            )
        try:
            plain = self.service.unwrap(row.sealed, _context(tenant, owner))
        except WrappedElsewhere as error:
            raise _broken(f"{KEYS_TABLE} {owner}", "KEY") from error
        return DataKey(tenant, owner, plain)


def _broken(record: str, name: str) -> GiveUp:
    return GiveUp(
        "sealed_content_broken",
        "加密内容与其所属记录不符。",
        "The encrypted content does not belong to this record.",
        detail={"record": record, "field": name},
    )


def _context(tenant: str, owner: str) -> dict[str, str]:
    return {"tenant": tenant, "owner": owner}
