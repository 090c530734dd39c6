"""Settings of a partner, read from its secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from zerotrip.kernel.errors import GiveUp

_ERROR_CODE = re.compile(r"[A-Za-z][A-Za-z_.-]{0,59}[0-9]{0,4}")


def error_code(said: object) -> str:
    """A partner's own error code, where it can be nothing else; else `unnamed`.

    Codes are logged, and a partner may put there what it was sent: a name, a number.
    """
    text = str(said)
    return text if _ERROR_CODE.fullmatch(text) else "unnamed"


class PartnerSettings:
    """Base of a dataclass of settings, whose fields are those of the secret's JSON."""

    __slots__ = ()

    partner_zh: ClassVar[str]
    partner_en: ClassVar[str]

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> Self:
        """From the partner's secret. GiveUp names a missing, unknown or wrong field."""
        try:
            return cls(**settings)
        except (TypeError, ValueError) as wrong:
            raise GiveUp(
                "partner_config_invalid",
                f"{cls.partner_zh}的配置不完整或有误。",
                f"The settings of {cls.partner_en} are incomplete or wrong.",
                detail={"reason": str(wrong)},
            ) from None
