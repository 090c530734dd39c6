"""The torture list against every route that reads a body, in one process."""

from __future__ import annotations

import pytest

from tests.fuzz.scenes import SCENES, Asked, body_routes
from tests.fuzz.torture import BODIES, QUERIES
from tests.unit.web.town import Answered, Town

LISTS = ("/v1/applications", "/v1/cases", "/v1/notices")


def _send(town: Town, operation: str, asked: Asked, body: bytes) -> Answered:
    """API Gateway hands a body over as text: what is no UTF-8 comes as U+FFFD."""
    method, path = body_routes()[operation]
    return town.call(
        method,
        path,
        who=asked.who,
        raw=body.decode("utf-8", "replace"),
        headers=asked.headers,
        **asked.path,
    )


@pytest.mark.parametrize("operation", sorted(body_routes()))
def test_no_body_breaks_a_route_and_what_is_refused_changes_nothing(
    operation: str,
) -> None:
    town = Town()
    asked = SCENES[operation](town)
    tables = town.world.tables
    before = dict(tables.rows)
    changed = []
    for name, body in BODIES.items():
        tables.rows = dict(before)
        answered = _send(town, operation, asked, body)
        assert answered.status < 500, name
        if answered.status >= 400 and dict(tables.rows) != before:
            changed.append(name)
    assert changed == []
    assert [line for line in town.log.lines if line["level"] == "ERROR"] == []


@pytest.mark.parametrize("path", LISTS)
def test_a_limit_is_a_number_from_1_to_100_or_refused(path: str) -> None:
    town = Town()
    who = town.session("sub-zhang")
    statuses = {
        query.partition("=")[2]: town.call(
            "GET", path, who=who, query={"limit": query.partition("=")[2]}
        ).status
        for query in QUERIES
        if query.startswith("?limit=") and "&" not in query and "%" not in query
    }
    assert len(statuses) >= 8
    assert set(statuses.values()) == {422}
    for right in ("1", "20", "100"):
        assert town.call("GET", path, who=who, query={"limit": right}).status == 200
