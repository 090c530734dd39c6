"""Every operation of the committed OpenAPI document: the rows of the access matrix."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "events" / "openapi" / "zerotrip-v1.json"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_PLACE = re.compile(r"\{([^{}/]+)\}")


@dataclass(frozen=True)
class Operation:
    """One method on one path; `roles` is empty where anyone may call."""

    method: str
    path: str
    roles: frozenset[str]
    statuses: frozenset[int]
    headers: frozenset[str]
    example: Any

    @property
    def name(self) -> str:
        """`GET /v1/cases/{case_no}`: how the matrix names a row."""
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the path's parameters, in order."""
        return tuple(_PLACE.findall(self.path))

    @property
    def public(self) -> bool:
        """Whether it asks for no session."""
        return not self.roles


def document() -> dict[str, Any]:
    """The committed document, as clients read it."""
    read: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))
    return read


def operations(read: Mapping[str, Any] | None = None) -> list[Operation]:
    """All operations. Raises ValueError where session and roles contradict."""
    described = document() if read is None else read
    found = [
        _operation(described, path, method, said)
        for path, methods in described["paths"].items()
        for method, said in methods.items()
    ]
    return sorted(found, key=lambda each: each.name)


def _operation(
    described: Mapping[str, Any], path: str, method: str, said: Mapping[str, Any]
) -> Operation:
    roles = frozenset(said.get("x-roles", ()))
    if bool(roles) != bool(said["security"]):
        raise ValueError(f"{method} {path}: roles and security contradict")
    parameters = [_resolved(described, each) for each in said.get("parameters", ())]
    return Operation(
        method=method.upper(),
        path=path,
        roles=roles,
        statuses=frozenset(int(status) for status in said["responses"]),
        headers=frozenset(
            each["name"] for each in parameters if each["in"] == "header"
        ),
        example=_example(said),
    )


def _resolved(described: Mapping[str, Any], value: Mapping[str, Any]) -> Any:
    if "$ref" not in value:
        return value
    found: Any = described
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def _example(said: Mapping[str, Any]) -> Any:
    """The first example of the JSON body; None where there is no such body."""
    content = said.get("requestBody", {}).get("content", {}).get("application/json", {})
    return next((each["value"] for each in content.get("examples", {}).values()), None)
