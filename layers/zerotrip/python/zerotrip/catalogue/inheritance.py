"""An implementation over its base entry: what it inherits, and where it differs. Pure.

What stands above wins. Mappings are laid over each other key by key, `null` takes an
inherited key away. Materials and checks are laid over each other by their code, and
`removed: true` takes an inherited one away. Any other list replaces the inherited one.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from zerotrip.catalogue.files import Place, Source
from zerotrip.catalogue.model import Deviation, Item
from zerotrip.catalogue.pointers import join
from zerotrip.kernel.errors import Fault

CODED = ("materials", "checks")
_REMOVED = "removed"
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where an implementation is not what it inherits.

    `path` names materials and checks by code, `at` by position in the merged item.
    """

    path: str
    at: str


def overlay(below: Source, above: Source) -> Source:
    """The one laid over the other, with the place of each part."""
    places: dict[str, Place] = {}
    value = _merge(below, above, "", places)
    return Source(value, places)


def differences(
    inherited: Mapping[str, Any], merged: Mapping[str, Any]
) -> tuple[Difference, ...]:
    """Where the merged item differs from what its base entry's requirements say.

    What a base entry leaves open is no difference; a key that it leaves out inside
    something that it gives counts as the model's default.
    """
    found: list[Difference] = []
    for name, value in inherited.items():
        field = Item.model_fields.get(name)
        if field is None:
            continue
        here = merged.get(name, _ABSENT)
        model = _model_in(field.annotation)
        found += _compare(value, here, model, f"/{name}", f"/{name}")
    return tuple(found)


def deviation_faults(
    found: tuple[Difference, ...], stated: tuple[Deviation, ...]
) -> tuple[Fault, ...]:
    """A difference that no one gives a reason for; a reason for no difference."""
    unexplained = [
        Fault(
            difference.at,
            "deviation_unexplained",
            f"与目录清单不一致，须在deviations中写明{difference.path}及理由。",
            f"This differs from the base entry: state {difference.path} and the reason "
            "under deviations.",
        )
        for difference in found
        if not any(_covers(each.path, difference.path) for each in stated)
    ]
    idle = [
        Fault(
            f"/deviations/{position}/path",
            "deviation_without_difference",
            f"{each.path}与目录清单并无不同，请删除该条。",
            f"{each.path} is as the base entry says: remove this entry.",
        )
        for position, each in enumerate(stated)
        if not any(_covers(each.path, difference.path) for difference in found)
    ]
    return (*unexplained, *idle)


def _covers(stated: str, path: str) -> bool:
    return path == stated or path.startswith(stated + "/")


def _merge(below: Source, above: Source, at: str, places: dict[str, Place]) -> Any:
    low, high = below.value, above.value
    if isinstance(low, dict) and isinstance(high, dict):
        places[at] = above.place("")
        return _merge_keys(below, above, at, places)
    name = at.removeprefix("/")
    if name in CODED and _is_coded(low) and _is_coded(high):
        places[at] = above.place("")
        return _merge_coded(below, above, at, places)
    return _take(above, at, places)


def _merge_keys(
    below: Source, above: Source, at: str, places: dict[str, Place]
) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key in [*below.value, *(key for key in above.value if key not in below.value)]:
        step = join([key])
        if key not in above.value:
            part = below.part(step, below.value[key])
            merged[key] = _take(part, at + step, places)
        elif key not in below.value:
            part = above.part(step, above.value[key])
            merged[key] = _take(part, at + step, places)
        elif above.value[key] is None:
            # It is gone, and this is the line that takes it away.
            places[at + step] = above.place(step)
        else:
            merged[key] = _merge(
                below.part(step, below.value[key]),
                above.part(step, above.value[key]),
                at + step,
                places,
            )
    return merged


def _merge_coded(
    below: Source, above: Source, at: str, places: dict[str, Place]
) -> list[Any]:
    changed = {entry["code"]: place for place, entry in enumerate(above.value)}
    inherited = {entry["code"] for entry in below.value}
    merged: list[Any] = []
    for position, entry in enumerate(below.value):
        low = below.part(f"/{position}", entry)
        here = f"{at}/{len(merged)}"
        if entry["code"] not in changed:
            merged.append(_take(low, here, places))
            continue
        row = changed[entry["code"]]
        if above.value[row].get(_REMOVED) is not True:
            high = above.part(f"/{row}", above.value[row])
            merged.append(_merge(low, high, here, places))
    for position, entry in enumerate(above.value):
        # A code that stands twice stays twice: the item's own check says so.
        if entry["code"] not in inherited or changed[entry["code"]] != position:
            part = above.part(f"/{position}", entry)
            merged.append(_take(part, f"{at}/{len(merged)}", places))
    return merged


def _take(source: Source, at: str, places: dict[str, Place]) -> Any:
    places.update({at + path: place for path, place in source.places.items()})
    return source.value


def _is_coded(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("code"), str)
        for entry in value
    )


def _compare(
    inherited: Any,
    here: Any,
    model: type[BaseModel] | None,
    path: str,
    at: str,
) -> Iterator[Difference]:
    if here is _ABSENT:
        if inherited is not None:
            yield Difference(path, at)
    elif isinstance(inherited, dict) and isinstance(here, dict):
        if model is None:
            yield from _compare_free(inherited, here, path, at)
        else:
            yield from _compare_model(inherited, here, model, path, at)
    elif _is_coded(inherited) and _is_coded(here) and path[1:] in CODED:
        yield from _compare_coded(inherited, here, model, path, at)
    elif inherited != here:
        yield Difference(path, at)


def _compare_free(
    inherited: dict[str, Any], here: dict[str, Any], path: str, at: str
) -> Iterator[Difference]:
    for key in {**inherited, **here}:
        step = join([key])
        if key not in inherited:
            yield Difference(path + step, at + step)
        else:
            found = here.get(key, _ABSENT)
            yield from _compare(inherited[key], found, None, path + step, at + step)


def _compare_model(
    inherited: dict[str, Any],
    here: dict[str, Any],
    model: type[BaseModel],
    path: str,
    at: str,
) -> Iterator[Difference]:
    for key, field in model.model_fields.items():
        if key not in inherited and (field.is_required() or key not in here):
            continue
        default = (
            _ABSENT
            if field.is_required()
            else to_jsonable_python(field.get_default(call_default_factory=True))
        )
        low = inherited.get(key, default)
        high = here.get(key, default)
        if low is None and high is None:
            continue
        inner = _model_in(field.annotation)
        yield from _compare(low, high, inner, f"{path}/{key}", f"{at}/{key}")


def _compare_coded(
    inherited: list[dict[str, Any]],
    here: list[dict[str, Any]],
    model: type[BaseModel] | None,
    path: str,
    at: str,
) -> Iterator[Difference]:
    positions = {entry["code"]: place for place, entry in enumerate(here)}
    known = {entry["code"] for entry in inherited}
    for entry in inherited:
        code = entry["code"]
        if code not in positions:
            yield Difference(f"{path}/{code}", at)
            continue
        place = positions[code]
        yield from _compare(
            entry, here[place], model, f"{path}/{code}", f"{at}/{place}"
        )
    for place, entry in enumerate(here):
        if entry["code"] not in known:
            yield Difference(f"{path}/{entry['code']}", f"{at}/{place}")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, types.GenericAlias) or get_args(annotation):
        found = (_model_in(part) for part in get_args(annotation))
        return next((model for model in found if model is not None), None)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None
