"""The catalogue's command line, and the committed schema of an item file."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.unit.catalogue.world import CATALOGUE, FOLDERS
from zerotrip.catalogue import commands
from zerotrip.catalogue.editor_schemas import editor_schemas
from zerotrip.catalogue.yaml_files import read_yaml
from zerotrip.kernel.errors import Invalid

SCHEMAS = CATALOGUE.parent / "events" / "catalogue"


def test_check_says_ok_for_each_item():
    said: list[str] = []

    assert commands.main(["check", "--catalogue", str(CATALOGUE)], said.append) == 0

    assert set(FOLDERS) <= {line.split(":")[0] for line in said}
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


def test_the_committed_schemas_are_current():
    for name, schema in editor_schemas().items():
        committed = json.loads((SCHEMAS / name).read_text())

        assert committed == schema, (
            "run: python -m zerotrip.catalogue.commands schema --to events/catalogue"
        )
    assert {path.name for path in SCHEMAS.glob("*.json")} == set(editor_schemas())


def test_the_schema_command_prints_or_writes_them(tmp_path):
    said: list[str] = []

    assert commands.main(["schema"], said.append) == 0
    assert [json.loads(text) for text in said] == list(editor_schemas().values())

    assert commands.main(["schema", "--to", str(tmp_path)], said.append) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(editor_schemas())


SCHEMA_LINE = re.compile(r"# yaml-language-server: \$schema=(.+)")


def catalogue_files() -> list[Path]:
    files = [*CATALOGUE.glob("*/item.yaml"), *CATALOGUE.glob("_base/*.yaml")]
    return sorted([*files, *CATALOGUE.glob("_*.yaml")])


@pytest.mark.parametrize("path", catalogue_files(), ids=lambda path: path.stem)
def test_every_file_names_a_schema_and_is_valid_under_it(path):
    text = path.read_text()
    named = SCHEMA_LINE.match(text)
    assert named is not None, path
    schema = json.loads((path.parent / named[1]).resolve().read_text())

    validator = Draft202012Validator(schema)

    assert [each.message for each in validator.iter_errors(read_yaml(text).value)] == []


def test_the_schemas_refuse_unknown_keys_and_what_is_computed():
    item = read_yaml((CATALOGUE / FOLDERS[0] / "item.yaml").read_text()).value
    validator = Draft202012Validator(editor_schemas()["item.schema.json"])

    assert validator.is_valid(item)
    assert not validator.is_valid({**item, "colour": "red"})
    assert not validator.is_valid({**item, "base_digest": "x"})
    assert not validator.is_valid({**item, "materials": [{"name": item["licence"]}]})
    base = read_yaml(next(CATALOGUE.glob("_base/*.yaml")).read_text()).value
    bases = Draft202012Validator(editor_schemas()["base.schema.json"])
    assert bases.is_valid(base)
    assert not bases.is_valid({**base, "requirements": {"colour": "red"}})
    assert not bases.is_valid({**base, "requirements": {"revision": 1}})


def test_a_lint_error_fails_the_check_and_a_warning_does_not(copied):
    mend(copied, "channels: [mobile, computer, window]", "channels: [courier]")
    said: list[str] = []
    folder = str(copied / FOLDERS[0])

    assert commands.main(["check", folder], said.append) == 1
    text = "\n".join(said)
    assert "vehicle-inspection-mark/item.yaml:" in text
    assert "not_online_without_reason" in text
    assert "正确" not in text

    listed = (
        "channels: [mobile]\nnot_online:\n  reason: {zh: 试, en: Try}\n"
        "  legal_basis: {zh: 《示例法》}\n"
    )
    mend(copied, "channels: [courier]\n", listed)
    said.clear()
    assert commands.main(["check", folder], said.append) == 0
    assert "online_but_listed (提醒 warning)" in said[0]
    assert "正确 OK" in said[-1]


def test_a_wrong_base_entry_or_shared_file_fails_the_check(copied):
    (copied / "_base" / "440109999000.yaml").write_text("code: x\n")
    (copied / "_elements.yaml").write_text("elements: [1]\n")
    said: list[str] = []

    assert commands.main(["check", str(copied / FOLDERS[0])], said.append) == 1

    text = "\n".join(said)
    assert "_base/440109999000.yaml:1 /code: string_pattern_mismatch" in text
    assert f"{copied.name}/_elements.yaml:1 /elements/0" in text


def test_diff_says_what_changed_against_a_folder_and_a_published_file(copied, drafts):
    mend(copied, "amount_fen: 2000", "amount_fen: 1800")
    published = copied / "published.json"
    published.write_text(drafts[FOLDERS[0]].item.model_dump_json())
    for against in (CATALOGUE / FOLDERS[0], published):
        said: list[str] = []
        arguments = ["diff", str(copied / FOLDERS[0]), "--against", str(against)]

        assert commands.main(arguments, said.append) == 0

        assert said[1:] == [
            "~ /courier_charge/amount_fen\n  寄递费用·amount_fen由2000改为1800。\n"
            "  Courier's charge amount_fen: from 2000 to 1800."
        ]


def test_diff_says_that_nothing_changed_or_that_it_cannot_read(tmp_path):
    folder = str(CATALOGUE / FOLDERS[0])
    said: list[str] = []

    assert commands.main(["diff", folder, "--against", folder], said.append) == 0
    assert said[-1] == "没有变化。 Nothing changed."

    missing = ["diff", folder, "--against", str(tmp_path / "nothing.json")]
    assert commands.main(missing, said.append) == 1
    assert "nothing.json: file_missing" in said[-1]

    (tmp_path / "other.json").write_text('{"code": 1}')
    other = ["diff", folder, "--against", str(tmp_path / "other.json")]
    assert commands.main(other, said.append) == 1
    assert "other.json /code: string_type" in "\n".join(said)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The whole catalogue, copied to be changed."""
    return Path(shutil.copytree(CATALOGUE, tmp_path / "catalogue"))


def mend(catalogue: Path, old: str, new: str) -> None:
    path = catalogue / FOLDERS[0] / "item.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
