"""What runs found, under `docs/evidence/simulation/`, and the tables of the docs page.

`{scenario}.json` is the last run at full numbers; `seeds.ndjson` has a line for each
run of many seeds; `mutations.json` says how each negative control was caught.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.simulation.mutations import MUTATIONS, Result
from tests.simulation.scenario import Outcome
from tests.simulation.scenarios import all_scenarios

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "evidence" / "simulation"
SEEDS = FOLDER / "seeds.ndjson"
PAGE = ROOT / "docs" / "promises.md"
SHORT = (
    "scenario", "seed", "size", "acknowledged", "completed", "open", "dead_lettered",
    "duplicates_on_the_wire", "lost", "doubled", "broken", "let_in", "event_log",
)  # fmt: skip


def measured() -> dict[str, str]:
    """When, and of which commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {"measured_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}", "commit": commit}


def keep(outcome: Outcome) -> None:
    """One run at full numbers."""
    _write(
        FOLDER / f"{outcome.scenario}.json",
        {**measured(), **outcome.as_json(), "seconds": outcome.seconds},
    )


def keep_seeds(found: Sequence[Outcome]) -> None:
    """Many runs: a line each, in the order of scenario and seed.

    A run takes the place of its earlier one; runs of other seeds stay, each with the
    commit that it was played on.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    commit = measured()["commit"]
    lines = {(line["scenario"], line["seed"]): line for line in _seeds()}
    for outcome in found:
        whole = outcome.as_json()
        line = {name: whole[name] for name in SHORT}
        line["faults_injected"] = sum(outcome.injected.values())
        lines[outcome.scenario, outcome.seed] = {**line, "commit": commit}
    text = "".join(json.dumps(lines[place]) + "\n" for place in sorted(lines))
    SEEDS.write_text(text, encoding="utf-8")


def _seeds() -> list[dict[str, Any]]:
    if not SEEDS.exists():
        return []
    return [json.loads(line) for line in SEEDS.read_text("utf-8").splitlines()]


_DIGEST = re.compile(r"\b(?=[\w-]*[a-z])(?=[\w-]*[A-Z])([\w-]{8})[\w-]{32,}")
"""A content's hash: its beginning tells it apart, and the secret scan lets it be."""


def keep_mutations(results: Sequence[Result]) -> None:
    """How each mutation was caught, or that it was not; others stay as they were."""
    path = FOLDER / "mutations.json"
    earlier = _read(path) or {"mutations": []}
    found = {each["mutation"]: each for each in earlier["mutations"]}
    for result in results:
        found[result.mutation.name] = {
            "mutation": result.mutation.name,
            "file": result.mutation.file,
            "check": " ".join(result.mutation.check),
            "caught": result.caught,
            "how": _DIGEST.sub(r"\1…", result.how),
            **measured(),
        }
    listed = [found[each.name] for each in MUTATIONS if each.name in found]
    _write(path, {"mutations": listed})


def write_page() -> None:
    """Puts the tables of the last runs between the page's markers."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in tables().items():
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    PAGE.write_text(text, encoding="utf-8")


def tables() -> dict[str, str]:
    """The page's tables, from the evidence that is kept."""
    return {
        "scenarios": _scenario_table(),
        "seeds": _seed_table(),
        "mutations": _mutation_table(),
    }


def _scenario_table() -> str:
    rows = []
    for scenario in all_scenarios().values():
        run = _read(FOLDER / f"{scenario.name}.json")
        if run is None:
            continue
        rows.append(
            (
                scenario.number,
                f"{scenario.zh} · {scenario.en}",
                _count(sum(run["faults_injected"].values())),
                _count(run["acknowledged"]),
                _count(run["completed"]),
                _count(run["duplicates_on_the_wire"]),
                run["lost"],
                run["doubled"] + run["broken"],
                run["let_in"],
                f"`make simulate SCENARIO={scenario.name} SEED={run['seed']}`",
            )
        )
    head = (
        "no.", "scenario", "faults", "acknowledged", "completed", "duplicates",
        "lost", "doubled", "let in", "again",
    )  # fmt: skip
    return _table(head, rows)


def _seed_table() -> str:
    lines, rows = _seeds(), []
    for name in all_scenarios():
        runs = [line for line in lines if line["scenario"] == name]
        if not runs:
            continue
        seeds = [run["seed"] for run in runs]
        failed = [
            run["seed"]
            for run in runs
            if run["lost"] or run["doubled"] or run["broken"] or run["let_in"]
        ]
        rows.append(
            (
                name,
                f"{min(seeds)}–{max(seeds)} ({len(runs)})",
                _count(sum(run["faults_injected"] for run in runs)),
                _count(sum(run["acknowledged"] for run in runs)),
                _count(sum(run["duplicates_on_the_wire"] for run in runs)),
                sum(run["lost"] for run in runs),
                sum(run["doubled"] + run["broken"] for run in runs),
                sum(run["let_in"] for run in runs),
                ", ".join(map(str, failed)) or "–",
            )
        )
    head = (
        "scenario", "seeds", "faults", "acknowledged", "duplicates", "lost",
        "doubled", "let in", "seeds that failed",
    )  # fmt: skip
    return _table(head, rows)


def _mutation_table() -> str:
    kept = _read(FOLDER / "mutations.json")
    if kept is None:
        return ""
    rows = [
        (
            each["mutation"],
            f"`{each['file']}`",
            f"`{each['check']}`",
            "yes" if each["caught"] else "**no**",
        )
        for each in kept["mutations"]
    ]
    return _table(("mutation", "where", "check", "caught"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    def line(cells: Iterable[Any]) -> str:
        return "| " + " | ".join(str(cell) for cell in cells) + " |"

    return "\n".join([line(head), line("---" for _ in head), *map(line, rows)])


def _count(number: int) -> str:
    return f"{number:,}"


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
