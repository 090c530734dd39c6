"""A thousand marked persons on the laptop cloud, and a search of everything after it.

All thousand are handed in; as many as the time allows are brought to the end, with
decisions, payments and parcels, while partners fail and tell too much. The numbers of
both are in the evidence.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.progress import track
from urllib3.exceptions import HTTPError

from infra.local.mini_program import Partners, Refused, TooSlow
from infra.local.seed import tables_of
from tests.canary import places, troubles
from tests.canary.errands import FOOD, MARK, REPLACEMENT, Errand
from tests.canary.marks import Marks
from tests.canary.places import Piece, tapped
from tests.canary.playing import begin, make_trouble, patiently, quiet, until
from tests.canary.scanner import Scanner
from tests.support.laptop_cloud import LaptopCloud
from tests.verify import evidence
from zerotrip.cases.model import case_key
from zerotrip.kernel.aggregate import chain_faults
from zerotrip.kernel.records import Records

PERSONS = 1000
FINISHING_SECONDS = 120
CLIENTS = 12
TENANT = "441882"


@dataclass
class Tally:
    """What became of the thousand."""

    handed_in: list[Errand] = field(default_factory=list)
    completed: list[dict[str, Any]] = field(default_factory=list)
    asked_again: Counter[str] = field(default_factory=Counter)
    events: list[Piece] = field(default_factory=list)

    def hindered(self, name: str) -> None:
        """Somebody was not answered, and came back."""
        self.asked_again[name] += 1


@dataclass
class Stopwatch:
    """Whole seconds of each part of the run."""

    laps: dict[str, int] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name], self.since = round(now - self.since), now


@pytest.mark.verify
def test_a_thousand_persons_leave_no_trace_in_clear(clean_cloud: LaptopCloud) -> None:
    began, tally = datetime.now(UTC) - timedelta(seconds=1), Tally()
    cloud, seconds = clean_cloud, Stopwatch()
    with tapped(cloud) as tap:
        with _drained(cloud, tap, tally.events), ThreadPoolExecutor(CLIENTS) as pool:
            _hand_in(cloud, pool, tally)
            seconds.lap("handing in")
            _finish(cloud, pool, tally)
            seconds.lap("finishing")
            planted, refusals = _trouble(cloud, pool, tally)
            _settle(cloud)
        seconds.lap("troubles")
        found = _search(cloud, began, planted, tally)
        seconds.lap("searching")
        faults = _broken_chains(cloud, tally)
    evidence.write(
        "canary",
        persons=PERSONS,
        handed_in=len(tally.handed_in),
        completed=len(tally.completed),
        seconds=seconds.laps,
        asked_again=dict(tally.asked_again),
        refusals_provoked={str(k): v for k, v in sorted(refusals.items())},
        messages_planted=len(planted),
        searched={
            place: {"pieces": each.pieces, "bytes": each.content_bytes}
            for place, each in found.items()
        },
        seen_in_clear={place: len(each.sightings) for place, each in found.items()},
        broken_chains=len(faults),
        not_searched="content of uploads and licences; the partner sandboxes",
    )
    assert [each.sightings[:3] for each in found.values() if each.sightings] == []
    assert len(tally.handed_in) == PERSONS
    assert len(tally.completed) >= PERSONS / 50
    assert faults == []


def _folder(number: int) -> str:
    """Mostly the item that waits for an officer; it costs the laptop least."""
    return {0: MARK, 5: FOOD}.get(number % 20, REPLACEMENT)


def _hand_in(cloud: LaptopCloud, pool: ThreadPoolExecutor, tally: Tally) -> None:
    partners = Partners.of(cloud.home)

    def one(number: int) -> Errand:
        errand = Errand(cloud, partners, _folder(number), Marks(number))
        patiently(errand.sign_in, tally.hindered)
        patiently(errand.hand_in, tally.hindered)
        return errand

    done = pool.map(one, range(PERSONS))
    for errand in track(done, "提交 · handing in", total=PERSONS):
        tally.handed_in.append(errand)


def _finish(cloud: LaptopCloud, pool: ThreadPoolExecutor, tally: Tally) -> None:
    """As many as the time allows; the partners tell persons where codes belong."""
    partners = Partners.of(cloud.home)
    deadline = time.monotonic() + FINISHING_SECONDS

    def one(errand: Errand) -> dict[str, Any] | None:
        if time.monotonic() > deadline:
            return None
        try:
            return errand.finish()
        except (Refused, TooSlow, HTTPError) as hindered:
            tally.hindered(type(hindered).__name__)
            return None

    troubles.partners_that_tell(partners, Marks(1), times=2)
    done = pool.map(one, tally.handed_in)
    for case in track(done, "办结 · finishing", total=PERSONS):
        if case is not None:
            tally.completed.append(case)
    troubles.no_more_faults(partners)


def _trouble(
    cloud: LaptopCloud, pool: ThreadPoolExecutor, tally: Tally
) -> tuple[frozenset[str], dict[int, int]]:
    partners = Partners.of(cloud.home)
    stranger = Errand(cloud, partners, FOOD, Marks(PERSONS))
    begin(stranger)
    citizen = Errand(cloud, partners, REPLACEMENT, Marks(PERSONS + 1))
    patiently(citizen.sign_in)
    with_parcel = [case for case in tally.completed if case["shipments"]]
    return make_trouble(cloud, pool, stranger, citizen, with_parcel[:1] * 2)


def _settle(cloud: LaptopCloud) -> None:
    """What still moves, moves on: the search does not depend on its end."""
    with contextlib.suppress(AssertionError):
        until(lambda: quiet(cloud), seconds=60)


def _search(
    cloud: LaptopCloud, began: datetime, planted: frozenset[str], tally: Tally
) -> dict[str, places.Searched]:
    scanner = Scanner(tuple(Marks(number) for number in range(PERSONS + 2)))
    everywhere: dict[str, Callable[[], Iterator[Piece]]] = {
        **places.everywhere(cloud, began, planted),
        "events": lambda: iter(tally.events),
    }
    return {
        place: places.search(scanner, pieces())
        for place, pieces in track(everywhere.items(), "查找 · searching")
    }


def _broken_chains(cloud: LaptopCloud, tally: Tally) -> list[str]:
    records = Records(tables_of(cloud.home, cloud.outputs))
    return [
        fault
        for errand in tally.handed_in
        for fault in chain_faults(records.history(case_key(TENANT, errand.case_no)))
    ]


@contextlib.contextmanager
def _drained(cloud: LaptopCloud, url: str, into: list[Piece]) -> Iterator[None]:
    """Takes every event out of our own queue while the block runs, and once after."""
    ended = threading.Event()

    def drain() -> None:
        sqs = cloud.client("sqs")
        while True:
            last = ended.is_set()
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                into.append(Piece("events", url, message["Body"].encode()))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            if not answer.get("Messages"):
                if last:
                    return
                time.sleep(0.2)

    thread = threading.Thread(target=drain)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
