"""Packages that another one imports and we never call: run when somebody asks.

What is put off is a package's own `__init__`, with all that it imports; it runs whole
as soon as anything is taken from it that was not named here. Only the SDK's docstrings
are left out for good.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

_DOCSTRINGS = "botocore.docs.docstring"


def put_off(name: str, **needed: str) -> None:
    """Has a package's `__init__` run at its first use, its submodules as ever.

    `needed` maps what is taken from the package at once to the submodule that has it.
    Not by `importlib.util.LazyLoader`: the second `import` statement already sets it
    off (seen on 3.11), and the first one is not ours.
    """
    if name in sys.modules:
        return
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name)
    loader, package = spec.loader, module_from_spec(spec)

    def run(attribute: str) -> Any:
        if attribute.startswith("__"):  # the import system's own questions
            raise AttributeError(attribute)
        vars(package).pop("__getattr__", None)
        loader.exec_module(package)
        return getattr(package, attribute)

    vars(package)["__getattr__"] = run
    sys.modules[name] = package
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(import_module(parent), child, package)
    for attribute, submodule in needed.items():
        found = getattr(import_module(f"{name}.{submodule}"), attribute)
        setattr(package, attribute, found)


class NoDocstring:
    """Stands for the text that botocore would write of a method if `help` asked."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Takes what the three docstring classes take."""


def leave_out_docstrings() -> None:
    """Has botocore make clients whose methods have no help text; before its import.

    What would write the text, an HTML parser with its patterns among it, is 25 million
    instructions of each start.
    """
    if _DOCSTRINGS in sys.modules:
        return
    stand_in = ModuleType(_DOCSTRINGS, "No help texts in a function.")
    for kind in ("ClientMethodDocstring", "PaginatorDocstring", "WaiterDocstring"):
        setattr(stand_in, kind, NoDocstring)
    put_off("botocore.docs")
    sys.modules[_DOCSTRINGS] = stand_in
    vars(sys.modules["botocore.docs"])["docstring"] = stand_in
