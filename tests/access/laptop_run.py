"""All that is tried against the laptop cloud, in the order in which it must be."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.local.home import TENANT
from infra.local.mini_program import Client, Partners
from infra.local.partners.people import PEOPLE
from infra.local.seed import OFFICERS, tables_of
from tests.access import callbacks, matrix, people, rows, sessions
from tests.access.matrix import Cell, Pair
from tests.access.operations import Operation, operations
from tests.access.scene import Answer, Scene
from tests.support.laptop_cloud import LaptopCloud
from zerotrip.identity.model import Role
from zerotrip.identity.staff import (
    register_officer,
    reinstate_officer,
    suspend_officer,
)
from zerotrip.kernel.identifiers import Mint

THREADS = 4
FOOD_OFFICE = "11441882000000027D"
OFFICER = "sun"
"""Whose workplace and suspension the stories of sessions change, and put back."""


@dataclass(frozen=True)
class LaptopRun:
    """One run over one scene; `outcome` keeps the cells by part."""

    cloud: LaptopCloud
    scene: Scene
    outcome: dict[str, list[Cell]] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    @property
    def operations(self) -> list[Operation]:
        """All rows of the document."""
        return operations()

    def try_matrix(self, pairs: list[Pair]) -> None:
        """The cells, who is let in, other methods, and what the tables hold after."""
        before = self.scene.rows()
        cells = matrix.run(self.scene, pairs, THREADS)
        of_one_id = (matrix.anothers_bill, matrix.anothers_officer_login)
        self.outcome["matrix"] = [*cells, *(each(self.scene) for each in of_one_id)]
        # What may be done twice: whatever else succeeds would change what is theirs.
        reads = [each for each in matrix.whole(self.operations) if _reads(each)]
        self.outcome["welcome"] = matrix.run_in(
            self.scene, reads, lambda _: nullcontext()
        )
        self.outcome["methods"] = matrix.other_methods(
            self.scene, self.operations, THREADS
        )
        self.outcome["tokens_at_partners"] = callbacks.tokens_do_nothing(self.scene)
        strangers = [self.scene.people[name].sub for name in matrix.STRANGERS]
        after = self.scene.rows()
        self.changed.extend(rows.changes(before, after, self.scene.owned, strangers))

    def try_rightful(self) -> dict[str, Answer]:
        """The same requests by those who may; it changes the victims' things."""
        return matrix.rightful(self.scene, self.operations)

    def try_sessions(self) -> None:
        """The stories of sessions that are over."""
        door = self.scene.door
        cells = sessions.refresh_used_twice(door, self._grant("li"))
        cells += sessions.signed_out(door, self._grant("li"))
        short = self.scene.mint.token(self.scene.people["citizen"], lifetime_seconds=3)
        cells += sessions.token_over(door, short, lambda: time.sleep(4))
        with self._officer() as (register, suspend):
            register(people.VICTIMS_OFFICE, people.DEPARTMENT, Role.OFFICER)
            grant = self._grant(OFFICER)
            cells += sessions.officer_moved(
                door,
                grant,
                self.scene.things["case_in_review"],
                lesser=lambda: register(
                    people.VICTIMS_OFFICE, people.DEPARTMENT, Role.AUDITOR
                ),
                move=lambda: register(FOOD_OFFICE, *OFFICERS[OFFICER]),
            )
            cells += sessions.officer_left(door, grant, suspend)
        self.outcome["sessions"] = cells

    def try_callbacks(self) -> None:
        """Callbacks about a bill that the victim opened before, and its parcel."""
        tap = callbacks.Tap()
        try:
            misuse = callbacks.Misuse(self.scene, self._control, tap)
            bill = self._until(lambda case: self._first(case["bills"], "bill_id"))
            cells = list(misuse.refused("wechat_pay", bill))
            cells.append(misuse.replayed("wechat_pay", bill))
            # A paid case is signed, and its licence handed to the courier.
            parcel = self._until(lambda case: self._first(case["shipments"], "waybill"))
            cells += misuse.refused("courier", parcel)
            cells.append(misuse.replayed("courier", parcel))
            self.outcome["callbacks"] = cells
        finally:
            tap.close()

    def _grant(self, name: str) -> sessions.Grant:
        client = Client(self.cloud.api_url, Partners.of(self.cloud.home))
        staff = name in OFFICERS
        (client.sign_in_by_oidc if staff else client.sign_in_by_wechat)(name)
        return sessions.Grant(str(client.token), str(client.refresh_token))

    @contextmanager
    def _officer(self) -> Iterator[tuple[Callable[..., str], Callable[[], object]]]:
        """Registers and suspends one officer; in the end all is as it was."""
        secret = self.cloud.client("secretsmanager").get_secret_value(
            SecretId=self.cloud.outputs["IdentityHashSecret"]
        )
        tables = tables_of(self.cloud.home, self.cloud.outputs)

        def register(organisation: str, department: str, role: Role) -> str:
            return register_officer(
                tables,
                secret["SecretString"].encode(),
                TENANT,
                PEOPLE[OFFICER].sub,
                organisation=organisation,
                department=department,
                roles=frozenset({role}),
                mint=Mint(os.urandom),
            )

        sub = register(FOOD_OFFICE, *OFFICERS[OFFICER])
        try:
            yield (
                register,
                lambda: suspend_officer(tables, TENANT, sub, datetime.now(UTC)),
            )
        finally:
            register(FOOD_OFFICE, *OFFICERS[OFFICER])
            reinstate_officer(tables, TENANT, sub)

    def _control(self, sandbox: str, path: str, wish: Any) -> Any:
        return Partners.of(self.cloud.home).control(sandbox, path, wish)

    def _until(self, found: Callable[[dict[str, Any]], str | None]) -> str:
        """What the victim's paid case shows, as soon as it does."""
        client = Client(self.cloud.api_url, Partners.of(self.cloud.home))
        client.sign_in_by_wechat("zhang")
        case_no = self.scene.things["case_to_pay"]
        return str(found(client.wait(case_no, lambda case: bool(found(case)))))

    @staticmethod
    def _first(held: list[dict[str, Any]], name: str) -> str | None:
        """The id of the first that has what is named."""
        number = "bill_id" if name == "bill_id" else "shipment_id"
        return next((str(each[number]) for each in held if each.get(name)), None)


def _reads(pair: Pair) -> bool:
    operation, _ = pair
    return operation.method == "GET"


def deployed(cloud: LaptopCloud) -> dict[tuple[str, str], int | None]:
    """Every method of both REST APIs, with how long its authorizer's policy is kept.

    None where there is no authorizer.
    """
    client, found = cloud.client("apigateway"), {}
    for output in ("ApiId", "PartnersApiId"):
        api = cloud.outputs[output]
        kept = {
            each["id"]: int(each["authorizerResultTtlInSeconds"])
            for each in client.get_authorizers(restApiId=api)["items"]
        }
        pages = client.get_paginator("get_resources").paginate(
            restApiId=api, embed=["methods"]
        )
        for resource in (each for page in pages for each in page["items"]):
            for method, said in resource.get("resourceMethods", {}).items():
                asks = said.get("authorizationType", "NONE") == "CUSTOM"
                ttl = kept[said["authorizerId"]] if asks else None
                found[method, resource["path"]] = ttl
    return found
