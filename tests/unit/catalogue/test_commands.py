"""The catalogue's command line, and the committed schema of an item file."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from tests.unit.catalogue.world import CATALOGUE, FOLDERS
from zerotrip.catalogue import commands
from zerotrip.kernel.errors import Invalid

COMMITTED = CATALOGUE.parent / "events" / "catalogue" / "item.schema.json"


def test_check_says_ok_for_each_item():
    said: list[str] = []

    assert commands.main(["check", "--catalogue", str(CATALOGUE)], said.append) == 0

    assert [line.split(":")[0] for line in said] == sorted(FOLDERS)
    assert all("正确 OK" in line for line in said)


def test_check_says_what_is_wrong_in_both_languages(tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "item.yaml").write_text("code: x\n")
    said: list[str] = []

    assert commands.main(["check", str(folder)], said.append) == 1

    text = "\n".join(said)
    assert "bad/item.yaml:1 /code: string_pattern_mismatch" in text
    assert "缺少必填内容。" in text
    assert "This is missing." in text


def test_an_empty_catalogue_is_an_error(tmp_path):
    said: list[str] = []

    assert commands.main(["check", "--catalogue", str(tmp_path)], said.append) == 1
    assert said == ["没有找到事项文件夹。 No item folder was found."]


def test_a_folder_is_published(shop):
    pinned = commands.publish_folder(
        CATALOGUE / FOLDERS[2], shop.catalogue, "441882", "officer:example"
    )

    assert shop.catalogue.listed("441882")[0].digest == pinned.digest


def test_a_wrong_folder_is_not_published(shop, tmp_path):
    (tmp_path / "item.yaml").write_text("code: x\n")

    with pytest.raises(Invalid):
        commands.publish_folder(tmp_path, shop.catalogue, "441882", "officer:example")

    assert shop.tables.rows == {}
    assert shop.objects.versions == {}


def test_publish_says_what_was_published_and_what_was_refused(shop, monkeypatch):
    monkeypatch.setattr(commands, "_catalogue", lambda _wanted: shop.catalogue)
    arguments = ["publish", str(CATALOGUE / FOLDERS[0]), "--tenant", "441882"]
    arguments += ["--actor", "officer:example", "--table", "catalogue"]
    arguments += ["--bucket", "catalogue", "--region", "cn-north-1"]
    said: list[str] = []

    assert commands.main(arguments, said.append) == 0
    assert "已发布 published 11441882000000019J4440109801000" in said[-1]

    arguments[3] = "441881"
    assert commands.main(arguments, said.append) == 1
    assert "issuer_of_another_tenant" in said[-1]


def test_the_committed_schema_is_current():
    committed = json.loads(COMMITTED.read_text())

    assert committed == commands.item_schema(), (
        "run: python -m zerotrip.catalogue.commands schema "
        "> events/catalogue/item.schema.json"
    )


def test_the_schema_command_prints_it():
    said: list[str] = []

    assert commands.main(["schema"], said.append) == 0
    assert json.loads(said[0]) == commands.item_schema()


@pytest.mark.parametrize("name", FOLDERS)
def test_the_items_are_valid_under_the_committed_schema(authored, name):
    validator = Draft202012Validator(json.loads(COMMITTED.read_text()))

    assert list(validator.iter_errors(authored[name])) == []
