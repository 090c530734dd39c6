"""Looks for secrets in every file that git keeps, or would keep if it were added now.

`make lint` runs it; nothing leaves the machine. What may stand is listed with its
reason in `secrets.yaml`: there is no other way to let something stand, and an entry
that lets nothing stand any more is refused too. A finding's value is never printed.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import configure_settings_from_baseline
from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("secrets.yaml")
OUR_DETECTOR = Path(__file__).with_name("wechat_pay_key.py")
# A word beside `secret =` that is shorter is a placeholder, such as "x" in a test.
KEYWORD = "Secret Keyword"
SHORTEST_KEYWORD = 12
FILTERS = "detect_secrets.filters."
PASSED_OVER = [
    r"^\s+--hash=sha256:[0-9a-f]{64}(?: \\)?$",  # of a locked package
    # Without a long word, and without what a detector takes for the name of a secret.
    # This is four lines of five, and each costs two dozen detectors.
    r"^(?!.*(?:[A-Za-z0-9+/_=.-]{16}|(?i:secret|pass|pwd|key|contrase|://|BEGIN|AKC)))",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One string that looks like a secret; `file` is relative to the repository."""

    file: str
    line: int
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may stand and why: in these files, of these kinds, reading like this."""

    why: str
    files: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    def covers(self, found: Finding) -> bool:
        """Whether all that the entry names holds for the finding."""
        return (
            (not self.files or any(fnmatchcase(found.file, f) for f in self.files))
            and (not self.kinds or found.kind in self.kinds)
            and (
                not self.values
                or any(re.fullmatch(v, found.value) for v in self.values)
            )
        )


def allowed(path: Path = LIST) -> list[Allowed]:
    """The entries of the list. Raises ValueError for one that says too little."""
    entries = []
    for each in yaml.safe_load(path.read_text("utf-8"))["allowed"]:
        why = str(each.pop("why", "")).strip()
        entry = Allowed(why, **{name: tuple(rule) for name, rule in each.items()})
        if len(why) < 20 or not (entry.files or entry.values):
            raise ValueError(
                f"{path.name}: an entry needs a reason, and files or values"
            )
        entries.append(entry)
    return entries


def kept_files(root: Path = ROOT) -> list[str]:
    """Files that git tracks, or that are new and not ignored; binary ones too."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return sorted({name for name in listed if name and (root / name).is_file()})


def scan(names: Sequence[str], root: Path = ROOT, workers: int = 2) -> list[Finding]:
    """All that looks like a secret in the files, by file and line."""
    asked = [(str(root), name) for name in names]
    with ProcessPoolExecutor(workers, initializer=_detectors) as pool:
        found = [
            each for some in pool.map(_scan_one, asked, chunksize=8) for each in some
        ]
    return sorted(found, key=lambda each: (each.file, each.line, each.kind))


def judge(
    found: Iterable[Finding], entries: Sequence[Allowed]
) -> tuple[list[Finding], list[Allowed]]:
    """What no entry covers, and the entries that cover nothing."""
    refused, used = [], set()
    for each in found:
        covering = [n for n, entry in enumerate(entries) if entry.covers(each)]
        used.update(covering)
        if not covering:
            refused.append(each)
    return refused, [entry for n, entry in enumerate(entries) if n not in used]


def _detectors() -> None:
    """Every detector there is, and ours; none looks a finding up over the network."""
    classes: Iterable[Any] = get_mapping_from_secret_type_to_class().values()
    plugins = [{"name": each.__name__} for each in classes]
    plugins.append({"name": "WeChatPayKeyDetector", "path": OUR_DETECTOR.as_uri()})
    filters = [
        {"path": f"{FILTERS}regex.should_exclude_line", "pattern": PASSED_OVER},
        {"path": f"{FILTERS}heuristic.is_sequential_string"},
        {"path": f"{FILTERS}heuristic.is_potential_uuid"},
        {"path": f"{FILTERS}heuristic.is_not_alphanumeric_string"},
        {"path": f"{FILTERS}heuristic.is_templated_secret"},
    ]
    # An address is no secret, and documentation is full of them.
    plugins = [each for each in plugins if each["name"] != "IPPublicDetector"]
    configure_settings_from_baseline({"plugins_used": plugins, "filters_used": filters})
    get_mapping_from_secret_type_to_class.cache_clear()  # it was asked before ours


def _scan_one(asked: tuple[str, str]) -> list[Finding]:
    root, name = asked
    found = [
        Finding(name, each.line_number, each.type, each.secret_value or "")
        for each in scan_file(str(Path(root, name)))
    ]
    return [
        each
        for each in found
        if each.kind != KEYWORD or len(each.value) >= SHORTEST_KEYWORD
    ]


def main() -> int:
    """Scans the repository; 1 if something may not stand."""
    say = Console(stderr=True, highlight=False, soft_wrap=True).print
    names = kept_files()
    found = scan(names)
    refused, idle = judge(found, allowed())
    for each in refused:
        say(f"  [red]✗[/] {each.file}:{each.line}  {each.kind}")
    for entry in idle:
        place = LIST.relative_to(ROOT)
        say(f"  [red]✗[/] {place}: 已无所指 · allows nothing: {entry.why}")
    if refused:
        say(
            "[red]疑似密钥[/]：请删除并作废该密钥；若确非密钥，"
            "在 infra/checks/secrets.yaml 写明理由。\n"
            "[red]These look like secrets[/]: take each out and revoke it; if it is"
            " none, say why in infra/checks/secrets.yaml."
        )
    if refused or idle:
        return 1
    say(f"✓ {len(names)} 个文件没有密钥 · no secrets in {len(names)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
