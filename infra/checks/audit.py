"""Asks an advisory database about every locked package: `make audit`.

A database that cannot be reached, or that does not know our packages (a company's index
without advisories answers "not found" for each, which pip-audit counts as "no known
vulnerabilities"), must never look like good news. So it is first asked about a version
that is known to be vulnerable; only one that knows of it is asked about ours, and each
package that it does not answer for is told. Nothing is sent but names and versions.

Leaves with 0 if all were asked and nothing is known, 1 if something is, 3 if not all
could be asked. The answer is kept in `docs/evidence/audit.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rich.console import Console
from rich.progress import track

from tests.verify import evidence

ROOT = Path(__file__).resolve().parents[2]
PIP_AUDIT = ROOT / ".local" / "audit" / "bin" / "pip-audit"
KNOWN_BAD = "pyyaml==5.3"  # CVE-2020-1747, CVE-2020-14343
ENTRY = re.compile(r"^(?P<pin>[A-Za-z0-9][\w.-]*==\S+(?: *;[^\\\n]+)?)", re.MULTILINE)
TIMEOUT_SECONDS = 600
OK, VULNERABLE, NOT_ASKED = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Database:
    """One advisory database, and how pip-audit is told to ask it."""

    name: str
    options: tuple[str, ...]


DATABASES = (Database("PyPI", ("-s", "pypi")), Database("OSV", ("-s", "osv")))


class Unanswered(Exception):
    """The database gave no answer; the text says what came instead."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a database said of one lock. `unanswered` are pins that it did not know."""

    lock: str
    entries: int
    answered: int
    not_for_this_machine: int
    unanswered: tuple[str, ...]
    vulnerabilities: tuple[dict[str, Any], ...]


@dataclass(slots=True)
class Report:
    """Which database answered (none: empty), why others did not, and what it said."""

    database: str = ""
    not_reached: dict[str, str] = field(default_factory=dict)
    locks: list[Asked] = field(default_factory=list)

    @property
    def vulnerabilities(self) -> list[dict[str, Any]]:
        """Each vulnerable package once, however many locks hold it."""
        found = [each for asked in self.locks for each in asked.vulnerabilities]
        return list({(each["package"], each["id"]): each for each in found}.values())

    @property
    def unanswered(self) -> list[str]:
        """Pins that nobody vouched for."""
        return sorted({each for asked in self.locks for each in asked.unanswered})

    @property
    def exit_code(self) -> int:
        """0, 1 or 3: see the module. Good news only for a complete answer."""
        if self.vulnerabilities:
            return VULNERABLE
        complete = self.database and self.locks and not self.unanswered
        return OK if complete else NOT_ASKED


def lock_files(root: Path = ROOT) -> list[Path]:
    """Every lock of the repository, those that are shipped first."""
    return [
        *sorted(root.glob("layers/*/requirements.txt")),
        *sorted(root.glob("requirements/*.txt")),
    ]


def audit(
    locks: Sequence[Path],
    databases: Sequence[Database] = DATABASES,
    follow: Callable[[Sequence[Path]], Any] = iter,
) -> Report:
    """Asks the first database that knows of what is known; `follow` shows progress."""
    report = Report()
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch)  # answers are of today; locks share them
        for database in databases:
            try:
                _must_know(database, cache)
            except Unanswered as why:
                report.not_reached[database.name] = str(why)
                continue
            try:
                report.locks = [_ask(lock, database, cache) for lock in follow(locks)]
            except Unanswered as why:
                report.not_reached[database.name] = str(why)
                continue
            report.database = database.name
            break
    return report


def _must_know(database: Database, cache: Path) -> None:
    known_bad = cache / "known-bad.txt"
    known_bad.write_text(f"{KNOWN_BAD}\n", encoding="utf-8")
    if not _ask(known_bad, database, cache).vulnerabilities:
        raise Unanswered(f"it does not know that {KNOWN_BAD} is vulnerable")


