"""Where what we run comes from: every package by its hash, one way for CI, no keys."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra.checks.audit import lock_files
from infra.checks.secrets import kept_files
from infra.local.home import ROOT

HASHED = re.compile(r"--hash=sha256:[0-9a-f]{64}(?![0-9a-f])")
# `pip install` and `pip sync` in a recipe, whichever program, with its options.
INSTALL = re.compile(r"pip (?:install|sync)\b[^\n&|;]*")
RECIPES = ["Makefile", "layers/packages.mk"]
CI_FILES = re.compile(
    r"(^|/)(\.github|\.gitlab|\.gitee|\.circleci|\.buildkite|\.woodpecker)(/|$)"
    r"|(^|/)(\.gitlab-ci|\.travis|\.drone|azure-pipelines|bitbucket-pipelines|"
    r"appveyor|cloudbuild|buildspec)\.ya?ml$|(^|/)Jenkinsfile$"
)
KEY_FILES = re.compile(
    r"\.(pem|key|p12|pfx|jks|keystore|ppk|kdbx|tfstate)$"
    r"|(^|/)(\.env(\..*)?|\.netrc|\.pypirc|\.npmrc|id_(rsa|ecdsa|ed25519)|credentials)$",
    re.IGNORECASE,
)


def entries(text: str) -> list[str]:
    """A lock's entries, each on one line; comments and empty lines are left out."""
    joined = text.replace("\\\n", " ")
    lines = [line.split(" #")[0].strip() for line in joined.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def unlocked(text: str) -> list[str]:
    """Entries that are not pinned to one version with at least one hash."""
    return [
        entry
        for entry in entries(text)
        if not HASHED.search(entry)
        or not re.match(r"[A-Za-z0-9][\w.-]*(\[[\w,-]+\])?==[\w.!+-]+(\s|;|$)", entry)
    ]


@pytest.mark.parametrize("lock", lock_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_entry_of_a_lock_has_one_version_and_a_hash(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert len(entries(text)) >= 1
    assert unlocked(text) == []


def test_what_is_not_locked_would_be_noticed() -> None:
    sound = f"a==1.0 \\\n    --hash=sha256:{'0' * 64}\n    # via b\n"
    assert unlocked(sound) == []
    for text in (
        "a==1.0\n",
        f"a>=1.0 --hash=sha256:{'0' * 64}\n",
        f"a==1.* --hash=sha256:{'0' * 64}\n",
        "a==1.0 --hash=md5:0\n",
        f"a @ https://elsewhere.example/a.whl --hash=sha256:{'0' * 64}\n",
        "-e ./a\n",
        f"a==1.0 --hash=sha256:{'0' * 63}\n",
    ):
        assert len(unlocked(sound + text)) == 1, text


@pytest.mark.parametrize("lock", lock_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_package_that_is_asked_for_is_in_its_lock(lock: Path) -> None:
    locked = {Requirement(each.split(" --hash")[0]).name for each in entries_of(lock)}
    asked = {
        Requirement(line).name
        for line in entries_of(lock.with_suffix(".in"))
        if not line.startswith("-")
    }
    assert {_plain(name) for name in asked} <= {_plain(name) for name in locked}


def entries_of(path: Path) -> list[str]:
    return entries(path.read_text("utf-8"))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("recipe", RECIPES)
def test_nothing_is_installed_without_its_hash(recipe: str) -> None:
    text = (ROOT / recipe).read_text("utf-8").replace("\\\n", " ")
    flags = re.findall(r"^FLAGS := (.*)$", text, re.MULTILINE)
    commands = [
        command.replace("$(FLAGS)", *flags) if flags else command
        for command in INSTALL.findall(text)
    ]
    assert commands
    for command in commands:
        assert "--require-hashes" in command, command


def test_layers_hold_wheels_only_and_what_their_lock_says() -> None:
    recipe = (ROOT / "layers" / "packages.mk").read_text("utf-8")
    (flags,) = re.findall(r"^FLAGS := (.*)$", recipe, re.MULTILINE)
    # No package's own build runs on the machine that deploys, and none comes unasked.
    assert {"--no-deps", "--require-hashes"} <= set(flags.split())
    assert "--only-binary :all:" in flags
    for layer in ("dependencies", "rendering", "inspecting", "publishing"):
        makefile = (ROOT / "layers" / layer / "Makefile").read_text("utf-8")
        assert "$(INSTALL)" in makefile
        assert INSTALL.findall(makefile) == []


def test_nothing_else_installs_packages() -> None:
    elsewhere = [
        name
        for name in kept_files()
        if name.endswith((".py", ".mk", ".sh", "Makefile", ".yaml", ".toml"))
        and name not in RECIPES
        and not name.startswith("tests/template/")
        and (ROOT / name).resolve() != ROOT / "layers" / "packages.mk"
        and re.search(
            r"pip3? (install|sync|download)", (ROOT / name).read_text("utf-8")
        )
    ]
    assert elsewhere == []


def test_ci_runs_what_everybody_runs_and_nothing_beside_it() -> None:
    assert [name for name in kept_files() if CI_FILES.search(name)] == []
    assert [name for name in kept_files() if name.startswith(".ci/")] == [".ci/run"]
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "set -eu",
        'cd "$(dirname "$0")/.."',
        "exec make test",
    ]
    assert (ROOT / ".ci" / "run").stat().st_mode & stat.S_IXUSR


def test_no_file_of_keys_is_kept() -> None:
    assert [name for name in kept_files() if KEY_FILES.search(name)] == []
    for name in (".env", "a/.env.local", "b/server.PEM", "id_rsa", ".aws/credentials"):
        assert KEY_FILES.search(name), name
    for name in (".github/workflows/a.yml", "Jenkinsfile", "x/.gitlab-ci.yml"):
        assert CI_FILES.search(name), name
