"""A PDF opened up: whole, not locked, of bounded size, and nothing in it acts. Pure.

Source: ISO 32000-1, 7.5.7 (object streams), 7.7.3 (page tree), 12.6 (actions). What is
compressed is opened too, but never a page's content or a picture: those only paint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zerotrip.kernel.errors import Fault
from zerotrip.materials import faults
from zerotrip.materials.bounded import TookTooLong, cpu_bounded

if TYPE_CHECKING:
    from pypdf import PdfReader
    from pypdf.generic import DictionaryObject

MOST_PAGES = 200
MOST_OBJECTS = 25_000
"""A tagged text of 200 pages has some 20,000, which take 1.3 s to look through."""
MOST_UNPACKED_BYTES = 8 * 1024 * 1024
"""Of one compressed part; parts of objects hold 10 to 100 KB in honest files."""
_MOST_CHAINED_ACTIONS = 10

_ACTING = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/SubmitForm",
        "/ImportData",
        "/GoToE",  # into a file that is packed inside
        "/GoToR",  # into a file elsewhere: opening it can send a password's hash
        "/Rendition",
        "/RichMediaExecute",
        "/Movie",
        "/Sound",
    }
)
"""Kinds of action (`/S`) that do more than turn to a page of the same file."""
_TURNS_PAGES = frozenset({"/GoTo", "/Named"})
"""What may happen by itself when the file or a page is opened."""
_PLAYERS = frozenset({"/RichMedia", "/Screen", "/Movie", "/Sound", "/3D"})
_PACKED_FILE_KEYS = frozenset({"/F", "/UF", "/DOS", "/Mac", "/Unix"})

# A name may spell any character as #xx (7.3.5), which hides it from eyes.
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_ACTIVE_NAME = re.compile(rb"/(?:JavaScript|Launch|RichMedia)\b")
_ENCRYPTED_NAME = re.compile(rb"/Encrypt\b")
_MARKUP = re.compile(rb"<(?:script|html|svg|iframe|!doctype)\b", re.IGNORECASE)
_MARKUP_WINDOW_BYTES = 1024  # as far as browsers look when they guess a type


def pdf_fault(path: str, content: bytes) -> Fault | None:
    """What is wrong inside a PDF, as a fault at `path`; None when nothing is.

    First the bytes as they stand, which no parser's reading of them can hide; then
    what the file's own tables lead to.
    """
    return _fault_as_it_stands(path, content) or _fault_inside(path, content)


def _fault_as_it_stands(path: str, content: bytes) -> Fault | None:
    plain = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), content)
    if _ENCRYPTED_NAME.search(plain):
        return faults.locked(path)
    markup = _MARKUP.search(content[:_MARKUP_WINDOW_BYTES])
    if markup or _ACTIVE_NAME.search(plain):
        return faults.active(path)
    return None


def _fault_inside(path: str, content: bytes) -> Fault | None:
    import io
    import logging

    from pypdf import PdfReader, apply_configuration
    from pypdf.errors import LimitReachedError

    # Its warnings repeat what stands in the file, which is somebody's.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)
    bounds: dict[str, Any] = {
        "zlib_maximum_output_length": MOST_UNPACKED_BYTES,
        "lzw_maximum_output_length": MOST_UNPACKED_BYTES,
        "run_length_maximum_output_length": MOST_UNPACKED_BYTES,
        "page_tree_maximum_entries": 4 * MOST_PAGES,
    }
    try:
        with cpu_bounded(), apply_configuration(**bounds):
            reader = PdfReader(
                io.BytesIO(content), xref_stream_maximum_entries=2 * MOST_OBJECTS
            )
            return _fault_of(path, reader)
    except (LimitReachedError, MemoryError, TookTooLong):
        return faults.too_complex(path, "PDF")
    except Exception:  # noqa: BLE001  (a parser fails on hostile bytes in any way)
        return faults.damaged(path, "PDF")


def _fault_of(path: str, reader: PdfReader) -> Fault | None:
    if reader.is_encrypted:
        return faults.locked(path)
    if _number_of_objects(reader) > MOST_OBJECTS:
        return faults.too_complex(path, "PDF")
    for one in _objects(reader):
        for found in _dictionaries(one):
            if _packs_a_file(found):
                return faults.has_files(path)
            if _acts(found):
                return faults.active(path)
    return _fault_of_pages(path, reader)


def _fault_of_pages(path: str, reader: PdfReader) -> Fault | None:
    from pypdf.errors import LimitReachedError
    from pypdf.generic import DictionaryObject

    if not isinstance(_value(reader.root_object, "/Pages"), DictionaryObject):
        return faults.damaged(path, "PDF")
    try:
        count = reader.get_num_pages()
    except LimitReachedError:  # it did not even count to the end
        count = MOST_PAGES + 1
    if count > MOST_PAGES:
        return faults.too_many_pages(path, MOST_PAGES)
    return faults.damaged(path, "PDF") if count == 0 else None


def _number_of_objects(reader: PdfReader) -> int:
    return sum(map(len, reader.xref.values())) + len(reader.xref_objStm)


def _objects(reader: PdfReader) -> Iterator[Any]:
    """The trailer and every object that a viewer can reach.

    An object outside compressed parts that cannot be read is passed over: broken ones
    occur in honest files, and its bytes were searched as they stand.
    """
    from pypdf.errors import LimitReachedError
    from pypdf.generic import IndirectObject

    yield reader.trailer
    for number in reader.xref_objStm:
        yield reader.get_object(IndirectObject(number, 0, reader))
    for generation, places in reader.xref.items():
        for number in places:
            try:
                found = reader.get_object(IndirectObject(number, generation, reader))
            except (LimitReachedError, MemoryError):
                raise
            except Exception:  # noqa: BLE001, S112  (see above)
                continue
            yield found


def _dictionaries(one: Any) -> Iterator[DictionaryObject]:
    """The dictionaries of one object, nested ones too; other objects are not entered.

    A stream is one as well: its dictionary is what counts.
    """
    from pypdf.generic import ArrayObject, DictionaryObject

    waiting = [one]
    while waiting:
        found = waiting.pop()
        if isinstance(found, DictionaryObject):
            yield found
            waiting += dict.values(found)
        elif isinstance(found, ArrayObject):
            waiting += list.__iter__(found)


def _packs_a_file(found: DictionaryObject) -> bool:
    if "/EmbeddedFiles" in found or _name(found, "/Type") == "/EmbeddedFile":
        return True
    packed = _value(found, "/EF")
    return isinstance(packed, dict) and bool(_PACKED_FILE_KEYS & packed.keys())


def _acts(found: DictionaryObject) -> bool:
    if _name(found, "/S") in _ACTING or "/XFA" in found:
        return True
    if _name(found, "/Subtype") in _PLAYERS:
        return True
    starts = [_value(found, "/OpenAction")]
    additional = _value(found, "/AA")
    if isinstance(additional, dict):
        starts += [_value(additional, key) for key in additional]
    return any(_more_than_turns_pages(start) for start in starts)


def _more_than_turns_pages(action: Any) -> bool:
    """Whether an action that runs by itself does more; a destination has no kind."""
    for _ in range(_MOST_CHAINED_ACTIONS):
        if not isinstance(action, dict) or "/S" not in action:
            return False
        following = _value(action, "/Next")
        if _name(action, "/S") not in _TURNS_PAGES or isinstance(following, list):
            return True
        action = following
    return True


def _value(found: Any, key: str) -> Any:
    """A dictionary's value, its reference followed; None when there is none."""
    value = dict.get(found, key)
    return None if value is None else value.get_object()


def _name(found: Any, key: str) -> str | None:
    """A value that is a name (`/GoTo`), as it is meant: `#xx` is read already."""
    value = _value(found, key)
    return str(value) if isinstance(value, str) else None
