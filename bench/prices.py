"""Dated list prices and the assumptions that go with them: `bench/prices/*.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("prices")


@dataclass(frozen=True, slots=True)
class Prices:
    """USD per single unit, and assumed figures, each by its name in the file."""

    dated: str
    region: str
    usd: Mapping[str, float]
    assumed: Mapping[str, float]

    @classmethod
    def load(cls, path: Path | None = None) -> Prices:
        """The file at `path`; without one the newest by its name."""
        found = path or max(FOLDER.glob("*.json"))
        content = json.loads(found.read_text(encoding="utf-8"))
        return cls(
            dated=content["dated"],
            region=content["region"],
            usd={
                name: price["usd"] / price["per"]
                for name, price in content["prices"].items()
            },
            assumed={
                name: each["value"] for name, each in content["assumptions"].items()
            },
        )

    def of(self, name: str, units: float) -> float:
        """USD for that many units. Raises KeyError for a price that is not listed."""
        return self.usd[name] * units
