"""The port to object storage, and its adapter on S3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from zerotrip.kernel.errors import Retry


class AlreadyWritten(Exception):
    """The key exists; a key that is written once is not written again."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One version of one object. `sha256` is S3's own checksum, base64, if kept."""

    key: str
    version_id: str
    content: bytes = field(repr=False)
    content_type: str
    metadata: Mapping[str, str]
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class FirstVersion:
    """The oldest version of a key: what was written there before anything else."""

    key: str
    version_id: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class UploadForm:
    """What a mini-program posts: the URL, and the fields before the file."""

    url: str
    fields: Mapping[str, str]


class Objects(Protocol):
    """What the product asks of one bucket."""

    def get(self, key: str, version_id: str | None = None) -> StoredObject | None:
        """A version (the newest without one), or None."""

    def newest_version(self, key: str) -> tuple[str, int] | None:
        """Version id and size in bytes of the newest version, without its content."""

    def first_versions(self, prefix: str) -> list[FirstVersion]:
        """The oldest version of each key below the prefix, by key.

        What was overwritten or marked as deleted since is among them.
        """

    def first_key(self, prefix: str) -> str | None:
        """The least key below the prefix, or None."""

    def put_once(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Writes a new key and answers its version id. Raises AlreadyWritten."""

    def put(self, key: str, content: bytes, *, content_type: str) -> str:
        """Writes a further version."""

    def upload_form(
        self, key: str, *, content_type: str, size_bytes: int, seconds: int
    ) -> UploadForm:
        """A presigned POST with exact key and type, of exactly that many bytes."""

    def download_url(
        self, key: str, version_id: str, *, seconds: int, file_name: str
    ) -> str:
        """A presigned GET of one version."""


@dataclass(frozen=True, slots=True)
class S3Objects:
    """Objects on S3; `client` is a botocore S3 client."""

    client: Any
    bucket: str

    def get(self, key: str, version_id: str | None = None) -> StoredObject | None:
        """One GetObject with its checksum."""
        wanted = {"VersionId": version_id} if version_id else {}
        try:
            answer = self.client.get_object(
                Bucket=self.bucket, Key=key, ChecksumMode="ENABLED", **wanted
            )
        except self.client.exceptions.ClientError as error:
            if _status(error) in (403, 404):
                return None
            raise _passing(error) from error
        return StoredObject(
            key=key,
            version_id=answer.get("VersionId", ""),
            content=answer["Body"].read(),
            content_type=answer.get("ContentType", ""),
            metadata=answer.get("Metadata", {}),
            sha256=answer.get("ChecksumSHA256"),
        )

    def newest_version(self, key: str) -> tuple[str, int] | None:
        """One HeadObject."""
        try:
            answer = self.client.head_object(Bucket=self.bucket, Key=key)
        except self.client.exceptions.ClientError as error:
            if _status(error) in (403, 404):
                return None
            raise _passing(error) from error
        return answer.get("VersionId", ""), answer["ContentLength"]

    def first_versions(self, prefix: str) -> list[FirstVersion]:
        """All pages of ListObjectVersions, which names a key's oldest version last."""
        found: dict[str, FirstVersion] = {}
        pages = self.client.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        try:
            for page in pages:
                for each in page.get("Versions", []):
                    found[each["Key"]] = FirstVersion(
                        each["Key"], each["VersionId"], each["Size"]
                    )
        except self.client.exceptions.ClientError as error:
            raise _passing(error) from error
        return [found[key] for key in sorted(found)]

    def first_key(self, prefix: str) -> str | None:
        """One ListObjectVersions, which goes by key; the next if it held marks only."""
        pages = self.client.get_paginator("list_object_versions").paginate(
            Bucket=self.bucket, Prefix=prefix, PaginationConfig={"PageSize": 10}
        )
        try:
            for page in pages:
                for each in page.get("Versions", []):
                    return str(each["Key"])
        except self.client.exceptions.ClientError as error:
            raise _passing(error) from error
        return None

    def put_once(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """PutObject with `If-None-Match: *` and a SHA-256 that S3 checks."""
        try:
            answer = self.client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=content,
                ContentType=content_type,
                Metadata=dict(metadata or {}),
                ChecksumAlgorithm="SHA256",
                IfNoneMatch="*",
            )
        except self.client.exceptions.ClientError as error:
            if _status(error) == 412:
                raise AlreadyWritten(key) from error
            raise _passing(error) from error
        return str(answer.get("VersionId", ""))

    def put(self, key: str, content: bytes, *, content_type: str) -> str:
        """PutObject."""
        answer = self.client.put_object(
            Bucket=self.bucket,
            Key=key,
            Body=content,
            ContentType=content_type,
            ChecksumAlgorithm="SHA256",
        )
        return str(answer.get("VersionId", ""))

    def upload_form(
        self, key: str, *, content_type: str, size_bytes: int, seconds: int
    ) -> UploadForm:
        """Signed locally, no call."""
        form = self.client.generate_presigned_post(
            Bucket=self.bucket,
            Key=key,
            Fields={"Content-Type": content_type},
            Conditions=[
                {"Content-Type": content_type},
                ["content-length-range", size_bytes, size_bytes],
            ],
            ExpiresIn=seconds,
        )
        return UploadForm(form["url"], form["fields"])

    def download_url(
        self, key: str, version_id: str, *, seconds: int, file_name: str
    ) -> str:
        """Signed locally, no call."""
        return str(
            self.client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self.bucket,
                    "Key": key,
                    "VersionId": version_id,
                    "ResponseContentDisposition": f'inline; filename="{file_name}"',
                },
                ExpiresIn=seconds,
            )
        )


def _status(error: Any) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


def _passing(error: Any) -> Retry:
    return Retry(
        "object_store_unavailable",
        "文件存储暂时不可用，系统会自动重试。",
        "The object store does not answer now; the step is tried again.",
        detail={"cause": error.response["Error"]["Code"]},
    )
