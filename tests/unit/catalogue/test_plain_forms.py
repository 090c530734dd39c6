"""A form that is taken without jsonschema is one that jsonschema takes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from zerotrip.catalogue import forms
from zerotrip.catalogue.forms import FORMATS
from zerotrip.catalogue.plain_forms import plainly_valid

ITEMS = [
    "vehicle-inspection-mark",
    "vehicle-licence-replacement",
    "food-business-licence",
]
VALUES: list[Any] = [
    None, True, False, -1, 0, 1, 2, 0.5, 1.0, 3.0,
    "", "a", "ab", "abc", "1", "2026-01-31", "2026-02-30", "13800000000", "12800000000",
    [], ["a"], ["a", "a"], ["a", "b", "c"], [1, True], [1],
    {}, {"a": "a"}, {"a": 1, "b": "a"}, {"c": 1},
]  # fmt: skip
LEAF = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(
            ["string", "integer", "number", "boolean", "array", "object", "null"]
        ),
        "title": st.just("示例"),
        "x-en": st.just("Example"),
        "minLength": st.integers(0, 3),
        "maxLength": st.integers(0, 3),
        "pattern": st.sampled_from(["^a", "b$", "^[0-9]+$"]),
        "enum": st.lists(st.sampled_from(["a", "ab", 1, True, 1.0]), min_size=1),
        "const": st.sampled_from(["a", 1, True]),
        "format": st.sampled_from(["date", "telephone", "unheard-of"]),
        "minimum": st.integers(-1, 2),
        "maximum": st.integers(-1, 2),
        "exclusiveMaximum": st.integers(0, 2),
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 2),
        "uniqueItems": st.booleans(),
        "required": st.lists(st.sampled_from(["a", "b"]), max_size=2),
        "additionalProperties": st.booleans(),
        "patternProperties": st.just({"^c": {"type": "integer"}}),
        "anyOf": st.just([{"type": "string"}]),
    },
)
SCHEMAS = st.recursive(
    LEAF,
    lambda inner: st.builds(
        lambda leaf, more: {**leaf, **more},
        LEAF,
        st.fixed_dictionaries(
            {},
            optional={
                "items": inner,
                "properties": st.dictionaries(
                    st.sampled_from(["a", "b"]), inner, max_size=2
                ),
                "if": inner,
                "then": inner,
                "else": inner,
            },
        ),
    ),
    max_leaves=4,
)
ONE_KEYWORD: list[dict[str, Any]] = [
    *({"type": name} for name in (
        "string", "integer", "number", "boolean", "array", "object", "null",
    )),
    *({name: n} for n in (0, 1, 2) for name in (
        "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems",
        "exclusiveMinimum", "const",
    )),
    {"pattern": "^a"}, {"pattern": "b$"}, {"pattern": "b"}, {"pattern": "^[0-9]+$"},
    {"enum": ["a", "ab"]}, {"enum": [1]}, {"enum": [True, 0]}, {"const": "a"},
    {"format": "date"}, {"format": "telephone"}, {"format": "unheard-of"},
    {"uniqueItems": True}, {"uniqueItems": False}, {"items": {"type": "string"}},
    {"required": ["a"]}, {"properties": {"a": {"type": "string"}}},
    {"additionalProperties": False},
    {"additionalProperties": False, "properties": {"a": {}}},
    {"additionalProperties": False, "patternProperties": {"^c": {}}},
    {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"minimum": 1}},
    {"if": {"required": ["b"]}, "then": {"required": ["c"]}},
    {"title": "示例", "x-en": "Example", "description": "说明"},
]  # fmt: skip


def _by_jsonschema(schema: dict[str, Any], form: object) -> bool:
    checker = FormatChecker(formats=())
    for name, holds in FORMATS.items():
        checker.checks(name)(forms._for_strings(holds))
    return Draft202012Validator(schema, format_checker=checker).is_valid(form)


def test_each_keyword_takes_only_what_jsonschema_takes():
    taken = [
        (schema, form)
        for schema in ONE_KEYWORD
        for form in VALUES
        if plainly_valid(schema, form, FORMATS)
    ]
    assert [each for each in taken if not _by_jsonschema(*each)] == []
    assert len(taken) > 150  # it would be of no use if it took nothing


@settings(max_examples=150, deadline=None)
@given(SCHEMAS, st.sampled_from(VALUES))
def test_keywords_together_take_only_what_jsonschema_takes(schema, form):
    if plainly_valid(schema, form, FORMATS):
        assert _by_jsonschema(schema, form)


@pytest.mark.parametrize("name", ITEMS)
def test_every_keyword_of_our_items_is_known(drafts, example, name):
    assert plainly_valid(drafts[name].item.form, example(name).form, FORMATS)


@pytest.mark.parametrize("name", ITEMS)
def test_a_form_with_one_thing_wrong_is_not_taken(drafts, example, name):
    item, form = drafts[name].item, example(name).form
    for part, fields in form.items():
        for field in fields:
            wrong = copy.deepcopy(form)
            wrong[part][field] = {"surplus": None}
            assert not plainly_valid(item.form, wrong, FORMATS)
            assert forms.form_faults(item, wrong)


@pytest.mark.parametrize(
    ("schema", "form"),
    [
        ({"$ref": "#/$defs/a"}, "a"),
        ({"anyOf": [{"type": "string"}]}, "a"),
        ({"type": ["string", "null"]}, "a"),
        ({"enum": [1]}, True),
        ({"additionalProperties": {}}, {}),
        ({"format": "unheard-of"}, "a"),
        ({"minLength": 1}, True),
        ({"properties": {"a": True}}, {"a": 1}),
    ],
)
def test_what_is_not_known_here_is_left_to_jsonschema(schema, form):
    assert not plainly_valid(schema, form, FORMATS)
