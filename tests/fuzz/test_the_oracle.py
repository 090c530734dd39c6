"""The campaign against a server that lies: each check sees its own kind of lie."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.fuzz.campaign import KEPT_LOGIN, NOBODYS_LOGIN, Round, run_round
from tests.fuzz.liar import TOKEN, Lie, liar
from tests.fuzz.people import CALLERS

CITIZEN = next(caller for caller in CALLERS if caller.role == "citizen")
LISTS = frozenset({"list_cases"})
SAVES = frozenset({"save_application"})
FUZZING, COVERAGE = ("fuzzing",), ("coverage",)


@pytest.mark.parametrize(
    ("lie", "phases", "only", "noticed_by"),
    [
        (Lie.CRASH, FUZZING, LISTS, {"not_a_server_error"}),
        (Lie.TEAPOT, FUZZING, LISTS, {"status_code_conformance"}),
        (Lie.HTML, FUZZING, LISTS, {"content_type_conformance"}),
        (Lie.SHAPELESS, FUZZING, LISTS, {"response_schema_conformance"}),
        (Lie.OPEN_DOOR, COVERAGE, LISTS, {"ignored_auth", "negative_data_rejection"}),
        (Lie.EVERY_METHOD, COVERAGE, LISTS, {"unsupported_method"}),
        (Lie.EVERY_METHOD, COVERAGE, SAVES, {"missing_required_header"}),
    ],
)
def test_a_lie_is_noticed_by_the_check_that_is_there_for_it(
    lie: Lie, phases: tuple[str, ...], only: frozenset[str], noticed_by: set[str]
) -> None:
    with liar(lie) as base_url:
        tally = run_round(
            base_url,
            CITIZEN,
            TOKEN.removeprefix("Bearer "),
            {},
            Round(1, 5, phases),
            only=only,
        )
    assert tally.requests > 0
    assert noticed_by <= {finding["check"] for finding in tally.findings.values()}


def test_nobody_removes_the_login_by_which_the_campaign_signs_in() -> None:
    own, asked = "A" * 26, []

    class Removes(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            asked.append(self.path.rpartition("/")[2])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Stays silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Removes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        run_round(
            f"http://127.0.0.1:{server.server_address[1]}",
            CITIZEN,
            "a-token",
            {"binding_id": [own]},
            Round(1, 20, FUZZING),
            only=frozenset({KEPT_LOGIN}),
        )
    finally:
        server.shutdown()
        server.server_close()
    assert NOBODYS_LOGIN in asked
    assert own not in asked
