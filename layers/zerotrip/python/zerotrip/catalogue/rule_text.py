"""What a CEL rule speaks of, read from its text: fields, facts, other names. Pure.

The library compiles and runs rules but shows no syntax tree; a rule's tokens are enough
for what is asked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from zerotrip.catalogue.pointers import join

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*)
    |(?P<text>[rRbB]{0,2}(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}
        |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>[0-9][0-9A-Za-z.]*)
    |(?P<other>\S)""",
    re.VERBOSE,
)
_WORDS = frozenset({"true", "false", "null", "in", "has"})


@dataclass(frozen=True, slots=True)
class RuleNames:
    """Pointers into the form and into `applicant` that a rule reads; other free names.

    The pointer is empty where a rule reads the whole of it.
    """

    fields: frozenset[str]
    others: frozenset[str]
    applicant: frozenset[str] = frozenset()


def names_of(rule: str) -> RuleNames:
    """What the rule reads; functions and methods are no names."""
    tokens = list(_tokens(rule))
    read: dict[str, set[str]] = {"form": set(), "applicant": set()}
    others: set[str] = set()
    position = 0
    while position < len(tokens):
        kind, text = tokens[position]
        before = tokens[position - 1][1] if position else ""
        after = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        position += 1
        if kind != "name" or before == ".":
            continue
        if text in read:
            path, position = _chain(tokens, position)
            read[text].add(path)
        elif text not in _WORDS and after != "(":
            others.add(text)
    return RuleNames(
        frozenset(read["form"]), frozenset(others), frozenset(read["applicant"])
    )


def _chain(tokens: list[tuple[str, str]], position: int) -> tuple[str, int]:
    """The pointer that follows the name, and where the tokens go on."""
    steps: list[str] = []
    while True:
        following = tokens[position : position + 3]
        kinds = [kind for kind, _ in following]
        texts = [text for _, text in following]
        if texts[:1] == ["."] and kinds[1:2] == ["name"]:
            if texts[2:] == ["("]:
                break
            steps.append(texts[1])
            position += 2
        elif texts[:1] == ["["] and kinds[1:2] == ["text"] and texts[2:] == ["]"]:
            steps.append(texts[1].strip("rRbB").strip("\"'"))
            position += 3
        else:
            break
    return join(steps), position


def _tokens(rule: str) -> Iterator[tuple[str, str]]:
    for found in _TOKEN.finditer(rule):
        kind = found.lastgroup
        if kind is not None and kind != "comment":
            yield kind, found[0]
