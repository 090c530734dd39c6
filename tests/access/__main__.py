"""`python -m tests.access`: the whole matrix in one process, and its figures.

Writes `docs/evidence/access-matrix-in-one-process.json`; what gateway, authoriser and
keys of the laptop cloud answer is `access-matrix.json`, made by `make verify`.
"""

from __future__ import annotations

import sys

from rich.console import Console

from tests.access import matrix, one_process, report, rows
from tests.access.mutations import MUTATIONS, red
from tests.access.one_process import put_back
from tests.access.operations import operations
from tests.access.scene import BY_A_SECRET
from tests.verify import evidence


def main() -> int:
    """Exit code 1 where somebody got in, was kept out, or could tell answers apart."""
    town = one_process.scene()
    known = [each for each in operations() if "/partners/" not in each.path]
    pairs = matrix.whole(known)
    with put_back(town):
        before = town.rows()
        cells = matrix.run(town, pairs)
        ids = [matrix.anothers_bill(town), matrix.anothers_officer_login(town)]
        strangers = [town.people[name].sub for name in matrix.STRANGERS]
        changed = rows.changes(before, town.rows(), town.owned, strangers)
    with put_back(town):
        methods = matrix.other_methods(town, known)
    with put_back(town):
        answers = matrix.rightful(town, known)
    parts = {
        "matrix": [*cells, *ids],
        "welcome": matrix.run_in(town, pairs, put_back),
        "methods": methods,
    }
    caught = 0
    for mutation in MUTATIONS:
        with put_back(town):
            caught += bool(red(town, mutation))
    refused = {name for name, each in answers.items() if each.status >= 400}
    evidence.write(
        "access-matrix-in-one-process",
        **report.found(parts, changed),
        rightful_requests_that_succeeded=len(answers) - len(refused),
        mutations=len(MUTATIONS),
        mutations_caught=caught,
    )
    wrong = report.wrong(cell for part in parts.values() for cell in part)
    console = Console()
    for each in [*wrong, *changed] or ["✓ 无人得入 · nobody is let in"]:
        console.print(each, markup=False)
    whole = caught == len(MUTATIONS) and refused == set(BY_A_SECRET) & set(answers)
    return 0 if whole and not wrong and not changed else 1


if __name__ == "__main__":
    sys.exit(main())
