"""Where the real items are, and a catalogue in memory with a clock that tests move."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.memory import MemoryObjects, MemoryTables
from zerotrip.catalogue import authoring
from zerotrip.catalogue.publication import Catalogue
from zerotrip.kernel.errors import Invalid

CATALOGUE = Path(__file__).parents[3] / "catalogue"
TODAY = date(2026, 11, 21)
FOLDERS = (
    "vehicle-inspection-mark",
    "vehicle-licence-replacement",
    "food-business-licence",
)


class CountingTables(MemoryTables):
    """Remembers what was read, to see what a cache spares."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[str, str]] = []

    def get(self, table, pk, sk):
        self.reads.append((pk, sk))
        return super().get(table, pk, sk)

    def query(self, table, pk, prefix=""):
        self.reads.append((pk, prefix))
        return super().query(table, pk, prefix)


@dataclass
class Shop:
    """A catalogue over memory, and the clock that it looks at."""

    tables: CountingTables = field(default_factory=CountingTables)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    moment: datetime = datetime(2026, 11, 21, 8, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.catalogue = self.another_process()

    def another_process(self) -> Catalogue:
        return Catalogue(self.tables, self.objects, lambda: self.moment)

    def pass_seconds(self, seconds: int) -> None:
        self.moment += timedelta(seconds=seconds)


def spoil(folder: Path, old: str, new: str, name: str = "item.yaml") -> int:
    """Replaces once; answers the line on which the change begins."""
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def faults_of(folder: Path) -> list[tuple[str, str]]:
    """Place and code of everything for which the folder is refused."""
    with pytest.raises(Invalid) as refused:
        authoring.load(folder, TODAY)
    assert refused.value.code == "catalogue_folder_wrong"
    assert all(fault.zh and fault.en for fault in refused.value.faults)
    return [(fault.path, fault.code) for fault in refused.value.faults]
