"""Pre-review's rules: each item's every check can fail, and a broken one is told."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest

from tests.unit.catalogue.world import FOLDERS, TODAY
from zerotrip.catalogue import checks
from zerotrip.catalogue.checks import (
    CheckOutcome,
    RuleBroken,
    add_months,
    condition_holds,
    failed_checks,
    rule_bounds,
)
from zerotrip.catalogue.forms import form_faults
from zerotrip.catalogue.model import Check, Text

MARK, REPLACEMENT, FOOD = FOLDERS


def day(offset: int) -> str:
    return (TODAY + timedelta(days=offset)).isoformat()


DEFECTS = {
    (MARK, "registered_in_future"): {"/vehicle/registered_on": day(1)},
    (MARK, "vehicle_six_years_old"): {"/vehicle/registered_on": "2020-11-21"},
    (MARK, "mark_not_yet_due"): {"/vehicle/mark_valid_until": "2027-02-22"},
    (MARK, "operating_vehicle"): {"/vehicle/use": "operating"},
    (MARK, "too_many_seats"): {"/vehicle/seats": 10},
    (MARK, "plate_does_not_fit_kind"): {"/vehicle/plate_number": "粤RD00001"},
    (MARK, "insurance_expired"): {"/insurance/valid_until": day(-1)},
    (MARK, "violations_open"): {"/declarations/violations_settled": False},
    (MARK, "vehicle_tax_unpaid"): {"/declarations/tax_paid": False},
    (MARK, "accident_with_casualties"): {"/declarations/no_casualties": False},
    (MARK, "vehicle_modified"): {"/declarations/not_modified": False},
    (REPLACEMENT, "plate_does_not_fit_kind"): {"/vehicle/plate_type": "small"},
    (REPLACEMENT, "loss_in_future"): {"/replacement/happened_on": day(1)},
    (REPLACEMENT, "loss_before_registration"): {
        "/replacement/happened_on": "2020-01-01"
    },
    (REPLACEMENT, "registered_in_future"): {
        "/vehicle/registered_on": day(1),
        "/replacement/happened_on": None,
    },
    (REPLACEMENT, "licence_detained"): {"/declarations/not_detained": False},
    (REPLACEMENT, "return_not_promised"): {"/declarations/return_if_found": False},
    (REPLACEMENT, "declaration_illegible"): {"@loss_declaration": 511},
    (FOOD, "too_near_pollution"): {"/premises/metres_to_pollution": 24},
    (FOOD, "dedicated_room_missing"): {"/premises/dedicated_room": False},
    (FOOD, "school_canteen_cold_food"): {"/business/format": "school_canteen"},
    (FOOD, "activities_do_not_fit"): {"/business/format": "food_sales"},
    (FOOD, "health_certificate_expired"): {
        "/safety_manager/health_certificate_until": day(-1)
    },
    (FOOD, "manager_not_examined"): {"/safety_manager/examined": False},
    (FOOD, "floor_plan_illegible"): {"@floor_plan": None},
}


def change(example, changes):
    for place, value in changes.items():
        if place.startswith("@"):
            target, key = example.materials, place[1:]
            new = value and {**target[key], "size_bytes": value}
        else:
            _, part, key = place.split("/")
            target, new = example.form[part], value
        if new is None:
            del target[key]
        else:
            target[key] = new
    return example


def run(item, example, today="2026-11-21"):
    return failed_checks(item, example.form, example.materials, today)


@pytest.mark.parametrize("name", FOLDERS)
def test_the_examples_pass_every_check(drafts, example, name):
    outcome = run(drafts[name].item, example(name))

    assert outcome == CheckOutcome()
    assert outcome.passed


@pytest.mark.parametrize(("name", "code"), DEFECTS)
def test_each_check_finds_its_defect(drafts, example, name, code):
    item = drafts[name].item
    defective = change(example(name), DEFECTS[name, code])

    outcome = run(item, defective)

    assert form_faults(item, defective.form) == ()
    assert [fault.code for fault in outcome.failed] == [code]
    assert outcome.broken == ()
    (check,) = [check for check in item.checks if check.code == code]
    (fault,) = outcome.failed
    assert fault.path == check.path
    assert fault.zh == check.message.zh + check.remedy.zh
    assert fault.en == f"{check.message.en} {check.remedy.en}"


def test_every_check_of_every_item_has_a_defect_above(drafts):
    named = {
        (name, check.code) for name in FOLDERS for check in drafts[name].item.checks
    }

    assert set(DEFECTS) == named


def test_one_notice_names_every_defect(drafts, example):
    defective = example(MARK)
    change(defective, DEFECTS[MARK, "insurance_expired"])
    change(defective, DEFECTS[MARK, "vehicle_tax_unpaid"])
    change(defective, DEFECTS[MARK, "too_many_seats"])

    outcome = run(drafts[MARK].item, defective)

    assert [fault.code for fault in outcome.failed] == [
        "too_many_seats",
        "insurance_expired",
        "vehicle_tax_unpaid",
    ]
    assert not outcome.passed


def test_six_years_end_with_the_anniversary(drafts, example):
    last_day = change(example(MARK), {"/vehicle/registered_on": "2020-11-22"})

    assert run(drafts[MARK].item, last_day).passed
    assert not run(drafts[MARK].item, last_day, day(1)).passed


def with_rules(item, *rules):
    words = Text(zh="示例。", en="Example.")
    made = tuple(
        Check(
            code=f"rule_{position}",
            rule=rule,
            path="/form/owner/name",
            message=words,
            remedy=words,
        )
        for position, rule in enumerate(rules)
    )
    return item.model_copy(update={"checks": made})


@pytest.mark.parametrize(
    "rule",
    [
        "form.owner.name ==",
        "form.owner.shoe_size == 3",
        "1 / 0 == 1",
        "nowhere == 1",
        "form.owner.name",
        "size(form)",
        "form.owner.name > 3",
        "form.owner.name.matches('(')",
        "add_months('tomorrow', 1) == today",
        "add_months(today, 999999999) == today",
        "9223372036854775807 + 1 > 0",
        "[1][5] == 1",
    ],
)
def test_a_rule_that_cannot_run_is_told_and_stops_no_other(drafts, example, rule):
    item = with_rules(drafts[MARK].item, "true", rule, "false")

    outcome = run(item, example(MARK))

    assert outcome.broken == ("rule_1",)
    assert [fault.code for fault in outcome.failed] == ["rule_2"]
    assert not outcome.passed


@pytest.mark.parametrize(
    ("rule", "applicant", "found"),
    [
        ("applicant.age >= 18", {"age": 18}, "passed"),
        ("applicant.age >= 18", {"age": 17}, "failed"),
        ("applicant.age >= 18", {}, "broken"),
        ("!has(applicant.age) || applicant.age >= 18", {}, "passed"),
        ('applicant.level in ["present", "strong"]', {"level": "matched"}, "failed"),
        ("!applicant.by_agent", {"by_agent": True}, "failed"),
    ],
)
def test_a_rule_sees_who_applies_and_is_broken_by_what_is_not_known(
    drafts, example, rule, applicant, found
):
    item, given = with_rules(drafts[MARK].item, rule), example(MARK)

    outcome = failed_checks(
        item, given.form, given.materials, day(0), applicant=applicant
    )

    assert {
        "passed": outcome.passed,
        "failed": bool(outcome.failed),
        "broken": bool(outcome.broken),
    }[found]
    assert outcome.passed is (found == "passed")


def test_a_broken_rule_writes_nothing_of_the_form(drafts, example, capfd, caplog):
    item = with_rules(drafts[MARK].item, "add_months(form.owner.name, 1) == today")

    outcome = run(item, example(MARK))

    assert outcome.broken == ("rule_0",)
    captured = capfd.readouterr()
    assert "add_months" in caplog.text  # the library does log the failure
    assert "张示例" not in captured.out + captured.err + caplog.text


IN_BOUNDS = [
    "form.l.all(x, form.l.exists(y, y == x))",
    "form.l.filter(x, x > 1).map(x, x + 1).all(x, x > 2)",
    "form.t == '.map(x, .map(y, .map(z, 1)))' || form.t == 'it\\'s.all(('",
    'form.t == """\'.all(""" // .all(.all(.all(',
    " && ".join(["form.l.all(x, x > 0)"] * 8),
    "true" + " " * 1996,
]
OUT_OF_BOUNDS = [
    "form.l.all(x, form.l.all(y, form.l.all(z, true)))",
    "form.l.all(x, [form.l.exists_one(y, {1: form.l.exists(z, true)}[1])][0])",
    "form.l.map(x, x + x).map(x, x + x).map(x, x + x).size() > 0",
    "form.l.map(x, x).filter(x, true).map(x, x) == []",
    " && ".join(["form.l.all(x, x > 0)"] * 9),
    "form.t.matches(r'\\d+')",
    "true" + " " * 1997,
]


