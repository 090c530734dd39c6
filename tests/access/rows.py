"""What stood in the tables before and after: nothing of a victim may have changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.access.scene import Row

OWN = {"answers", "drafts", "keys"}
"""Where a stranger's own request leaves rows: a draft, its key, a kept answer."""
OWN_IDENTITY = ("POWER", "GAVE#", "KIN#")
"""What a stranger may write of themselves in `identity`: whom they let act, their kin.
"""


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
        elif not _own(row) and any(each in text for each in by):
            found.append(f"a stranger wrote: {row[0]} {row[2]}")
    return found


def _own(row: Row) -> bool:
    table, _, sk = row
    return table in OWN or (table == "identity" and sk.startswith(OWN_IDENTITY))
