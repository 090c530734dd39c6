"""Settings come from the function's environment, each read when it is first needed."""

from __future__ import annotations

import os

TABLES = ("records", "drafts", "keys", "answers", "identity", "catalogue")


class SettingMissing(RuntimeError):
    """The template did not give this function a variable that it needs."""

    def __init__(self, name: str) -> None:
        super().__init__(f"环境变量 {name} 未设置。 The variable {name} is not set.")


def setting(name: str) -> str:
    """A variable of the function. Raises SettingMissing."""
    value = os.environ.get(name)
    if not value:
        raise SettingMissing(name)
    return value


def tenant() -> str:
    """The deploying government's 6-digit division code."""
    return setting("ZEROTRIP_TENANT")


def stage() -> str:
    """local, staging or production."""
    return setting("ZEROTRIP_STAGE")


def table_names() -> dict[str, str]:
    """Real names of the tables that this function was given, by short name."""
    given = {short: os.environ.get(f"{short.upper()}_TABLE") for short in TABLES}
    return {short: real for short, real in given.items() if real}


def metered() -> bool:
    """Whether each AWS call is logged with its units; `make bench` sets it."""
    return os.environ.get("ZEROTRIP_METER") == "1"
