"""What clients send: the wire models. Nothing beyond the named fields is taken."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, StringConstraints

LONGEST_REASONS = 2000

Code = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Uri = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Form = Annotated[dict[str, Any], Field(description="申请表内容 · The form's content")]


class _Asked(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, defer_build=True
    )


class WeChatLogin(_Asked):
    """A login code of the mini-program (`wx.login`)."""

    provider: Literal["wechat_mini_program"]
    code: Code


class OidcLogin(_Asked):
    """An authorization code of the identity provider, with its PKCE verifier."""

    provider: Literal["oidc"]
    code: Code
    code_verifier: Code
    nonce: Code
    redirect_uri: Uri


class Login(
    RootModel[Annotated[WeChatLogin | OidcLogin, Field(discriminator="provider")]]
):
    """How a person signs in."""


class Refresh(_Asked):
    """A refresh token, which works once."""

    refresh_token: Code


class NewApplication(_Asked):
    """The item that is applied for, by its 31-character implementation code."""

    item_code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{31}$")]


class SavedForm(_Asked):
    """A form; while it is a draft it may be incomplete."""

    form: Form


class NewMaterial(_Asked):
    """A file that will be uploaded: which material, its media type, its exact size."""

    material: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    content_type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    size_bytes: int


class Nothing(_Asked):
    """No fields: `{}` or no body at all."""


class NewPayment(_Asked):
    """The channel, and the bill where the case has several."""

    channel: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    bill_id: (
        Annotated[str, StringConstraints(pattern=r"^[0-9]{6}[0-9A-HJKMNP-TV-Z]{26}$")]
        | None
    ) = None


class NewDecision(_Asked):
    """An officer's decision and its reasons, which the applicant will read."""

    model_config = ConfigDict(str_strip_whitespace=True)

    decision: Literal["approve", "refuse"]
    reasons: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REASONS)]
