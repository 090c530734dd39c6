"""That a secret which somebody adds is found, and that exceptions stay few and true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.checks.secrets import Allowed, Finding, allowed, judge, kept_files, scan
from infra.local.home import ROOT

# Each in two halves, so that the scan of this file finds none; all are made up.
PLANTED = {
    "aws.py": ("AWS Access Key", 'KEY_ID = "AKIA' + 'QRSTUVWX23456789"\n'),
    "aws.md": (
        "Secret Keyword",
        "aws_secret_access_" + "key = x1Y2z3A4b5C6d7E8f9G0h1\n",
    ),
    "merchant.txt": ("Private Key", "-----BEGIN PRIVATE " + "KEY-----\nMIIE\n"),
    "payments.json": (
        "WeChat Pay API v3 key",
        '{"api_v3_' + 'key": "ffffeeeeddddccccbbbbaaaa99998888"}\n',
    ),
    "settings.py": (
        "WeChat Pay API v3 key",
        "api_v3_" + "key='Ab1Cd2Ef3Gh4Ij5" + "Kl6Mn7Op8Qr9St0Uv'\n",
    ),
    "guide.md": (
        "Basic Auth Credentials",
        "https://zhang:shili" + "@partner.example/\n",
    ),
    "session.json": (
        "JSON Web Token",
        '{"token": "eyJhbGciOiJFUzI1NiJ9' + '.eyJzdWIiOiI0NDE4ODIifQ.MEUCIQDx"}\n',
    ),
    "config.yaml": (
        "Base64 High Entropy String",
        'value: "' + "q7Rk2LzX9vBt" + 'Yw4NhJc8PmEs1GdFu6Ao"\n',
    ),
    # As a recorded invocation: only the chance text of such files may stand there.
    "events/invocations/a/b.json": ("AWS Access Key", '"AKIA' + 'ABCDEFGH23456789"\n'),
}


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    top = tmp_path_factory.mktemp("repository")
    for name, (_, text) in PLANTED.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# 说明 · a line before it\n{text}", encoding="utf-8")
    return scan(list(PLANTED), top, workers=1)


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_secret_is_refused(findings: list[Finding], name: str) -> None:
    refused, _ = judge(findings, allowed())
    found = {(each.file, each.line, each.kind) for each in refused}
    assert (name, 2, PLANTED[name][0]) in found


def test_an_ordinary_line_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        'api_v3_key = secrets.token_hex(16)\nsecret = settings["secret"]\n', "utf-8"
    )
    assert scan(["a.py"], tmp_path, workers=1) == []


def test_an_exception_holds_only_where_all_that_it_names_holds() -> None:
    found = Finding("docs/a.md", 3, "JSON Web Token", "eyJ.example")
    why = "the example of the docs"
    for entry, covers in [
        (Allowed(why, files=("docs/*",)), True),
        (Allowed(why, files=("docs/*",), values=(r"eyJ\..*",)), True),
        (Allowed(why, files=("tests/*",)), False),
        (Allowed(why, files=("docs/*",), kinds=("AWS Access Key",)), False),
        (Allowed(why, values=("eyJ",)), False),
    ]:
        assert entry.covers(found) is covers, entry
        assert judge([found], [entry]) == (([], []) if covers else ([found], [entry]))


@pytest.mark.parametrize(
    "entry",
    ["{files: ['a']}", "{why: 'because', files: ['a']}", f"{{why: '{'long ' * 9}'}}"],
)
def test_an_exception_without_a_reason_or_a_bound_is_refused(
    tmp_path: Path, entry: str
) -> None:
    path = tmp_path / "secrets.yaml"
    path.write_text(f"allowed: [{entry}]\n", encoding="utf-8")
    with pytest.raises(ValueError, match="needs a reason"):
        allowed(path)


def test_no_exception_lets_a_key_of_a_known_shape_stand_by_its_file() -> None:
    by_chance = {
        "Base64 High Entropy String",
        "Hex High Entropy String",
        "JSON Web Token",
    }
    for entry in allowed():
        if not entry.values:
            assert entry.kinds, entry.why
            assert set(entry.kinds) <= by_chance, entry.why


def test_every_file_that_git_keeps_is_looked_at_by_make_lint() -> None:
    kept = kept_files()
    assert {"Makefile", "template.yaml", ".ci/run", "infra/checks/secrets.py"} <= {
        *kept
    }
    assert re.search(
        r"^\t\$\(PY\) -m infra\.checks\.secrets$",
        (ROOT / "Makefile").read_text("utf-8"),
        re.MULTILINE,
    )
