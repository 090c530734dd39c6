"""`python -m tests.simulation.mutants [--evidence] [WORD…]`: every negative control.

Each mutation is applied to a copy of the layer and must be caught by its check; 1 when
one is not.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed

from rich.console import Console
from rich.progress import track

from tests.simulation import evidence
from tests.simulation.mutations import MUTATIONS, Result, try_out


def main(arguments: list[str]) -> int:
    """Tries those mutations whose name holds a given word, or all."""
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--evidence", action="store_true")
    asked = parser.parse_args(arguments)
    chosen = [
        mutation
        for mutation in MUTATIONS
        if not asked.words or any(word in mutation.name for word in asked.words)
    ]
    console = Console(stderr=True)
    results: dict[str, Result] = {}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        waiting = [pool.submit(try_out, mutation) for mutation in chosen]
        for done in track(
            as_completed(waiting),
            description="反向验证 · negative controls",
            total=len(waiting),
            console=console,
        ):
            result = done.result()
            results[result.mutation.name] = result
            mark = "✓" if result.caught else "✗"
            console.print(f"{mark} {result.mutation.name}", markup=False)
            console.print(f"    {result.how}", markup=False)
            if result.code not in (0, 1):
                console.print(result.output[-2000:], markup=False)
    if asked.evidence:
        evidence.keep_mutations(list(results.values()))
        evidence.write_page()
    return 0 if all(result.caught for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