@pytest.mark.parametrize("rule", IN_BOUNDS)
def test_a_rule_of_two_loops_at_most_may_be_run(rule):
    assert rule_bounds(rule) is None


@pytest.mark.parametrize("rule", OUT_OF_BOUNDS)
def test_a_rule_that_may_run_too_long_is_broken_before_it_runs(rule):
    assert rule_bounds(rule) is not None
    with pytest.raises(RuleBroken):
        condition_holds(rule, {"l": [], "t": ""})


def test_a_long_list_is_bounded_by_how_deep_a_rule_goes_through_it(monkeypatch):
    monkeypatch.setattr(checks, "CPU_SECONDS", 60)  # how fast this machine is
    one, two = "form.l.all(x, x > 0)", "form.l.all(x, form.l.exists(y, y == x))"
    for rule, most in ((one, 20_000), (two, 141)):
        assert condition_holds(rule, {"l": [1] * most})
        with pytest.raises(RuleBroken, match="list_too_long"):
            condition_holds(rule, {"l": [1], "other": {"deep": [[1] * (most + 1)]}})


class Meter:
    """Stands in for `time`: each rule takes as long as it says."""

    def __init__(self, seconds):
        self.seconds, self.now = seconds, 0.0

    def thread_time(self):
        self.now += self.seconds / 2
        return self.now


