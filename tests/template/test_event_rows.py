"""What is recorded stays: no role may change or remove a stored event.

IAM fences rows by their partition key only, so a writer of a kind may put any row of
it; that an event is never overwritten is the write's own condition
(`attribute_not_exists`), and what gets past that is found by the hash chain and the
archive.
"""

from __future__ import annotations

import re

import pytest

from tests.template.application import Function, functions, mention
from tests.template.test_fences import table_statements

each_function = pytest.mark.parametrize("function", functions(), ids=lambda f: f.name)
KNOWN = {
    "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query",
    "dynamodb:PutItem", "dynamodb:ConditionCheckItem",
    "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}  # fmt: skip
"""No `UpdateItem`, `DeleteItem` or `BatchWriteItem`: nothing here needs one of them."""


@each_function
def test_rows_are_read_and_put_and_neither_changed_in_place_nor_removed(
    function: Function,
):
    for statement in table_statements(function):
        assert set(statement.actions) <= KNOWN, statement


@each_function
def test_no_action_and_no_resource_is_a_wildcard(function: Function):
    for statement in function.permissions():
        assert not any("*" in action for action in statement.actions), statement
        for resource in statement.resources:
            # `…/*` names the objects of one bucket; anything else would be too much.
            named = re.sub(r"\$\{[^}]+\}", "x", mention(resource))
            assert named.removesuffix("/*").count("*") == 0, named
            assert named not in ("", "*")
