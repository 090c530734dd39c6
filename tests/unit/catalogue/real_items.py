"""Five real items, and for each of their checks an example that it alone refuses."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from tests.unit.catalogue.world import CATALOGUE, TODAY
from zerotrip.catalogue.authoring import Example, load_example
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pointers import steps
from zerotrip.catalogue.whole import Whole, read_whole

FREIGHT = "road-freight-licence"
HYGIENE = "public-place-hygiene-licence"
DRAINAGE = "sewage-drainage-permit"
TRAVEL = "travel-permit-renewal"
PROOF = "social-insurance-proof"
REAL_ITEMS = (FREIGHT, HYGIENE, DRAINAGE, TRAVEL, PROOF)
GONE = object()
"""A change to this takes the value away."""


@dataclass(frozen=True, slots=True)
class Spoilt:
    """What is changed in an item's example, so that one check alone refuses it."""

    item: str
    check: str
    changes: dict[str, Any]


def day(days: int) -> str:
    """The legal day so many days after the tests' today."""
    return (TODAY + timedelta(days=days)).isoformat()


@cache
def catalogue() -> Whole:
    """The whole catalogue as authored, read once."""
    return read_whole(CATALOGUE, TODAY)


def item_of(folder: str) -> Item:
    """The item of a folder, as authored."""
    return catalogue().drafts[folder].item


def changed(folder: str, changes: dict[str, Any]) -> Example:
    """The folder's example with changes: pointers from `/form` or `/materials`."""
    found = load_example(CATALOGUE / folder, TODAY)
    example: dict[str, Any] = copy.deepcopy(
        {"form": found.form, "materials": found.materials}
    )
    for path, value in changes.items():
        *parents, last = steps(path)
        inside = example
        for token in parents:
            inside = inside[token]
        if value is GONE:
            del inside[last]
        else:
            inside[last] = value
    return Example(example["form"], example["materials"])


PLANNED = {
    "/form/fleet/acquisition": "planned",
    "/form/fleet/tested_until": GONE,
    "/form/fleet/in_service_by": day(60),
}