def test_a_rule_that_takes_too_long_is_broken_though_it_holds(
    drafts, example, monkeypatch
):
    item = with_rules(drafts[MARK].item, "true")

    monkeypatch.setattr(checks, "time", Meter(0.099))
    assert run(item, example(MARK)).passed

    monkeypatch.setattr(checks, "time", Meter(0.102))
    assert run(item, example(MARK)).broken == ("rule_0",)


def test_all_rules_together_have_their_time_too(drafts, example, monkeypatch):
    item = with_rules(drafts[MARK].item, *["true"] * 30)
    monkeypatch.setattr(checks, "time", Meter(0.09))

    broken = run(item, example(MARK)).broken

    assert broken == tuple(f"rule_{position}" for position in range(23, 30))


def test_a_ground_not_to_accept_is_told_apart(drafts, example):
    item = with_rules(drafts[MARK].item, "false", "false")
    ground = item.checks[1].model_copy(update={"on_failure": "not_acceptable"})
    item = item.model_copy(update={"checks": (item.checks[0], ground)})

    outcome = run(item, example(MARK))

    assert [fault.code for fault in outcome.failed] == ["rule_0", "rule_1"]
    assert outcome.not_acceptable == ("rule_1",)
    assert not outcome.passed


def test_what_speaks_of_a_material_to_follow_waits(drafts, example):
    item = with_rules(drafts[MARK].item, "false", "false")
    about = item.checks[0].model_copy(update={"path": "/materials/photograph"})
    item = item.model_copy(update={"checks": (about, item.checks[1])})
    given = example(MARK)

    outcome = failed_checks(
        item, given.form, given.materials, "2026-11-21", postponed=["photograph"]
    )

    assert [fault.code for fault in outcome.failed] == ["rule_1"]


def raising(error):
    """Stands in for the compiler: every program that it makes raises the error."""

    class Program:
        def execute(self, _context):
            raise error

    return lambda _rule: (Program(), 0)


def test_an_error_that_is_not_the_rules_own_is_not_hidden(drafts, example, monkeypatch):
    monkeypatch.setattr(checks, "_program", raising(KeyboardInterrupt()))

    with pytest.raises(KeyboardInterrupt):
        run(drafts[MARK].item, example(MARK))


def test_a_panic_of_the_library_is_a_broken_rule(drafts, example, monkeypatch):
    panic = type("PanicException", (BaseException,), {})

    monkeypatch.setattr(checks, "_program", raising(panic()))

    outcome = run(with_rules(drafts[MARK].item, "true"), example(MARK))

    assert outcome.broken == ("rule_0",)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2020-11-21", 72, "2026-11-21"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2026-03-31", -3, "2025-12-31"),
        ("2026-12-01", 1, "2027-01-01"),
    ],
)
def test_months_are_added_as_a_calendar_does(start, months, end):
    assert add_months(start, months) == end


def test_a_rule_is_compiled_once(drafts, example):
    item = with_rules(drafts[MARK].item, "today > '2000-01-01' && 'once' == 'once'")
    before = checks._program.cache_info().misses

    for _ in range(3):
        assert run(item, example(MARK)).passed

    assert checks._program.cache_info().misses == before + 1


def test_only_the_compiled_library_is_imported():
    script = (
        "import sys; from zerotrip.catalogue.checks import rule_problem;"
        "assert rule_problem('1 ==') and not rule_problem('1 == 1');"
        "heavy = {'cel', 'typer', 'rich', 'prompt_toolkit', 'jsonschema', 'boto3'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )

    assert finished.stdout.strip() == "[]"
