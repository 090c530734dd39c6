"""What a long run found, as one JSON file under `docs/evidence/`."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def write(scenario: str, **found: Any) -> None:
    """Keeps the run's figures: `docs/evidence/{scenario}.json`."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    measured = f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}"
    report = {"scenario": scenario, "measured_at": measured, "commit": commit, **found}
    path = ROOT / "docs" / "evidence" / f"{scenario}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")