def _ask(lock: Path, database: Database, cache: Path) -> Asked:
    """Raises Unanswered if there is no answer that can be read."""
    options = ["--disable-pip", "--no-deps", "--progress-spinner", "off"]
    options += ["--format", "json", "--desc", "off", "--cache-dir", str(cache)]
    try:
        done = subprocess.run(
            [str(PIP_AUDIT), "-r", str(lock), *options, *database.options],
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise Unanswered(f"no answer in {TIMEOUT_SECONDS} s") from None
    try:
        answers = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        # The error's class alone: its text may hold addresses of this machine.
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise Unanswered(last.partition(":")[0].rpartition(".")[2][:80]) from None
    return _read(lock, answers)


def _environment() -> dict[str, str]:
    """The machine's own certificates, for where a company's proxy signs answers."""
    store = ssl.get_default_verify_paths().cafile
    return {**({"REQUESTS_CA_BUNDLE": store} if store else {}), **os.environ}


def _read(lock: Path, answers: list[dict[str, Any]]) -> Asked:
    pins = [
        Requirement(found["pin"]) for found in ENTRY.finditer(lock.read_text("utf-8"))
    ]
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    answered = {
        canonicalize_name(each["name"]): each for each in answers if "vulns" in each
    }
    return Asked(
        lock=lock.relative_to(ROOT).as_posix()
        if lock.is_relative_to(ROOT)
        else lock.name,
        entries=len(pins),
        answered=len(answered),
        not_for_this_machine=len(pins) - len(here),
        unanswered=tuple(
            f"{pin.name}{pin.specifier}"
            for pin in here
            if canonicalize_name(pin.name) not in answered
        ),
        vulnerabilities=tuple(
            {
                "package": f"{each['name']}=={each['version']}",
                "id": known["id"],
                "aliases": known.get("aliases", []),
                "fixed_in": known.get("fix_versions", []),
            }
            for each in answered.values()
            for known in each["vulns"]
        ),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Asks, tells and keeps the answer."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--osv-url", help="an OSV mirror of your own: …/v1/query")
    url = parser.parse_args(arguments).osv_url
    databases: Sequence[Database] = DATABASES
    if url:
        databases = (Database("OSV mirror", ("-s", "osv", "--osv-url", url)),)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    locks = lock_files()
    report = audit(
        locks,
        databases,
        lambda all_: track(all_, "  查询漏洞库 · asking", console=console),
    )
    evidence.write(
        "audit",
        database=report.database or None,
        not_reached=report.not_reached,
        locks_to_ask=[each.relative_to(ROOT).as_posix() for each in locks],
        packages_answered=sum(each.answered for each in report.locks),
        packages_unanswered=report.unanswered,
        vulnerabilities=report.vulnerabilities,
        locks=[asdict(each) for each in report.locks],
        exit_code=report.exit_code,
    )
    _tell(report, console.print)
    return report.exit_code


def _tell(report: Report, say: Callable[[str], None]) -> None:
    for name, why in report.not_reached.items():
        say(f"  {name}: 未能查询 · not asked: {why}")
    for each in report.vulnerabilities:
        fixed = ", ".join(each["fixed_in"]) or "—"
        say(f"  [red]✗[/] {each['package']}  {each['id']}  修复于 · fixed in {fixed}")
    for pin in report.unanswered:
        say(f"  [yellow]?[/] {pin}  漏洞库不认识 · the database does not know it")
    if report.exit_code == OK:
        count = sum(asked.answered for asked in report.locks)
        say(
            f"✓ 已向 {report.database} 查询 {count} 条锁定，没有已知漏洞"
            f" · {report.database} knows nothing against {count} pins"
        )
    elif report.exit_code == NOT_ASKED:
        say(
            "[yellow]未能查全[/]：漏洞库无法访问或答复不全，不能说明没有漏洞。换到能访问"
            '的网络，或用 ARGS="--osv-url …" 指定镜像。\n'
            "[yellow]Not all was asked[/]: no advisory database answered for every"
            " package, which does not mean that nothing is known. Ask again where one"
            ' can be reached, or name a mirror: ARGS="--osv-url …".'
        )
    else:
        say(
            "[red]有已知漏洞[/]，请升级 · [red]Known vulnerabilities[/]: upgrade these."
        )


if __name__ == "__main__":
    sys.exit(main())
