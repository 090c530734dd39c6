"""One case of item 2 as people really bring it in: four visits, and no look too many.

Between the visits nothing asks the API: the flow waits on the emulator's own tables,
which no function sees. So the requests counted are those of a person, not of a loop.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import urllib3

from infra.local.deploy import Outputs
from infra.local.files import a_file
from infra.local.home import ROOT, TENANT, Home
from infra.local.mini_program import Client, Partners, Refused
from zerotrip.catalogue.authoring import Example, load, load_example
from zerotrip.kernel.times import legal_day

ITEM = "vehicle-licence-replacement"
APPLICANT, OFFICER = "li", "zhao"
WAIT_SECONDS = 60.0


class PatientClient(Client):
    """Asks again when the laptop was too busy to start a function in time."""

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Any, Mapping[str, str]]:
        """As Client.call, up to three times."""
        for _ in range(2):
            try:
                return super().call(method, path, body, headers)
            except Refused as refused:
                if refused.status < 500:
                    raise
                time.sleep(2)
        return super().call(method, path, body, headers)


class Stuck(RuntimeError):
    """The case did not get to where the flow waits for it."""


class CountingPool(urllib3.PoolManager):
    """A client's connections, with what went over them: calls and bytes of answers."""

    def __init__(self, api_url: str) -> None:
        super().__init__(maxsize=4)
        self._api = urlsplit(api_url).netloc
        self.calls: Counter[str] = Counter()
        self.bytes_out = 0

    def request(self, method: str, url: str, *rest: Any, **named: Any) -> Any:
        """Counts `api` or, for a presigned address, `s3 POST` and `s3 GET`."""
        answer = super().request(method, url, *rest, **named)
        mine = urlsplit(url).netloc == self._api
        self.calls["api" if mine else f"s3 {method}"] += 1
        self.bytes_out += len(answer.data) + sum(
            len(name) + len(value) + 4 for name, value in answer.headers.items()
        )
        return answer


@dataclass(frozen=True, slots=True)
class Walked:
    """One finished case: its number, when it ran, and what its people asked for.

    Times are milliseconds since 1970: the flow's begin, the submission's request, its
    acknowledgement, the end.
    """

    case_no: str
    began_ms: int
    asked_ms: int
    acknowledged_ms: int
    ended_ms: int
    http_calls: Mapping[str, int]
    http_bytes_out: int


@dataclass
class Flow:
    """Walks cases of one item on one laptop cloud, one at a time."""

    home: Home
    outputs: Outputs
    partners: Partners = field(init=False)
    officer: Client = field(init=False)
    item_code: str = field(init=False)
    example: Example = field(init=False)

    def __post_init__(self) -> None:
        folder, today = ROOT / "catalogue" / ITEM, legal_day(datetime.now(UTC))
        self.item_code = load(folder, today).item.code
        self.example = load_example(folder, today)
        self.partners = Partners.of(self.home)
        self._rows = self.home.client("dynamodb")
        # An officer signs in once a day, for many cases: not counted.
        self.officer = PatientClient(self.home.api_url, self.partners)
        self.officer.sign_in_by_oidc(OFFICER)

    def walk(self, settle_seconds: float = 1.5) -> Walked:
        """One case from sign-in to the downloaded licence."""
        pool = CountingPool(self.home.api_url)
        began = _now_ms()
        client = PatientClient(self.home.api_url, self.partners, pool)
        application = self._draft(client)
        asked = _now_ms()
        case_no = client.submit(application)
        acknowledged = _now_ms()
        self._await(case_no, "in_review")
        _visit(client)
        client.case(case_no)
        self._decide(case_no, pool)
        self._await(case_no, "payment_due")
        self._await_bill(case_no)
        _visit(client)
        client.pay(case_no)
        self._await(case_no, "completed")
        _visit(client)
        found, _ = client.case(case_no)
        client.licence_file(str(found["licence_id"]))
        client.call("GET", f"/v1/verifications/{found['licence_id']}")
        time.sleep(settle_seconds)
        return Walked(
            case_no, began, asked, acknowledged, _now_ms(),
            dict(pool.calls), pool.bytes_out,
        )  # fmt: skip

    def _draft(self, client: Client) -> str:
        """The first visit, up to the moment before the submission."""
        client.call("GET", f"/v1/items/{self.item_code}")
        client.sign_in_by_wechat(APPLICANT)
        application = client.draft(self.item_code, self.example.form)
        for material, facts in self.example.materials.items():
            content = a_file(facts["type"], facts["size_bytes"])
            client.upload(
                f"applications/{application}", material, facts["type"], content
            )
            self._until(
                lambda name=material: self._stage("drafts", f"APP#{application}",
                    f"SLOT#{name}") == "received",
                f"{material} of {application}",
            )  # fmt: skip
        client.call("GET", f"/v1/applications/{application}")
        return application

    def _decide(self, case_no: str, pool: CountingPool) -> None:
        """The officer's own three requests, counted with the case's."""
        officer = replace(self.officer, http=pool)
        officer.call("GET", "/v1/worklist")
        officer.decide(case_no, "approve", "材料齐全，符合法定条件，准予许可。")

    def _await(self, case_no: str, stage: str) -> None:
        self._until(
            lambda: self._stage("records", f"CASE#{case_no}", "HEAD") == stage,
            f"{case_no} in {stage}",
        )

    def _await_bill(self, case_no: str) -> None:
        head = self._row("records", f"CASE#{case_no}", "HEAD")
        bills = _json(head)["bills"]
        self._until(
            lambda: self._stage("records", f"BILL#{bills[0]}", "HEAD") == "opened",
            f"the bill of {case_no}",
        )

    def _stage(self, table: str, key: str, sk: str) -> str | None:
        stage = self._row(table, key, sk).get("stage", {}).get("S")
        return None if stage is None else str(stage)

    def _row(self, table: str, key: str, sk: str) -> dict[str, Any]:
        answer = self._rows.get_item(
            TableName=self.outputs[f"{table.capitalize()}Table"],
            Key={"pk": {"S": f"{TENANT}#{key}"}, "sk": {"S": sk}},
        )
        found: dict[str, Any] = answer.get("Item", {})
        return found

    def _until(self, holds: Any, what: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise Stuck(f"waited {WAIT_SECONDS:.0f} s for {what}")
            time.sleep(0.05)


def _visit(client: Client) -> None:
    """A person comes back days later: the client takes fresh tokens first."""
    grant, _ = client.call(
        "POST", "/v1/sessions/refresh", {"refresh_token": client.refresh_token}
    )
    client.token, client.refresh_token = grant["access_token"], grant["refresh_token"]


def _json(row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row["data"]["S"])
    return found


def _now_ms() -> int:
    return int(time.time() * 1000)
