"""What object storage puts into our queues, field by field: for the contract only.

Source: Amazon S3 user guide, "Event message structure", version 2.x. The step itself
reads four fields (`materials.storage_events`) and ignores the rest, since S3 may add to
its message within a major version; the contract names all that are known today, so that
a test tells us when something new turns up. Fields without a default are those that we
write too, when storage's own event does not come.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_Text = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StoragePrincipal(_Part):
    """An AWS principal."""

    principal_id: str = Field(alias="principalId")


class StorageSource(_Part):
    """Where the request came from."""

    address: str = Field(alias="sourceIPAddress")


class StorageAnswer(_Part):
    """Numbers that S3's support asks for."""

    request_id: str = Field(alias="x-amz-request-id")
    host_id: str = Field(alias="x-amz-id-2")


class StorageBucket(_Part):
    """The bucket."""

    name: _Text
    owner: StoragePrincipal | None = Field(default=None, alias="ownerIdentity")
    arn: str = ""


class StorageObject(_Part):
    """One version of one object."""

    key: _Text = Field(description="URL-encoded as in a form: a space is `+`.")
    size: Annotated[int, Field(ge=0)]
    version_id: _Text = Field(alias="versionId")
    etag: str = Field(default="", alias="eTag")
    sequencer: str = ""


class StorageStored(_Part):
    """Bucket and object."""

    schema_version: Literal["1.0"] = Field(alias="s3SchemaVersion")
    bucket: StorageBucket
    object: StorageObject
    configuration_id: str = Field(default="", alias="configurationId")


class StorageRecord(_Part):
    """One version that came to be."""

    version: str = Field(alias="eventVersion", pattern=r"^2\.[0-9]+$")
    source: Literal["aws:s3"] = Field(alias="eventSource")
    name: str = Field(alias="eventName", pattern=r"^ObjectCreated:[A-Za-z]+$")
    s3: StorageStored
    region: str = Field(default="", alias="awsRegion")
    time: str = Field(default="", alias="eventTime")
    user: StoragePrincipal | None = Field(default=None, alias="userIdentity")
    request: StorageSource | None = Field(default=None, alias="requestParameters")
    response: StorageAnswer | None = Field(default=None, alias="responseElements")


class StorageMessage(_Part):
    """Versions of objects that came to be, in a bucket that the step reads."""

    records: tuple[StorageRecord, ...] = Field(alias="Records", min_length=1)


class StorageTest(_Part):
    """What S3 sends once when a notification is set up; acknowledged unread."""

    service: str = Field(alias="Service")
    event: Literal["s3:TestEvent"] = Field(alias="Event")
    time: str = Field(alias="Time")
    bucket: str = Field(alias="Bucket")
    request_id: str = Field(alias="RequestId")
    host_id: str = Field(alias="HostId")
