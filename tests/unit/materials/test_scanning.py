"""A scanner's protocol against a real server on a socket, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from tests.unit.materials import files
from tests.unit.materials.clamd_server import EICAR, VERSION, Daemon, listening
from tests.unit.materials.conftest import DRAFT, Desk
from zerotrip.kernel.errors import GiveUp, Retry
from zerotrip.materials.clients.clamd import CHUNK_BYTES, Clamd
from zerotrip.materials.model import SlotState
from zerotrip.materials.scanning import AlwaysClean, Outcome, Scanner, Verdict
from zerotrip.materials.steps import MaterialSteps, receive_material
from zerotrip.runtime import wiring
from zerotrip.runtime.settings import SettingMissing


def test_a_clean_file_is_told_with_the_version_of_the_signatures() -> None:
    with listening(Daemon()) as clamd:
        verdict = clamd.scan(b"harmless")
    assert verdict == Verdict("clamav", VERSION, Outcome.CLEAN)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 500_000])
def test_every_byte_arrives_in_chunks(size: int) -> None:
    daemon, content = Daemon(), bytes(range(256)) * 2000
    with listening(daemon) as clamd:
        assert clamd.scan(content[:size]).outcome is Outcome.CLEAN
    assert daemon.content == content[:size]
    assert all(0 < chunk <= CHUNK_BYTES for chunk in daemon.chunks)


def test_malware_is_told_by_its_name() -> None:
    with listening(Daemon()) as clamd:
        verdict = clamd.scan(b"before " + EICAR)
    assert verdict == Verdict(
        "clamav", VERSION, Outcome.INFECTED, "Eicar-Test-Signature"
    )


def test_a_daemon_that_does_not_tell_its_version_still_scans() -> None:
    with listening(Daemon(version=b"COMMAND UNAVAILABLE")) as clamd:
        assert clamd.scan(b"x") == Verdict("clamav", None, Outcome.CLEAN)


@pytest.mark.parametrize("size", [2000, 8_000_000])
def test_a_file_above_the_daemons_limit_is_an_operators_matter(size: int) -> None:
    with (
        listening(Daemon(most_bytes=1000)) as clamd,
        pytest.raises(GiveUp) as caught,
    ):
        clamd.scan(b"x" * size)
    assert caught.value.code == "scanner_limit_exceeded"
    assert caught.value.detail == {"size_bytes": size}


def test_a_line_that_is_cut_in_the_middle_of_the_file_is_no_verdict() -> None:
    with listening(Daemon(most_bytes=1000, cuts=True)) as clamd:
        assert clamd.scan(b"x" * 8_000_000).outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize(
    "daemon",
    [
        Daemon(hangs_up=True),
        Daemon(reply=b""),
        Daemon(reply=b"stream: O"),  # cut off
        Daemon(reply=b"stream: OK"),  # without its end: who knows what followed
        Daemon(reply=b"\0"),
        Daemon(reply=b"UNKNOWN COMMAND\0"),
        Daemon(reply=b"stream: Can't allocate memory ERROR\0"),
        Daemon(reply=b"x" * 9000),
    ],
)
def test_no_verdict_is_no_clean_verdict(daemon: Daemon) -> None:
    with listening(daemon) as clamd:
        assert clamd.scan(b"x").outcome is Outcome.UNAVAILABLE


def test_a_daemon_that_is_not_there_is_unavailable() -> None:
    with listening(Daemon()) as clamd:
        gone = clamd
    assert gone.scan(b"x") == Verdict("clamav", None, Outcome.UNAVAILABLE)


def test_a_daemon_that_never_answers_is_given_up() -> None:
    with listening(Daemon(silent=True)) as clamd:
        patient = Clamd(clamd.host, clamd.port, scan_seconds=0.2)
        assert patient.scan(b"x").outcome is Outcome.UNAVAILABLE


@pytest.mark.parametrize(
    "address", ["", "none", "tcp://", "tcp://host", "http://host:3310", "host:3310"]
)
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="tcp://host:port"):
        Clamd.at(address)


def test_an_address_is_host_and_port() -> None:
    clamd = Clamd.at("tcp://clamd.internal:3310")
    assert (clamd.host, clamd.port) == ("clamd.internal", 3310)


@dataclass
class Says:
    """A scanner that says one thing, and what it was shown."""

    verdict: Verdict
    shown: list[bytes] = field(default_factory=list)

    def scan(self, content: bytes) -> Verdict:
        self.shown.append(content)
        return self.verdict


SCANNED = "2026-11-21T08:00:30.000Z"


def steps(desk: Desk, scanner: Scanner) -> MaterialSteps:
    return replace(desk.deps, scanner=lambda: scanner)


def test_the_slot_keeps_who_looked_and_with_which_signatures(desk: Desk) -> None:
    verdict = Verdict("clamav", VERSION, Outcome.CLEAN)
    receive_material(desk.upload(desk.open()), steps(desk, Says(verdict)))
    row = desk.rows()[("drafts", DRAFT.pk, "SLOT#loss_declaration")]
    assert row.data["scan"] == {
        "scanner": "clamav",
        "version": VERSION,
        "verdict": "clean",
        "name": None,
        "at": SCANNED,
    }
    assert desk.slot().scan == replace(verdict, at=SCANNED)


def test_where_nobody_looks_the_record_says_so(desk: Desk) -> None:
    settled = receive_material(desk.upload(desk.open()), steps(desk, AlwaysClean()))
    assert settled.scan == Verdict("none", None, Outcome.CLEAN, at=SCANNED)
    assert desk.slot().as_json()["scanner"] == "none"


def test_malware_is_refused_and_its_name_stays_in_the_record(desk: Desk) -> None:
    found = Verdict("clamav", VERSION, Outcome.INFECTED, "<b>Eicar-Test-Signature")
    settled = receive_material(desk.upload(desk.open()), steps(desk, Says(found)))
    assert settled.state is SlotState.REFUSED
    assert settled.reason is not None
    assert settled.reason.code == "material_infected"
    assert "Eicar" not in settled.reason.zh + settled.reason.en
    kept = desk.slot().scan
    assert kept is not None
    assert kept.name == "?b?Eicar-Test-Signature"


def test_without_a_scanner_nothing_passes_and_the_message_comes_again(
    desk: Desk,
) -> None:
    slot = desk.open()
    said = desk.upload(slot)
    silent = Says(Verdict("clamav", None, Outcome.UNAVAILABLE))
    with pytest.raises(Retry) as caught:
        receive_material(said, steps(desk, silent))
    assert caught.value.code == "scanner_unavailable"
    assert desk.slot() == slot
    clean = Says(Verdict("clamav", VERSION, Outcome.CLEAN))
    assert receive_material(said, steps(desk, clean)).state is SlotState.RECEIVED


def test_what_is_refused_anyway_is_not_shown_to_the_scanner(desk: Desk) -> None:
    scanner = Says(Verdict("clamav", VERSION, Outcome.CLEAN))
    receive_material(desk.upload(desk.open(), files.PNG), steps(desk, scanner))
    assert scanner.shown == []


def test_a_slot_that_moves_meanwhile_costs_one_scan(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = desk.open()
    said = desk.upload(slot)
    scanner = Says(Verdict("clamav", VERSION, Outcome.CLEAN))
    honest = desk.tables.transact

    def overtaken(writes: object, token: str | None = None) -> None:
        monkeypatch.setattr(desk.tables, "transact", honest)
        desk.slots.replace(slot.looked_for(found=True))
        honest(writes, token)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.tables, "transact", overtaken)
    assert receive_material(said, steps(desk, scanner)).state is SlotState.RECEIVED
    assert len(scanner.shown) == 1


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    wiring.scanner.cache_clear()
    yield monkeypatch
    wiring.scanner.cache_clear()


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ("none", AlwaysClean()),
        ("tcp://10.0.0.7:3310", Clamd("10.0.0.7", 3310)),
    ],
)
def test_the_function_is_told_which_scanner_it_has(
    setting: pytest.MonkeyPatch, said: str, made: Scanner
) -> None:
    setting.setenv("MALWARE_SCANNER", said)
    assert wiring.scanner() == made


@pytest.mark.parametrize("said", ["", "None", "clamd"])
def test_what_is_not_said_does_not_mean_that_nobody_looks(
    setting: pytest.MonkeyPatch, said: str
) -> None:
    setting.setenv("MALWARE_SCANNER", said)
    with pytest.raises((SettingMissing, ValueError)):
        wiring.scanner()
