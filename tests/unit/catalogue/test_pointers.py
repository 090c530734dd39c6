"""JSON pointers into forms, and into the schemas that describe them."""

from __future__ import annotations

import pytest

from zerotrip.catalogue.pointers import join, pointer, schema_at, steps

SCHEMA = {
    "$defs": {
        "place": {
            "title": "地点",
            "required": ["city"],
            "properties": {"city": {"title": "市"}},
        }
    },
    "properties": {
        "home": {"$ref": "#/$defs/place", "title": "住址", "required": ["a"]},
        "list": {"items": {"properties": {"n": {"type": "integer"}}}},
        "pair": {"prefixItems": [{"title": "first"}], "items": {"title": "rest"}},
        "kind": {"enum": ["a", "b"]},
        "loop": {"$ref": "#/properties/loop"},
    },
    "if": {"properties": {"kind": {"const": "a"}}},
    "then": {"properties": {"only_a": {"title": "A"}}},
    "allOf": [{"properties": {"also": {"title": "B"}}}],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", {"a": {"b": [10, 20]}, "c/d": 1, "e~f": None}),
        ("/a/b/1", 20),
        ("/a/b/2", None),
        ("/a/b/x", None),
        ("/a/b/1/c", None),
        ("/c~1d", 1),
        ("/e~0f", None),
        ("/nothing/here", None),
    ],
)
def test_reads_a_value_or_nothing(path, value):
    document = {"a": {"b": [10, 20]}, "c/d": 1, "e~f": None}

    assert pointer(document, path) == value


def test_a_pointer_begins_with_a_slash():
    with pytest.raises(ValueError, match="not a JSON pointer"):
        steps("a/b")


def test_join_undoes_steps():
    assert steps(join(["a/b", "c~d", 0])) == ("a/b", "c~d", "0")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/home/city", {"title": "市"}),
        ("/list/7/n", {"type": "integer"}),
        ("/pair/0", {"title": "first"}),
        ("/pair/3", {"title": "rest"}),
        ("/only_a", {"title": "A"}),
        ("/also", {"title": "B"}),
        ("/home/street", None),
        ("/kind/deeper", None),
        ("/loop/deeper", None),
    ],
)
def test_finds_the_schema_of_a_pointer(path, found):
    assert schema_at(SCHEMA, path) == found


def test_what_stands_at_a_reference_goes_before_its_target():
    found = schema_at(SCHEMA, "/home")

    assert found["title"] == "住址"
    assert found["required"] == ["a", "city"]
    assert "city" in found["properties"]
