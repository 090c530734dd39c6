"""Every rule of the lint: an item that it lets be, and one that it stops."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.catalogue.world import CATALOGUE, FOLDERS, TODAY
from zerotrip.catalogue.lint import RULES, Finding, Surroundings, errors, lint
from zerotrip.catalogue.lint.fields import LAYOUT_NAMES
from zerotrip.catalogue.model import BaseItem, DataElement, Item, SharedMaterial
from zerotrip.catalogue.whole import read_whole
from zerotrip.licences.rendering import CertificateData

MARK, REPLACEMENT, FOOD = FOLDERS
Change = Callable[[dict[str, Any]], None]
LICENCE = "114400000000000194001"
BASIS = {"zh": "《示例法》", "en": "Example Law", "article": "第一条"}
NOTE = {"zh": "看得清。", "en": "Legible."}
AROUND = Surroundings(
    shared={
        "household": SharedMaterial.model_validate(
            {
                "code": "household",
                "name": {"zh": "户口簿", "en": "Household registration"},
                "aliases": ["户籍证明", "居民户口簿"],
                "provider": "population",
                "valid_days": 30,
            }
        )
    },
    elements={
        code: DataElement.model_validate(
            {"code": code, "name": {"zh": "甲", "en": "A"}, "form": form}
        )
        for code, form in {
            "person.name": {"type": "string", "minLength": 1, "maxLength": 60},
            "person.citizen_number": {"type": "string", "format": "citizen-number"},
            "person.identity_number": {"type": "string", "format": "identity-number"},
            "person.telephone": {"type": "string", "format": "telephone"},
            "address.province": {"type": "string", "maxLength": 20},
            "address.city": {"type": "string", "maxLength": 30},
            "address.county": {"type": "string", "maxLength": 30},
            "address.street": {"type": "string", "maxLength": 100},
        }.items()
    },
)


@pytest.fixture
def linted(mark) -> Callable[..., list[tuple[str, str]]]:
    """Lints the vehicle inspection mark, changed; pointer and code of each finding."""

    def run(
        change: Change = lambda _: None, around: Surroundings = AROUND
    ) -> list[tuple[str, str]]:
        document = copy.deepcopy(mark)
        change(document)
        item = Item.model_validate(document, context={"published": True})
        found = lint(item, around)
        assert all(each.zh and each.en for each in found)
        return [(each.path, each.code) for each in found]

    return run


def put(path: str, value: Any) -> Change:
    def change(document: Any) -> None:
        *parents, last = path.split("/")[1:]
        for token in parents:
            document = document[int(token) if isinstance(document, list) else token]
        if isinstance(document, list):
            document.append(value)
        else:
            document[last] = value

    return change


def both(*changes: Change) -> Change:
    def change(document: dict[str, Any]) -> None:
        for each in changes:
            each(document)

    return change


def material(**said: Any) -> Change:
    whole = {"code": "paper", "name": {"zh": "纸", "en": "Paper"}, "note": NOTE, **said}
    return put("/materials", [whole])


def step(code: str, owner: str | None, *after: str, **said: Any) -> dict[str, Any]:
    name = {"zh": code, "en": code}
    return {"code": code, "name": name, "owner": owner, "next": after, **said}


def steps(*each: dict[str, Any]) -> Change:
    return put("/route/steps", list(each))


def field(**said: Any) -> Change:
    whole = {"type": "string", "title": "甲", "x-en": "A", "maxLength": 9, **said}
    return put("/form/properties/extra", whole)


FEE = {"code": "cost", "name": {"zh": "工本费", "en": "Cost"}, "amount_fen": 100}
NOT_ONLINE = {"reason": {"zh": "须到场", "en": "In person"}, "legal_basis": BASIS}
VISIT = (step("apply", "applicant", "decide", visits=1), step("decide", "system"))

GOOD: dict[str, Change] = {
    "as it is": lambda _: None,
    "a paper of one's own": material(name={"zh": "租赁合同", "en": "Lease"}),
    "a register's paper that is not asked": material(
        name={"zh": "户口簿", "en": "Household registration"},
        source="shared",
        shared="household",
    ),
    "a licence of the catalogue": material(source="licence", licence_type=LICENCE),
    "a visit with a reason": both(
        steps(*VISIT), put("/visits", 1), put("/not_online", NOT_ONLINE)
    ),
    "a fee that cites its document": put(
        "/fee", {**FEE, "legal_basis": "发改价格〔2004〕2831号"}
    ),
    "steps that are somebody's": steps(
        step("apply", "applicant", "decide"), step("decide", "system")
    ),
    "a bound field": field(
        **{"x-element": "person.name", "minLength": 1, "maxLength": 60}
    ),
    "a condition that can be": material(when='form.vehicle.use == "operating"'),
    "a condition that is not decided": material(when="form.vehicle.seats > 99"),
    "a follow-up within the promise": material(may_follow_working_days=1),
    "a rule that decides on a certificate": put("/identity_level", "strong"),
    "a citizen's own number": both(
        put(
            "/form/properties/owner/properties/citizen_number/format", "citizen-number"
        ),
        put(
            "/form/properties/owner/properties/citizen_number/x-element",
            "person.citizen_number",
        ),
    ),
    "a rule about who applies": put(
        "/checks/0/rule",
        'applicant.level == "strong" && (!has(applicant.age) || applicant.age > 17)',
    ),
    "a check with its law": both(
        put("/checks/0/on_failure", "not_acceptable"),
        put("/checks/0/legal_basis", BASIS),
    ),
}
BAD: dict[str, tuple[Change, str, str]] = {
    "a licence of the catalogue is asked for": (
        material(name={"zh": "机动车检验合格标志（复印件）", "en": "Mark"}),
        "/materials/0",
        "material_already_held",
    ),
    "no online channel": (
        put("/channels", ["courier"]),
        "/channels",
        "not_online_without_reason",
    ),
    "a visit without a reason": (
        both(steps(*VISIT), put("/visits", 1)),
        "/visits",
        "not_online_without_reason",
    ),
    "listed, and yet online": (
        put("/not_online", NOT_ONLINE),
        "/not_online",
        "online_but_listed",
    ),
    "visits stated that the route does not compute": (
        put("/visits", 2),
        "/visits",
        "visits_differ",
    ),
    "visits that the route has and no one states": (
        both(steps(*VISIT), put("/not_online", NOT_ONLINE)),
        "/visits",
        "visits_differ",
    ),
    "more days than the law gives": (
        put("/promised_working_days", 2),
        "/promised_working_days",
        "promise_longer_than_law",
    ),
    "a paper that follows too late": (
        material(may_follow_working_days=2),
        "/materials/0/may_follow_working_days",
        "follows_after_promise",
    ),
    "a fee without a law": (
        put("/fee", {**FEE, "legal_basis": "按有关规定收取"}),
        "/fee/legal_basis",
        "fee_without_basis",
    ),
    "a courier's charge as a fee": (
        put(
            "/fee",
            {
                **FEE,
                "name": {"zh": "证件寄递费", "en": "Postage"},
                "legal_basis": "《示例办法》",
            },
        ),
        "/fee/name",
        "courier_charge_as_fee",
    ),
    "a fee as a courier's charge": (
        put("/courier_charge/name", {"zh": "证照工本费", "en": "Cost"}),
        "/courier_charge/name",
        "fee_as_courier_charge",
    ),
    "a step that is no one's": (
        steps(step("apply", None, "decide"), step("decide", "system")),
        "/route/steps/0",
        "route_step_without_owner",
    ),
    "a step that nothing leads to": (
        steps(
            step("apply", "applicant", "decide"),
            step("decide", "system"),
            step("survey", "officer", "decide"),
        ),
        "/route/steps/2",
        "route_step_unreached",
    ),
    "a step to nowhere": (
        steps(step("apply", "applicant", "decide", "ask"), step("decide", "system")),
        "/route/steps/0/next/1",
        "route_step_unknown",
    ),
    "a step that stands twice": (
        steps(
            step("apply", "applicant", "decide"),
            step("decide", "system"),
            step("decide", "system"),
        ),
        "/route/steps/2/code",
        "route_step_repeated",
    ),
    "nobody who decides": (
        steps(step("apply", "applicant")),
        "/route/steps",
        "route_without_decider",
    ),
    "a field that nothing uses": (
        field(),
        "/form/properties/extra",
        "form_field_unused",
    ),
    "an element that there is not": (
        field(**{"x-element": "person.colour"}),
        "/form/properties/extra/x-element",
        "element_unknown",
    ),
    "a field that is not as its element says": (
        field(**{"x-element": "person.name", "minLength": 2}),
        "/form/properties/extra",
        "element_differs",
    ),
    "a licence that names no field": (
        put("/licence/holder_path", "/owner/colour"),
        "/licence/holder_path",
        "licence_field_unknown",
    ),
    "a licence that prints what may be empty": (
        lambda document: document["form"]["properties"]["vehicle"]["required"].remove(
            "vin"
        ),
        "/licence/fields/3/path",
        "licence_field_optional",
    ),
    "a source without its code": (
        material(source="licence"),
        "/materials/0",
        "source_without_code",
    ),
    "a shared source without its code": (
        material(source="shared"),
        "/materials/0",
        "source_without_code",
    ),
    "a licence that no item issues": (
        material(source="licence", licence_type="114400000000000194999"),
        "/materials/0/licence_type",
        "source_unknown",
    ),
    "a shared material that there is not": (
        material(source="shared", shared="passport"),
        "/materials/0/shared",
        "source_unknown",
    ),
    "a code of another source": (
        material(shared="household"),
        "/materials/0/shared",
        "source_idle",
    ),
    "a condition that does not parse": (
        material(when="form.vehicle.use =="),
        "/materials/0/when",
        "condition_unreadable",
    ),
    "a condition that is never true": (
        material(when='form.vehicle.use == "flying"'),
        "/materials/0/when",
        "condition_never_true",
    ),
    "a refusal without its law": (
        put("/checks/0/on_failure", "not_acceptable"),
        "/checks/0",
        "not_acceptable_without_basis",
    ),
    "a rule that decides without proof of presence": (
        put("/identity_level", "matched"),
        "/identity_level",
        "identity_level_too_low_for_rule",
    ),
    "a register that is asked without proof of presence": (
        both(
            put("/identity_level", "matched"),
            put("/route/decided_by", "officer"),
            material(source="shared", shared="household"),
        ),
        "/materials/0/source",
        "identity_level_too_low_for_sources",
    ),
    "an officer who decides without proof of presence": (
        both(put("/identity_level", "declared"), put("/route/decided_by", "officer")),
        "/identity_level",
        "licence_waits_for_presence",
    ),
    "an applicant's name that is no person's": (
        lambda document: document["form"]["properties"]["owner"]["properties"][
            "name"
        ].pop("x-element"),
        "/applicant/name_path",
        "applicant_field_unbound",
    ),
    "an applicant's telephone that is another thing": (
        put("/applicant/telephone_path", "/vehicle/plate_number"),
        "/applicant/telephone_path",
        "applicant_field_unbound",
    ),
    "a person with a legal representative": (
        put("/applicant/representative_path", "/owner/name"),
        "/applicant/representative_path",
        "representative_of_person",
    ),
    "a rule about what no rule knows of an applicant": (
        put("/checks/0/rule", 'applicant.name != ""'),
        "/checks/0/rule",
        "applicant_fact_unknown",
    ),
    "a condition about who applies": (
        material(when="applicant.age < 18"),
        "/materials/0/when",
        "applicant_fact_unknown",
    ),
    "a guide without conditions": (
        put("/conditions", []),
        "",
        "guide_lacks_conditions",
    ),
    "a guide without an enquiry telephone": (
        put("/organisation/enquiry_telephone", None),
        "/organisation",
        "guide_lacks_enquiry_telephone",
    ),
    "a file without a note": (material(note=None), "/materials/0", "guide_lacks_notes"),
    "no word on where a decision is contested": (
        put("/remedies", None),
        "",
        "remedies_missing",
    ),
    "no online channel for reconsideration": (
        put("/remedies/reconsideration_url", None),
        "/remedies/reconsideration_url",
        "remedies_without_online_channel",
    ),
    "a legacy code": (put("/flagged_codes", ["/code"]), "/code", "code_flagged"),
}


@pytest.mark.parametrize("change", GOOD.values(), ids=GOOD)
def test_lets_a_good_item_be(linted, change):
    assert linted(change) == []


@pytest.mark.parametrize(("change", "path", "code"), BAD.values(), ids=BAD)
def test_tells_exactly_what_is_wrong(linted, change, path, code):
    assert linted(change) == [(path, code)]


def test_address_and_hours_are_told_when_one_must_come(linted):
    change = both(
        steps(*VISIT),
        put("/visits", 1),
        put("/not_online", NOT_ONLINE),
        put("/organisation/address", None),
        put("/organisation/hours", None),
    )

    assert linted(change) == [
        ("/organisation", "guide_lacks_address"),
        ("/organisation", "guide_lacks_hours"),
    ]


def base(mark: dict[str, Any], **other: Any) -> BaseItem:
    return BaseItem.model_validate(
        {
            "code": mark["base_code"],
            "name": mark["name"],
            "type": "01",
            "legal_basis": mark["legal_basis"],
            "levels": ["4"],
            **other,
        }
    )


OTHER_NAME = {"zh": "别的名称", "en": "Another name"}
FOUR = {
    "base_name_differs": ({"name": OTHER_NAME}, "/name"),
    "base_type_differs": ({"type": "20"}, "/base_code"),
    "base_legal_basis_differs": ({"legal_basis": [BASIS]}, "/legal_basis"),
    "base_level_differs": ({"levels": ["1", "2"]}, "/code"),
}


@pytest.mark.parametrize(("code", "other"), FOUR.items())
def test_an_item_and_its_base_entry_say_the_same(linted, mark, code, other):
    said, path = other
    right = Surroundings(**{**_parts(AROUND), "bases": {mark["base_code"]: base(mark)}})
    wrong = Surroundings(
        **{**_parts(AROUND), "bases": {mark["base_code"]: base(mark, **said)}}
    )

    assert linted(around=right) == []
    assert linted(around=wrong) == [(path, code)]


def _parts(around: Surroundings) -> dict[str, Any]:
    names = ("bases", "items", "elements", "shared", "earlier", "layouts", "licences")
    return {name: getattr(around, name) for name in names}


def elsewhere(mark: dict[str, Any], **other: Any) -> Item:
    """The same item of another body, which an earlier software may have published."""
    code = other.pop("code", "11441881000000010A4440109801000")
    return Item.model_validate(
        {**mark, **other, "code": code}, context={"published": True}
    )


@pytest.mark.parametrize(
    ("other", "found"),
    [
        ({}, []),
        ({"name": OTHER_NAME}, [("/name", "base_name_differs")]),
        ({"legal_basis": [BASIS]}, [("/legal_basis", "base_legal_basis_differs")]),
        (
            {"code": "11441881000000010A3440109801000"},
            [("/code", "base_level_differs")],
        ),
        # Another item may say what it likes.
        ({"base_code": "440109802000", "name": OTHER_NAME}, []),
    ],
)
def test_places_with_the_same_base_code_say_the_same(linted, mark, other, found):
    around = Surroundings(
        **{**_parts(AROUND), "items": (elsewhere(mark, **other),)},
    )

    assert linted(around=around) == found


@pytest.mark.parametrize(
    ("days", "revision", "found"),
    [
        (0, 1, [("/promised_working_days", "promise_longer_than_before")]),
        (1, 1, []),
        # What was published later, or is this very revision, is no earlier promise.
        (0, 3, []),
    ],
)
def test_a_promise_is_not_longer_than_the_last_published_one(
    linted, mark, days, revision, found
):
    last = elsewhere(
        mark, code=mark["code"], promised_working_days=days, revision=revision
    )
    around = Surroundings(**{**_parts(AROUND), "earlier": (last,)})

    assert linted(put("/revision", 2), around) == found


@pytest.mark.parametrize(
    "name",
    [
        "户口簿",
        "申请人户口簿复印件",
        "户口簿（原件及复印件）",
        "居民户口簿 原件",
        "租赁合同、户口簿复印件",
        "户 口 簿",
        "法定代表人的户籍证明[一份]",
    ],
)
def test_what_a_provider_has_is_asked_under_no_name(linted, name):
    asked = material(name={"zh": name, "en": "Household registration"})

    assert linted(asked) == [("/materials/0", "material_already_held")]


@pytest.mark.parametrize("name", ["户口簿迁移申请书", "租赁合同", "申请人", "本人照片"])
def test_what_only_sounds_like_it_may_be_asked(linted, name):
    assert linted(material(name={"zh": name, "en": "Something else"})) == []


def test_a_licence_beside_the_items_counts_as_held(linted, mark):
    title = Item.model_validate(mark).licence.title.model_copy(
        update={"zh": "道路运输证"}
    )
    around = Surroundings(
        **{**_parts(AROUND), "licences": {"114400000000000194777": title}}
    )
    asked = material(name={"zh": "道路运输证复印件", "en": "Permit"})

    assert linted(asked) == []
    assert linted(asked, around) == [("/materials/0", "material_already_held")]
    bound = material(source="licence", licence_type="114400000000000194777")
    assert linted(bound, around) == []


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("form.declarations.tax_paid && !form.declarations.tax_paid", True),
        ("form.declarations.tax_paid && !form.declarations.not_modified", False),
        ('form.vehicle.use in ["a", "b"]', True),
        ('form.vehicle.use in ["a", "operating"]', False),
        # A field that is always there is never left out.
        ("!has(form.vehicle.use)", True),
        ("false", True),
        # Not decided: a number, another name, a list.
        ("form.vehicle.seats < 0", False),
        ('today > "9999-99-99"', False),
        ("[1, 2].exists(x, x > 2)", False),
    ],
)
def test_conditions_are_decided_over_options_only(linted, condition, found):
    expected = [("/materials/0/when", "condition_never_true")] if found else []

    assert linted(material(when=condition)) == expected


def test_a_condition_over_too_many_forms_is_let_be(linted):
    names = [f"f{number}" for number in range(13)]

    def change(document: dict[str, Any]) -> None:
        for name in names:
            put(
                f"/form/properties/{name}",
                {"type": "boolean", "title": "甲", "x-en": "A"},
            )(document)
        document["form"]["required"] += names
        when = " && ".join(f"form.{name}" for name in names) + " && false"
        material(when=when)(document)

    assert linted(change) == []


def test_a_field_is_used_by_a_rule_a_condition_or_the_licence(linted):
    for use in (
        put("/checks/0/rule", 'has(form.extra) && form["extra"] != ""'),
        material(when='form.extra == "x"'),
        put("/licence/fields/9", {"label": NOTE, "path": "/extra"}),
        put("/sections/9", {"title": NOTE, "fields": ["/extra"]}),
    ):
        codes = [code for _, code in linted(both(field(), use))]
        assert "form_field_unused" not in codes


def test_a_field_that_says_who_applies_is_used(linted):
    change = both(field(), put("/applicant/telephone_path", "/extra"))

    assert linted(change) == [("/applicant/telephone_path", "applicant_field_unbound")]


def test_a_name_in_a_text_is_no_use_of_a_field(linted):
    rule = '"form.extra" != "" // form.extra'

    assert linted(both(field(), put("/checks/0/rule", rule))) == [
        ("/form/properties/extra", "form_field_unused")
    ]


def test_a_layout_names_what_a_licence_is_given(linted):
    text = '#let d = 1\n#d.title #d.at("notes", default: ()) #d.fields.map(x => x)'
    right = Surroundings(**{**_parts(AROUND), "layouts": {"certificate": text}})
    wrong = Surroundings(
        **{
            **_parts(AROUND),
            "layouts": {"certificate": text + '#d.photo #d.at("hobby", default: 1)'},
        }
    )

    assert linted(around=right) == []
    assert linted(around=wrong) == [
        ("/licence/layout", "layout_name_unknown"),
        ("/licence/layout", "layout_name_unknown"),
    ]


def test_the_names_for_layouts_are_what_the_renderer_gives():
    given = {*CertificateData.__annotations__, "qr_svg"}

    assert given == LAYOUT_NAMES


def test_the_real_catalogue_has_no_finding():
    whole = read_whole(CATALOGUE, TODAY)

    assert whole.faults == ()
    assert set(FOLDERS) <= set(whole.drafts)
    found = {
        name: lint(draft.item, whole.surroundings)
        for name, draft in whole.drafts.items()
    }
    assert {name: each for name, each in found.items() if each} == {}


def test_a_licence_that_waits_for_presence_blocks_no_item(mark):
    mark["identity_level"] = "matched"
    mark["route"]["decided_by"] = "officer"

    found = lint(Item.model_validate(mark), AROUND)

    assert [each.code for each in found] == ["licence_waits_for_presence"]
    assert errors(found) == ()


@pytest.mark.parametrize(
    ("path", "element"),
    [
        ("name_path", "company.name"),
        ("number_path", "company.uscc"),
        ("telephone_path", "company.telephone"),
        ("representative_path", "company.legal_representative"),
    ],
)
def test_a_company_is_named_by_fields_that_are_bound_to_its_elements(
    authored, path, element
):
    food = copy.deepcopy(authored["food-business-licence"])
    place = food["applicant"][path].rpartition("/")[2]
    field = food["form"]["properties"]["company"]["properties"][place]
    assert field.pop("x-element") == element

    found = lint(Item.model_validate(food), read_whole(CATALOGUE, TODAY).surroundings)

    assert [(each.path, each.code) for each in found] == [
        (f"/applicant/{path}", "applicant_field_unbound")
    ]
    assert element in found[0].zh


def test_errors_are_what_blocks():
    said = ("/a", "x", "甲", "A")
    error, warning = Finding(*said), Finding(*said, "warning")

    assert errors((warning, error, warning)) == (error,)


def test_every_rule_is_met_by_a_bad_item(linted, mark):
    """A rule that no test here makes speak is no rule that was seen to work."""
    spoken = {code for _, _, code in BAD.values()} | set(FOUR)
    spoken |= {"promise_longer_than_before", "layout_name_unknown"}
    for rule in RULES:
        name = rule.__name__
        aliases = {
            "name_differs": "base_name_differs",
            "type_differs": "base_type_differs",
            "legal_basis_differs": "base_legal_basis_differs",
            "level_differs": "base_level_differs",
            "guide_incomplete": "guide_lacks_conditions",
        }
        assert aliases.get(name, name) in spoken, name
