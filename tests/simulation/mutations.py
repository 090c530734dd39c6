"""Negative controls: faults of the product that a named check must catch.

Each is a small edit of one file of the layer. The harness copies the layer, makes the
edit there, and runs the check on the copy: it has to fail. A text that the product no
longer holds is an error, so the list cannot go stale.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "zerotrip" / "python"
CAUGHT = 1
"""Exit code of a check that found something: of a scenario as of pytest."""


@dataclass(frozen=True)
class Mutation:
    """One edit: `old` stands exactly once in `file`. `check` are a command's words:
    a scenario's name with its options, or `pytest` and a test."""

    name: str
    file: str
    old: str
    new: str
    check: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What the check said of the mutated product."""

    mutation: Mutation
    code: int
    output: str

    @property
    def caught(self) -> bool:
        """Whether the check found it, rather than breaking by itself."""
        return self.code == CAUGHT

    @property
    def how(self) -> str:
        """The first sentence in which the check says what is wrong."""
        kinds = ("lost:", "doubled:", "broken:", "let in:", "FAILED", "ERROR")
        for line in self.output.splitlines():
            if line.strip().startswith(kinds):
                return line.strip()[:160]
        return "-"


def applied(mutation: Mutation, folder: Path) -> Path:
    """A copy of the layer with that edit. Raises ValueError when it does not fit."""
    copy = folder / "python"
    shutil.copytree(LAYER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    path = copy / "zerotrip" / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        raise ValueError(
            f"{mutation.name}: {mutation.file} holds its text "
            f"{text.count(mutation.old)} times"
        )
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    return copy


def try_out(mutation: Mutation, timeout_seconds: float = 300.0) -> Result:
    """Runs the mutation's check on the mutated copy."""
    with tempfile.TemporaryDirectory() as folder:
        layer = applied(mutation, Path(folder))
        done = subprocess.run(
            [sys.executable, *_command(mutation.check, layer)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{layer}:{ROOT}", "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )
    return Result(mutation, done.returncode, done.stdout + done.stderr)


def _command(check: tuple[str, ...], layer: Path) -> list[str]:
    if check[0] == "pytest":
        # pytest's own path setting would put the unmutated layer first.
        options = ["-p", "no:cacheprovider", "-x", "-o", f"pythonpath={layer} ."]
        return ["-m", "pytest", *options, *check[1:]]
    return ["-m", "tests.simulation", *check, "--processes", "1"]


def _scenario(name: str, size: str = "slice", seed: int = 1) -> tuple[str, ...]:
    return (name, "--size", size, "--seed", str(seed))


RECORDS = "kernel/records.py"
STORM = _scenario("duplicate-storm")
CRASHES = _scenario("crash-at-each-point")
PAYMENTS = _scenario("payment-callback-race")
PUBLISHING = _scenario("publishing-items")
PROMISES = _scenario("promises")
PEOPLE = _scenario("people-and-logins")

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        "the event's key is no longer under a condition",
        RECORDS,
        '("event", Put(RECORDS_TABLE, stored_event(row), Expect(absent=True))),',
        '("event", Put(RECORDS_TABLE, stored_event(row))),',
        STORM,
    ),
    Mutation(
        "the head's version is not compared",
        RECORDS,
        "else Expect(version=change.expected_version, stages=change.allowed_from)",
        "else Expect(stages=change.allowed_from)",
        _scenario("duplicate-storm", "tenth"),
    ),
    Mutation(
        "any draft may be handed in, whatever became of it",
        "cases/applications.py",
        "Expect(version=draft.version, stages=frozenset({OPEN})),",
        "Expect(),",
        _scenario("set-test"),
    ),
    Mutation(
        "a taken case number is not drawn again",
        "cases/applications.py",
        "        for _ in range(_NUMBERS_TRIED):\n",
        "        for _ in range(1):\n",
        ("pytest", "tests/unit/cases/test_a_case.py"),
    ),
    Mutation(
        "a licence may be written over",
        "kernel/objects.py",
        '                IfNoneMatch="*",\n',
        "",
        ("pytest", "tests/contract/test_ports.py"),
    ),
    Mutation(
        "the relay takes failed entries for published",
        "kernel/stream.py",
        "    if not failed:\n",
        "    if True:\n",
        _scenario("partial-failures"),
    ),
    Mutation(
        "the relay reads on behind the last failure, not the first",
        "kernel/stream.py",
        "events[min(failed)]",
        "events[max(failed)]",
        _scenario("partial-failures", "tenth"),
    ),
    Mutation(
        "the watchdog publishes nothing",
        "kernel/bus.py",
        "    if bus.publish(events):\n",
        "    if bus.publish([]):\n",
        _scenario("relay-killed"),
    ),
    Mutation(
        "the watchdog does not look at items",
        "catalogue/watching.py",
        "if key.kind is Kind.ITEM]",
        "if key.kind is Kind.CASE and key.kind is Kind.ITEM]",
        PUBLISHING,
    ),
    Mutation(
        "what should be tried again is taken for done",
        "runtime/batch.py",
        "        if not _buried_at_last(name, record, error.code, error.en):\n"
        "            raise\n"
        "    except Exception",
        "    except Exception",
        _scenario("throttling"),
    ),
    Mutation(
        "what cannot work vanishes instead of going to the dead letters",
        "runtime/batch.py",
        "        logger().error(error.en, **said(error))\n"
        "        _bury(name, record, error.code, error.en)\n",
        "        logger().error(error.en, **said(error))\n",
        _scenario("batch-with-poison"),
    ),
    Mutation(
        "the step mints the bill's number, not the event",
        "payments/steps.py",
        '    key = model.bill_key(deps.tenant, wanted["id"])\n',
        "    import uuid\n\n"
        "    number = deps.tenant + uuid.uuid4().hex.upper()[:26]\n"
        "    key = model.bill_key(deps.tenant, number)\n",
        STORM,
    ),
    Mutation(
        "a notice's key is the time, not its cause",
        "notices/model.py",
        "event = _sent(inbox, cause.ref, body, now)",
        "event = _sent(inbox, f'{cause.ref}@{now}', body, now)",
        STORM,
    ),
    Mutation(
        "a case that waits for its fee does not look for it",
        "cases/commands.py",
        'outcome.next_steps = ("collect_payment", "advance_case")',
        'outcome.next_steps = ("collect_payment", "advance_case_")',
        ("pytest", "tests/unit/cases/test_lifecycle.py"),
    ),
    Mutation(
        "a payment of another amount is taken",
        "payments/steps.py",
        "        if wrong is not None:\n",
        "        if False:\n",
        PAYMENTS,
    ),
    Mutation(
        "a payment notice's signature is not compared",
        "payments/channels/wechat_pay_signatures.py",
        '        raise _refused("wrong") from None\n',
        "        pass\n",
        PAYMENTS,
    ),
    Mutation(
        "an old payment notice is taken",
        "payments/channels/wechat_pay_signatures.py",
        "    if abs(now.timestamp() - int(timestamp)) >= TOLERANCE_SECONDS:\n",
        "    if False:\n",
        PAYMENTS,
    ),
    Mutation(
        "a carrier's signature is not compared",
        "kernel/standard_webhooks.py",
        "    if not any(matches):\n",
        "    if False:\n",
        ("pytest", "tests/access/test_callbacks_in_one_process.py"),
    ),
    Mutation(
        "a file is taken for what it says it is",
        "materials/steps.py",
        "        if self.fault is None:\n",
        "        if True:\n",
        _scenario("storage-events"),
    ),
    Mutation(
        "a step acts on whatever event it is pointed at",
        "kernel/steps.py",
        "    if row is None or step not in row.next_steps:\n",
        "    if row is None:\n",
        ("pytest", "tests/inner_door/test_every_queue.py"),
    ),
    Mutation(
        "a sealed field is not bound to its record",
        "kernel/sealing.py",
        'return f"{self.tenant}|{record}|{name}".encode()',
        'return f"{self.tenant}|{name}".encode()',
        ("pytest", "tests/unit/kernel/test_sealing.py"),
    ),
    Mutation(
        "an event's hash leaves its content out",
        "kernel/aggregate.py",
        "            dict(row.body), sealed,\n",
        "            sealed,\n",
        ("pytest", "tests/archive/test_tamper.py"),
    ),
    Mutation(
        "a token for another audience is taken",
        "identity/tokens.py",
        '    if claims.get("aud") != realm.audience:\n',
        "    if False:\n",
        ("pytest", "tests/access/test_in_one_process.py"),
    ),
    Mutation(
        "a late answer of the carrier takes a parcel back",
        "deliveries/model.py",
        "    if now.stage is not ShipmentStage.ORDERED:\n        stage = now.stage\n",
        "",
        _scenario("total-shuffle"),
    ),
    Mutation(
        "an early fact is forgotten",
        "deliveries/model.py",
        '    facts = {**now.facts, "dispatched": now.head.version + 1}\n',
        '    facts = {"dispatched": now.head.version + 1}\n',
        _scenario("total-shuffle"),
    ),
    Mutation(
        "a message that comes again is a conflict",
        "licences/steps.py",
        'request_hash=digest(["sign_licence", event.ref]),',
        'request_hash=digest(["sign_licence", event.ref, str(deps.now())]),',
        _scenario("crash-at-each-point", "tenth"),
    ),
    Mutation(
        "a step marks itself done before its effect",
        "licences/steps.py",
        '        if done.code != "done_before":\n'
        "            raise\n        return True\n",
        "        raise\n",
        _scenario("timeout-mid-effect"),
    ),
    Mutation(
        "the carrier is given another number each time",
        "deliveries/steps.py",
        "        return deps.courier.order(\n            now.key.id,",
        "        return deps.courier.order(\n"
        '            f"{now.key.id[:-1]}{deps.now().minute % 10}",',
        _scenario("timeout-mid-effect"),
    ),
    Mutation(
        "the own earlier event is not known again",
        RECORDS,
        "            if len(winners) == len(events):",
        "            if len(winners) > len(events):",
        _scenario("lost-acknowledgement", "tenth"),
    ),
    Mutation(
        "an upload counts as replaced by itself",
        "materials/store.py",
        "            if present is not None and present.upload_id == fresh.upload_id:\n"
        "                return present  # our own write, of which we were not told\n",
        "",
        _scenario("lost-acknowledgement", "slice", 34),
    ),
    Mutation(
        "what nobody foresaw is acknowledged",
        "runtime/batch.py",
        '        if not _buried_at_last(name, record, "step_failed", '
        "type(error).__name__):\n            raise\n",
        '        _buried_at_last(name, record, "step_failed", type(error).__name__)\n',
        _scenario("batch-with-poison"),
    ),
    Mutation(
        "one bad row takes its batch with it",
        "runtime/batch.py",
        "    except ZeroTripError as error:\n"
        "        return dict.fromkeys(ids, error)\n",
        "    except Exception as error:\n        return dict.fromkeys(ids, error)\n",
        _scenario("batch-with-poison", "tenth", 5),
    ),
    Mutation(
        "a dead letter forgets under which id it came",
        "runtime/batch.py",
        '            "original_message_id": _original_id(record),',
        '            "original_message_id": record.message_id,',
        _scenario("dead-letter-redrive"),
    ),
    Mutation(
        "a longer file than announced is taken",
        "materials/types.py",
        "    if len(content) != size_bytes:\n",
        "    if False:\n",
        _scenario("storage-events"),
    ),
    Mutation(
        "a hand-in does not wait for its uploads",
        "materials/model.py",
        "    if waiting:\n",
        "    if False:\n",
        _scenario("storage-events"),
    ),
    Mutation(
        "the watchdog finds no lost upload",
        "runtime/watching.py",
        '                aws.send("RECEIVE_MATERIAL_QUEUE", json.dumps(message), {})\n',
        "",
        _scenario("storage-events"),
    ),
    Mutation(
        "the channel is never asked about a lost notice",
        "payments/model.py",
        "        due_at=_next_look(bill, TERMS[channel], command.now),\n",
        "        due_at=bill.payable_until,\n",
        PAYMENTS,
    ),
    Mutation(
        "a lapsed bill is not closed at the channel",
        "payments/steps.py",
        "            channel.close(now.key.id)\n        except AlreadyDone:\n"
        "            state",
        "            pass\n        except AlreadyDone:\n            state",
        ("pytest", "tests/unit/payments/test_healing.py"),
    ),
    Mutation(
        "a notice that contradicts the bill is refused for a day",
        "payments/steps.py",
        "            return model.contradict(bill, paid, wrong, now)\n",
        "            raise bill_unknown()\n",
        ("pytest", "tests/unit/payments/test_notices.py"),
    ),
    Mutation(
        "a payment in another currency is taken",
        "payments/model.py",
        "    if paid.currency != CURRENCY:\n",
        "    if False:\n",
        PAYMENTS,
    ),
    Mutation(
        "a licence that is being signed can be withdrawn",
        "cases/lifecycle.py",
        '            "received submitted correcting in_review payment_due",\n'
        '            "withdrawn"',
        '            "received submitted correcting in_review payment_due signing",\n'
        '            "withdrawn"',
        _scenario("anything-in-any-order", "tenth"),
    ),
    Mutation(
        "a person's old page counts as seen",
        "cases/requests.py",
        "                or self._stage_at(now, seen) != now.stage\n",
        "",
        _scenario("anything-in-any-order", "tenth", seed=6),
    ),
    Mutation(
        "withdrawal leaves the bill open",
        "cases/commands.py",
        "        if name in (Obligation.PAYMENT, Obligation.PAPERS) "
        "and obligation.ref\n",
        "        if False\n",
        _scenario("anything-in-any-order", "tenth"),
    ),
    Mutation(
        "an item is published whatever the snapshot's version is",
        "catalogue/publication.py",
        "            Put(TABLE, listed, _unchanged(known)),\n",
        "            Put(TABLE, listed),\n",
        PUBLISHING,
    ),
    Mutation(
        "a revision is offered before its day",
        "catalogue/steps.py",
        "deps.tenant, pinned, event.actor, max(effective, moment)",
        "deps.tenant, pinned, event.actor, moment",
        PUBLISHING,
    ),
    Mutation(
        "a revision that waits for its day takes the offered one away",
        "catalogue/snapshot.py",
        "        for each in (*current, *later)\n",
        "        for each in later\n",
        PUBLISHING,
    ),
    Mutation(
        "a case is of the revision that its draft began with",
        "cases/applications.py",
        "            item_digest=pinned.digest,\n"
        "            version=draft.version + 1,\n",
        "            version=draft.version + 1,\n",
        PUBLISHING,
    ),
    Mutation(
        "one person may speak for both offices",
        "catalogue/revisions.py",
        "    if (logins | {command.actor}) & spoke_before(now, office):\n",
        "    if command.actor == now.item.proposed_by:\n",
        ("pytest", "tests/unit/catalogue/test_revisions.py"),
    ),
    Mutation(
        "an open promise does not hold an approval",
        "cases/commands.py",
        '    if decision == "approve" and Obligation.PROMISES in '
        "now.case.obligations:\n",
        "    if False:\n",
        PROMISES,
    ),
    Mutation(
        "the watchdog lapses a promise that was kept",
        "cases/changes.py",
        '        and (entry.until in ("answer", "tries") or entry.until in '
        "still_open)\n",
        "",
        PROMISES,
    ),
    Mutation(
        "the clock does not look who was first",
        "kernel/records.py",
        "        else Expect(version=change.expected_version, "
        "stages=change.allowed_from)\n",
        "        else Expect()\n",
        _scenario("promises", "tenth", 2),
    ),
    Mutation(
        "an officer's own case is told by the login, not by the person",
        "identity/recusal.py",
        "            if any(\n"
        "                sub in marks or (sub in known and known[sub].marks & marks)\n"
        "                for sub in each\n"
        "            )\n",
        "            if officer in each\n",
        PEOPLE,
    ),
    Mutation(
        "an officer decides what concerns declared kin",
        "identity/recusal.py",
        "        return self.persons.of(self.tenant, officer).marks | kin\n",
        "        return self.persons.of(self.tenant, officer).marks\n",
        PEOPLE,
    ),
    Mutation(
        "an officer's own case is on the work list",
        "web/endpoints/staff.py",
        "        if now.key.id not in own\n",
        "",
        PEOPLE,
    ),
    Mutation(
        "an authorisation holds beyond its end",
        "identity/powers.py",
        "    if now >= power.ends_at:\n",
        "    if False:\n",
        PEOPLE,
    ),
    Mutation(
        "a revoked authorisation still holds",
        "identity/powers.py",
        "    if power.state is not PowerState.ACCEPTED:\n        return str(",
        "    if power.state is PowerState.OFFERED:\n        return str(",
        PEOPLE,
    ),
    Mutation(
        "an authorisation is taken by whoever asks",
        "identity/agency.py",
        "power.offered_to != self._own_mark(acting):",
        "power.offered_to is None:",
        PEOPLE,
    ),
    Mutation(
        "an agent's act does not say for whom",
        "cases/applications.py",
        '    return {} if said is None else {"on_behalf": said}\n',
        "    return {}\n",
        PEOPLE,
    ),
    Mutation(
        "an agent pays with the principal's WeChat",
        "web/endpoints/cases.py",
        "deps.subjects.openid(deps.tenant, acting.logins),",
        "deps.subjects.openid(deps.tenant, sorted(acting.subs)),",
        PEOPLE,
    ),
    Mutation(
        "binding does not compare the proven numbers",
        "identity/store.py",
        "    if len({each.number for each in proven if each.number is not None}) > 1:"
        "\n",
        "    if False:\n",
        PEOPLE,
    ),
    Mutation(
        "a bound login may be proven as somebody else later",
        "identity/store.py",
        "            others = self._same_person(tenant, sub, number)\n",
        "            pass\n",
        PEOPLE,
    ),
    Mutation(
        "who is one person is written in one row only",
        "identity/store.py",
        '"subs": sorted(subs)}))\n        self.tables.transact(writes)\n',
        '"subs": sorted(subs)}))\n        self.tables.transact(writes[:1])\n',
        PEOPLE,
    ),
    Mutation(
        "a binding does not look who else was bound in between",
        "identity/store.py",
        "            row = self._row_as_read(tenant, each)\n            writes.append(",
        "            row = self._subject_row(tenant, each.sub)\n"
        "            writes.append(",
        PEOPLE,
    ),
    Mutation(
        "two logins may take each other away",
        "identity/store.py",
        "rows = [self._row_as_read(tenant, each) for each in person.live]",
        "rows = [self._subject_row(tenant, login)]",
        _scenario("people-and-logins", "tenth"),
    ),
    Mutation(
        "a login that was taken away still works",
        "identity/callers.py",
        "        if person.asked.former:\n",
        "        if False:\n",
        PEOPLE,
    ),
    Mutation(
        "an openid that changed hands leads to who had it",
        "identity/store.py",
        "        if None not in (holder, before) and holder != before:\n",
        "        if False:\n",
        PEOPLE,
    ),
    Mutation(
        "the applicant is not compared at the hand-in",
        "cases/applications.py",
        "    require_own(item, form, proven)\n    require_own_addressee(",
        "    require_own_addressee(",
        PEOPLE,
    ),
    Mutation(
        "the level is not asked at the hand-in",
        "cases/applications.py",
        "    require_level(item, acting)\n    proven = applicants",
        "    proven = applicants",
        PEOPLE,
    ),
    Mutation(
        "a person's list reads the login in use only",
        "web/endpoints/cases.py",
        "        for sub in sorted(acting.subs)\n        for key in",
        "        for sub in [acting.sub]\n        for key in",
        PEOPLE,
    ),
    Mutation(
        "a refresh within ten seconds gives another successor",
        "identity/sessions.py",
        "                return grant  # its successor is kept already\n",
        "                other = self._new_refresh_token()\n"
        "                self.tables.transact([self._kept(other, opened)])\n"
        "                return replace(grant, refresh_token=other)\n",
        PEOPLE,
    ),
    Mutation(
        "a rule that cannot be run counts as held",
        "catalogue/checks.py",
        "            broken.append(check.code)\n            continue\n",
        "            continue\n",
        ("pytest", "tests/unit/catalogue/test_checks.py"),
    ),
    Mutation(
        "a provider's unsigned answer is taken",
        "sources/clients/shared_data.py",
        "        except Unauthenticated as refused:\n"
        "            raise provider_unavailable(provider, refused.code) from None\n",
        "        except Unauthenticated:\n            pass\n",
        ("pytest", "tests/partners/test_shared_data.py"),
    ),
    Mutation(
        "a PDF with JavaScript packed away is taken",
        "materials/pdf.py",
        '    if _name(found, "/S") in _ACTING or "/XFA" in found:\n',
        '    if "/XFA" in found:\n',
        ("pytest", "tests/unit/materials/test_pdf.py"),
    ),
    Mutation(
        "one's own vault is everybody's",
        "materials/vault_store.py",
        '        return f"{self.tenant}#SUBJECT#{sub}"\n',
        '        return f"{self.tenant}#SUBJECT#"\n',
        ("pytest", "tests/unit/materials/test_vault.py"),
    ),
)
