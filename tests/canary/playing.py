"""A run of marked persons on the laptop cloud, with every kind of trouble."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from urllib3.exceptions import HTTPError

from infra.local.deploy import Outputs
from infra.local.mini_program import Client, Partners, Refused, TooSlow
from tests.canary import troubles
from tests.canary.errands import FOOD, MARK, REPLACEMENT, Errand, item_of
from tests.canary.marks import Marks
from tests.canary.places import Piece, paused, peek, tapped
from tests.canary.scanner import Scanner
from tests.support.laptop_cloud import LaptopCloud

PATIENCE_SECONDS = 120
Did = TypeVar("Did")


@dataclass
class Run:
    """What happened, and what was seen of it."""

    cloud: LaptopCloud
    errands: list[Errand]
    completed: list[dict[str, Any]]
    refusals: dict[int, int]
    on_the_way: list[Piece]
    planted: frozenset[str]
    began: datetime

    def scanner(self) -> Scanner:
        """Knows everybody who took part."""
        return Scanner(tuple(Marks(number) for number in range(20)))


def play(cloud: LaptopCloud) -> Run:
    """Six errands and every kind of trouble, with their messages looked at."""
    partners = Partners.of(cloud.home)
    began = datetime.now(UTC) - timedelta(seconds=1)
    folders = (FOOD, REPLACEMENT, REPLACEMENT, MARK, FOOD, MARK)
    errands = [
        Errand(cloud, partners, folder, Marks(number))
        for number, folder in enumerate(folders)
    ]
    queues: list[Piece] = []
    with tapped(cloud) as tap, ThreadPoolExecutor(8) as pool:
        with paused(cloud, "register_licence"):
            with paused(cloud, "receive_material"):
                ended = [pool.submit(whole, errand) for errand in errands]
                queues += _messages(cloud, "receive_material", ended)
            queues += _messages(cloud, "register_licence", ended)
        stranger = Errand(cloud, partners, FOOD, Marks(10))
        begin(stranger)
        citizen = Errand(cloud, partners, REPLACEMENT, Marks(11))
        patiently(citizen.sign_in)
        completed = [each.result() for each in ended]
        planted, refusals = make_trouble(cloud, pool, stranger, citizen, completed)
        until(lambda: quiet(cloud))
        events = peek(cloud.client("sqs"), tap)
        queues += [Piece("events", tap, event["Body"].encode()) for event in events]
    return Run(cloud, errands, completed, refusals, queues, planted, began)


def whole(errand: Errand) -> dict[str, Any]:
    """From the sign-in to the end."""
    patiently(errand.sign_in)
    patiently(errand.hand_in)
    return patiently(errand.finish)


def patiently(act: Callable[[], Did], told: Callable[[str], None] = str) -> Did:
    """Comes back when nobody answers, as a mini-program does: workers start slowly.

    `told` hears the name of each hindrance.
    """
    for _ in range(4):
        try:
            return act()
        except (HTTPError, TooSlow) as hindered:
            told(type(hindered).__name__)
        except Refused as refused:
            if refused.status < 500:
                raise
            told(f"HTTP {refused.status}")
    return act()


def begin(errand: Errand) -> None:
    """Signs in, has an unfit form refused, and leaves a draft."""
    patiently(errand.sign_in)
    item = item_of(errand.folder).code
    errand.application = errand.client.draft(item, errand.form())
    unfit = troubles.unfit_form(errand.marks)
    other = errand.client.draft(item, unfit)
    with pytest.raises(Refused, match="form_invalid"):
        errand.client.submit(other)
    with pytest.raises(Refused, match="applicant_differs"):
        errand.client.call(
            "PUT", f"/v1/applications/{other}", {"form": unfit}, {"If-Match": '"v2"'}
        )


def make_trouble(
    cloud: LaptopCloud,
    pool: ThreadPoolExecutor,
    stranger: Errand,
    citizen: Errand,
    completed: list[dict[str, Any]],
) -> tuple[frozenset[str], dict[int, int]]:
    """All troubles side by side; what was planted, and what was answered how often."""
    case = completed[1]
    parcel = case["shipments"][0]
    marks = stranger.marks
    asked = [
        pool.submit(
            troubles.ask, citizen.client, troubles.wrong_addresses(citizen.marks)
        ),
        pool.submit(
            troubles.ask,
            stranger.client,
            troubles.wrong_bodies(marks, stranger.application, case["case_no"]),
        ),
        pool.submit(troubles.wrong_files, stranger, marks),
        pool.submit(
            troubles.loose_tongued_callbacks,
            cloud,
            marks,
            parcel["shipment_id"],
            parcel["waybill"],
        ),
    ]
    planted = troubles.poison(cloud, marks)
    nobody = Client(cloud.api_url, stranger.partners)
    assert len(troubles.identity_that_tells(nobody, marks)) == 2
    answered: dict[int, int] = {}
    for each in asked:
        for status, times in each.result().items():
            answered[status] = answered.get(status, 0) + times
    return planted, answered


def _messages(
    cloud: LaptopCloud, step: str, errands: list[Future[dict[str, Any]]]
) -> list[Piece]:
    """What waits in a step's queue while the step is paused."""
    url, sqs = cloud.outputs.queue_url(step), cloud.client("sqs")
    found: list[dict[str, Any]] = []

    def there() -> bool:
        for errand in errands:
            if errand.done():
                errand.result()  # raises what ended it early
        found.extend(peek(sqs, url))
        return bool(found)

    until(there)
    return [Piece("queues", step, each["Body"].encode()) for each in found]


def quiet(cloud: LaptopCloud) -> bool:
    """No message waits or is being worked on in any step's queue."""
    return all(_depth(cloud, url) == 0 for url in _step_queues(cloud.outputs))


def _step_queues(outputs: Outputs) -> Iterator[str]:
    for name, value in outputs.values.items():
        if name.endswith("QueueUrl"):
            yield value


def _depth(cloud: LaptopCloud, url: str) -> int:
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
    ]
    answer = cloud.client("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=names
    )
    return sum(map(int, answer["Attributes"].values()))


def until(holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Looks again and again; AssertionError when it does not come."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.1)