SPOILT = (
    Spoilt(
        FREIGHT,
        "licence_not_required",
        {
            "/form/business/kinds": ["general"],
            "/form/fleet/heaviest_kilograms": 4500,
        },
    ),
    Spoilt(
        FREIGHT,
        "dangerous_goods_elsewhere",
        {"/form/business/kinds": ["general", "dangerous"]},
    ),
    Spoilt(FREIGHT, "equipment_missing", {"/form/fleet/equipment": ["tank"]}),
    Spoilt(FREIGHT, "vehicle_test_expired", {"/form/fleet/tested_until": day(-1)}),
    Spoilt(
        FREIGHT,
        "commitment_out_of_time",
        {**PLANNED, "/form/fleet/in_service_by": day(200)},
    ),
    Spoilt(
        FREIGHT,
        "driver_over_60",
        {"/form/drivers/oldest_born_on": "1966-11-20"},
    ),
    Spoilt(FREIGHT, "drivers_not_qualified", {"/form/drivers/all_qualified": False}),
    Spoilt(
        FREIGHT,
        "safety_rules_incomplete",
        {"/form/safety/rules": ["responsibility", "operation", "inspection"]},
    ),
    Spoilt(
        FREIGHT, "safety_rules_illegible", {"/materials/safety_rules/size_bytes": 511}
    ),
    Spoilt(FREIGHT, "truth_not_declared", {"/form/declarations/truthful": False}),
    Spoilt(HYGIENE, "catering_place", {"/form/place/category": "catering"}),
    Spoilt(HYGIENE, "place_exempt", {"/form/place/category": "park_or_transport"}),
    Spoilt(HYGIENE, "staff_without_certificate", {"/form/hygiene/certified_staff": 23}),
    Spoilt(
        HYGIENE, "utensils_not_cleaned", {"/form/hygiene/utensils": "none_provided"}
    ),
    Spoilt(HYGIENE, "report_in_future", {"/form/tests/reported_on": day(1)}),
    Spoilt(HYGIENE, "report_too_old", {"/form/tests/reported_on": "2025-11-20"}),
    Spoilt(HYGIENE, "report_not_passed", {"/form/tests/passed": False}),
    Spoilt(HYGIENE, "air_report_undated", {"/form/tests/air_reported_on": GONE}),
    Spoilt(
        HYGIENE, "air_report_too_old", {"/form/tests/air_reported_on": "2024-11-20"}
    ),
    Spoilt(HYGIENE, "plans_illegible", {"/materials/plans/size_bytes": 511}),
    Spoilt(HYGIENE, "truth_not_declared", {"/form/declarations/truthful": False}),
    Spoilt(
        DRAINAGE,
        "permit_not_required",
        {"/form/discharge/activity": "residents"},
    ),
    Spoilt(DRAINAGE, "sewage_into_storm_drain", {"/form/discharge/sewer": "rain"}),
    Spoilt(
        DRAINAGE,
        "inspection_well_missing",
        {"/form/discharge/inspection_well": False},
    ),
    Spoilt(
        DRAINAGE, "pretreatment_missing", {"/form/discharge/pretreatment": "settling"}
    ),
    Spoilt(DRAINAGE, "monitoring_missing", {"/form/discharge/key_discharger": True}),
    Spoilt(DRAINAGE, "ph_out_of_range", {"/form/quality/ph": 9.6}),
    Spoilt(DRAINAGE, "cod_too_high", {"/form/quality/cod": 300.5}),
    Spoilt(DRAINAGE, "ammonia_too_high", {"/form/quality/ammonia": 45.1}),
    Spoilt(
        DRAINAGE, "suspended_solids_too_high", {"/form/quality/suspended_solids": 401}
    ),
    Spoilt(DRAINAGE, "phosphorus_too_high", {"/form/quality/phosphorus": 8.01}),
    Spoilt(DRAINAGE, "oil_too_high", {"/form/quality/oil": 101}),
    Spoilt(DRAINAGE, "truth_not_declared", {"/form/declarations/truthful": False}),
    Spoilt(TRAVEL, "exit_forbidden", {"/form/declarations/no_exit_ban": False}),
    Spoilt(TRAVEL, "under_sixteen", {"/form/declarations/aged_sixteen": False}),
    Spoilt(TRAVEL, "not_yet_due", {"/form/permit/valid_until": "2027-11-22"}),
    Spoilt(TRAVEL, "change_not_due", {"/form/permit/changed": ["name"]}),
    Spoilt(TRAVEL, "addressee_abroad", {"/form/addressee/province": "澳门特别行政区"}),
    Spoilt(TRAVEL, "photograph_too_small", {"/materials/photograph/size_bytes": 10239}),
    Spoilt(TRAVEL, "truth_not_declared", {"/form/declarations/truthful": False}),
    Spoilt(PROOF, "trade_or_profit", {"/form/declarations/not_commercial": False}),
    Spoilt(PROOF, "consent_missing", {"/form/declarations/consent": False}),
    Spoilt(
        PROOF,
        "period_ends_before_it_begins",
        {"/form/request/from": day(-1), "/form/request/until": day(-2)},
    ),
    Spoilt(PROOF, "period_in_future", {"/form/request/until": day(1)}),
    Spoilt(
        PROOF,
        "period_too_long",
        {"/form/request/from": "2016-11-19", "/form/request/until": "2026-11-20"},
    ),
    Spoilt(
        PROOF,
        "kinds_do_not_fit",
        {"/form/request/insurances": ["pension", "resident_pension"]},
    ),
    Spoilt(
        PROOF, "record_not_from_the_fund", {"/materials/social_insurance_record": GONE}
    ),
)

FILES_ASKED = (
    (
        FREIGHT,
        {},
        "vehicle_tests driver_qualifications safety_rules",
    ),
    (
        FREIGHT,
        PLANNED,
        "driver_qualifications safety_rules",
    ),
    (HYGIENE, {}, "plans test_report air_report hygiene_rules"),
    (
        HYGIENE,
        {
            "/form/place/central_air_conditioning": False,
            "/form/tests/air_reported_on": GONE,
            "/form/place/water": "own",
        },
        "plans test_report water_report hygiene_rules",
    ),
    (DRAINAGE, {}, "drawings pretreatment_papers works_report quality_report"),
    (
        DRAINAGE,
        {
            "/form/discharge/activity": "other_business",
            "/form/discharge/pretreatment": "none",
            "/form/discharge/key_discharger": True,
            "/form/discharge/monitored": True,
            "/form/quality/basis": "commitment",
            "/form/works/basis": "commitment",
        },
        "drawings monitoring_papers",
    ),
    (TRAVEL, {}, "photograph"),
    (
        TRAVEL,
        {
            "/form/applicant/state_employee": True,
            "/form/permit/reason": "details_changed",
            "/form/permit/changed": ["name"],
        },
        "photograph employer_consent change_papers",
    ),
    (PROOF, {}, ""),
)
"""Folder, changes of its example, and the files that are then asked for."""
