"""`python -m bench [cold_start [FUNCTION…] | one_case | items | record]`; else all."""

from __future__ import annotations

import argparse

from bench import cold_start, instructions, items, one_case, recording


def main() -> None:
    """Runs what was asked for: JSON lines on stdout, the rest on stderr."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    starts = commands.add_parser("cold_start", help="CPU of the first invocation")
    starts.add_argument("functions", nargs="*", help="as in functions/; default all")
    starts.add_argument("--rounds", type=int, default=cold_start.ROUNDS)
    starts.add_argument(
        "--instructions", action="store_true", help="count them in place of CPU time"
    )
    cases = commands.add_parser("one_case", help="seconds and AWS calls of whole cases")
    cases.add_argument("--rounds", type=int, default=one_case.ROUNDS)
    commands.add_parser("items", help="materials asked, pre-review, the list of items")
    commands.add_parser("record", help="record the invocations of cold_start again")
    asked = parser.parse_args()
    if asked.command == "record":
        recording.record()
    if asked.command == "cold_start" and asked.instructions:
        instructions.run(asked.functions)
    elif asked.command == "cold_start":
        cold_start.run(asked.functions, asked.rounds)
    elif asked.command == "one_case":
        one_case.run(asked.rounds)
    elif asked.command == "items":
        items.run()
    elif asked.command is None:
        items.run()
        cold_start.run([])
        one_case.run()


if __name__ == "__main__":
    main()
