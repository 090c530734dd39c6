"""`make audit` never calls good news what was not an answer.

pip-audit is the real one; the advisory database is a small server that speaks OSV.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra.checks import audit
from infra.checks.audit import Asked, Database, Report, Unanswered
from infra.local.home import ROOT

BAD = "example-broken"
HASH = "0" * 64
LOCK = f"""\
example-sound==1.0 \\
    --hash=sha256:{HASH}
{BAD}==2.0 \\
    --hash=sha256:{HASH}
example-elsewhere==3.0 ; sys_platform == 'win32' \\
    --hash=sha256:{HASH}
"""


class _Osv(BaseHTTPRequestHandler):
    """Knows of the well-known one and of ours; keeps what it was asked."""

    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        query = json.loads(body)
        type(self).asked.append(query)
        name = query["package"]["name"]
        known = {"id": "PYSEC-0000-1", "aliases": [], "summary": "made up"}
        fixed = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9"}]}
        package = {"name": name, "ecosystem": "PyPI"}
        known["affected"] = [{"package": package, "ranges": [fixed]}]
        answer = {"vulns": [known]} if name in {"pyyaml", BAD} else {}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the test reads `asked`."""


@pytest.fixture
def osv(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    _Osv.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Osv)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    yield Database("small", ("-s", "osv", "--osv-url", url))
    server.shutdown()
    server.server_close()


def test_a_vulnerable_package_is_found_and_told_with_its_fix(
    osv: Database, tmp_path: Path
) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(LOCK, encoding="utf-8")
    unreachable = Database("none", ("-s", "osv", "--osv-url", "http://127.0.0.1:9/"))
    report = audit.audit([lock], [unreachable, osv])
    assert report.exit_code == audit.VULNERABLE
    assert report.database == "small"
    assert report.not_reached == {"none": "ConnectionError"}
    (asked,) = report.locks
    assert (asked.entries, asked.answered, asked.not_for_this_machine) == (3, 2, 1)
    assert asked.unanswered == ()
    assert report.vulnerabilities == [
        {
            "package": f"{BAD}==2.0",
            "id": "PYSEC-0000-1",
            "aliases": [],
            "fixed_in": ["9"],
        }
    ]
    names = {query["package"]["name"] for query in _Osv.asked}
    assert names == {"pyyaml", "example-sound", BAD}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("sound==1.0\nsecond==2.0\n", encoding="utf-8")
    return path


def _pip_audit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known_bad: str, ours: str
) -> None:
    """Stands in for pip-audit: what it prints about the known one, and about ours."""
    program = tmp_path / "pip-audit"
    program.write_text(
        f"#!/bin/sh\ncase $2 in *known-bad*) printf '%s' '{known_bad}';;"
        f" *) printf '%s' '{ours}';; esac\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setattr(audit, "PIP_AUDIT", program)


KNOWN = (
    '{"dependencies": [{"name": "pyyaml", "version": "5.3", "vulns": [{"id": "A"}]}]}'
)
SOUND = '{"name": "sound", "version": "1.0", "vulns": []}'
SECOND = '{"name": "second", "version": "2.0", "vulns": []}'
SKIPPED = '{"name": "second", "skip_reason": "Dependency not found"}'
NOT_FOUND = '{"dependencies": [{"name": "pyyaml", "skip_reason": "not found"}]}'


def test_all_asked_and_nothing_known_is_good_news(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lock: Path
) -> None:
    _pip_audit(monkeypatch, tmp_path, KNOWN, f'{{"dependencies": [{SOUND}, {SECOND}]}}')
    report = audit.audit([lock])
    assert report.exit_code == audit.OK
    assert report.database == "PyPI"


@pytest.mark.parametrize(
    ("known_bad", "ours"),
    [
        # A company's index without advisories: pip-audit leaves with 0 here.
        (NOT_FOUND, f'{{"dependencies": [{SOUND}, {SECOND}]}}'),
        ('{"dependencies": [{"name": "pyyaml", "vulns": []}]}', "{}"),
        ("", ""),
        ("<html>a proxy's own page</html>", ""),
        # It knew the known one, and not all of ours.
        (KNOWN, f'{{"dependencies": [{SOUND}, {SKIPPED}]}}'),
        (KNOWN, f'{{"dependencies": [{SOUND}]}}'),
        (KNOWN, ""),
    ],
)
def test_what_is_no_full_answer_is_never_good_news(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    lock: Path,
    known_bad: str,
    ours: str,
) -> None:
    _pip_audit(monkeypatch, tmp_path, known_bad, ours)
    report = audit.audit([lock])
    assert report.exit_code == audit.NOT_ASKED
    assert report.not_reached or report.unanswered == ["second==2.0"]


def test_nothing_to_ask_is_no_good_news() -> None:
    assert Report().exit_code == audit.NOT_ASKED
    assert Report(database="small").exit_code == audit.NOT_ASKED
    whole = Asked("a", 1, 1, 0, (), ())
    assert Report(database="small", locks=[whole]).exit_code == audit.OK


def test_make_audit_says_so_and_keeps_it_where_nothing_can_be_reached(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept: dict[str, Any] = {}

    def ask(*_: object) -> Asked:
        raise Unanswered("ConnectionError")

    monkeypatch.setattr(audit, "_ask", ask)
    monkeypatch.setattr(
        audit.evidence, "write", lambda scenario, **found: kept.update(found)
    )
    assert audit.main([]) == audit.NOT_ASKED
    told = capsys.readouterr().err
    assert "不能说明没有漏洞" in told
    assert "does not mean that nothing is known" in told
    assert "✓" not in told
    assert kept["exit_code"] == audit.NOT_ASKED
    assert kept["database"] is None
    assert kept["packages_answered"] == 0
    assert kept["not_reached"] == {"PyPI": "ConnectionError", "OSV": "ConnectionError"}


def test_every_lock_is_asked_about() -> None:
    asked = {each.relative_to(ROOT).as_posix() for each in audit.lock_files()}
    named = {
        path.relative_to(ROOT).with_suffix(".txt").as_posix()
        for top in ("requirements", "layers")
        for path in (ROOT / top).rglob("*.in")
    }
    assert asked == named
    assert {"layers/dependencies/requirements.txt", "requirements/uv.txt"} <= asked
