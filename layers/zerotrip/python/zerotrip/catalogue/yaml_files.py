"""YAML as item files use it: plain JSON values, and the line of every pointer.

Narrower than YAML 1.1: a date stays text, only `true` and `false` are booleans, no
aliases, no repeated keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from zerotrip.catalogue.pointers import join, steps
from zerotrip.kernel.errors import Fault

LARGEST_FILE_CHARACTERS = 256 * 1024


class _Loader(yaml.SafeLoader):
    """SafeLoader without the conversions that surprise: dates, yes and no, merges."""


_KEPT = {"null", "int", "float"}
_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0].rpartition(":")[2] in _KEPT]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf")
)


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A file's value, and the line (from 1) on which each pointer's value begins."""

    value: Any
    lines: dict[str, int]

    def line(self, path: str) -> int:
        """The line of the pointer, or of the nearest part above it that exists."""
        tokens = list(steps(path))
        while tokens and join(tokens) not in self.lines:
            tokens.pop()
        return self.lines.get(join(tokens), 1)


class YamlFaults(Exception):
    """The file cannot be read; each fault with its line."""

    def __init__(self, faults: list[tuple[int, Fault]]) -> None:
        super().__init__(", ".join(fault.code for _, fault in faults))
        self.faults = faults


def read_yaml(text: str) -> YamlFile:
    """Reads one YAML document. Raises YamlFaults."""
    if len(text) > LARGEST_FILE_CHARACTERS:
        raise YamlFaults([(1, _TOO_LARGE)])
    try:
        for token in yaml.scan(text, Loader=_Loader):
            if isinstance(token, yaml.AliasToken):
                raise YamlFaults([(token.start_mark.line + 1, _ALIAS)])
        node = yaml.compose(text, Loader=_Loader)
        lines: dict[str, int] = {}
        faults: list[tuple[int, Fault]] = []
        if node is not None:
            _walk(node, "", lines, faults)
        if faults:
            raise YamlFaults(faults)
        # The loader is a SafeLoader: it constructs plain values only.
        value = yaml.load(text, Loader=_Loader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        raise YamlFaults([_unreadable(error)]) from error
    except yaml.YAMLError as error:
        raise YamlFaults([(1, _NOT_YAML)]) from error
    return YamlFile(value, lines)


def _walk(
    node: yaml.Node,
    path: str,
    lines: dict[str, int],
    faults: list[tuple[int, Fault]],
) -> None:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for position, child in enumerate(node.value):
            _walk(child, f"{path}/{position}", lines, faults)
    if isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            place = path + join([str(key.value)])
            if key.tag != "tag:yaml.org,2002:str":
                faults.append((key.start_mark.line + 1, _no_text(place)))
            if place in lines:
                faults.append((key.start_mark.line + 1, _repeated(place)))
            _walk(child, place, lines, faults)
            lines[place] = key.start_mark.line + 1


def _unreadable(error: yaml.MarkedYAMLError) -> tuple[int, Fault]:
    mark = error.problem_mark or error.context_mark
    line = 1 if mark is None else mark.line + 1
    problem = error.problem or "it could not be read"
    return line, Fault(
        "",
        "yaml_unreadable",
        "YAML语法有误。",
        f"The YAML cannot be read: {problem}.",
    )


def _no_text(place: str) -> Fault:
    return Fault(
        place,
        "key_not_text",
        "键应为文本，数字请加引号。",
        "A key is text: quote numbers.",
    )


def _repeated(place: str) -> Fault:
    return Fault(
        place, "key_repeated", "同一个键出现了两次。", "The same key stands twice."
    )


_TOO_LARGE = Fault(
    "", "file_too_large", "文件过大（上限256 KB）。", "The file is over 256 KB."
)
_ALIAS = Fault(
    "",
    "yaml_alias",
    "不得使用YAML别名（*），请用$defs和$ref。",
    "YAML aliases (*) are not used here: use $defs and $ref.",
)
_NOT_YAML = Fault(
    "", "yaml_unreadable", "文件不是有效的YAML。", "The file is not valid YAML."
)
