"""What stood in the tables before and after: nothing of a victim may have changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.access.scene import Row

OWN = {"answers", "drafts", "keys"}
"""Where a stranger's own request leaves rows: a draft, its key, a kept answer."""


def changes(
    before: Mapping[Row, str],
    after: Mapping[Row, str],
    victims: Iterable[str],
    strangers: Iterable[str],
) -> list[str]:
    """Rows that are not as they were, of a victim or by a stranger.

    `victims`: ids of people and things; `strangers`: subs. Rows of neither are the
    cloud's own business: its clock ticks on.
    """
    touched, by = sorted(victims), sorted(strangers)
    found = []
    for row in sorted(before.keys() | after.keys()):
        old, new = before.get(row, ""), after.get(row, "")
        if old == new:
            continue
        text = f"{row} {old} {new}"
        if any(each in text for each in touched):
            found.append(f"a victim's row changed: {row[0]} {row[2]}")
        elif row[0] not in OWN and any(each in text for each in by):
            found.append(f"a stranger wrote: {row[0]} {row[2]}")
    return found
