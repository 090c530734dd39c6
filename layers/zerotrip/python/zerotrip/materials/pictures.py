"""A photograph or scan decoded: whole, and of bounded size. Pure.

A small file may unpack to gigabytes, so its header is asked before anything else is.
"""

from __future__ import annotations

import re

from zerotrip.kernel.errors import Fault
from zerotrip.materials import faults
from zerotrip.materials.bounded import TookTooLong, cpu_bounded

MOST_PIXELS = 50_000_000
"""A large photograph of a telephone has 50 million, an A4 sheet at 600 dpi 35."""
MOST_PASSES = 30
"""Over one photograph (progressive JPEG): encoders make about ten. Each costs a decoder
the whole picture anew, 40 ms of the largest."""
_SMALLER = 8
"""JPEG decodes to an eighth: every byte is read, a 64th of the memory is used."""

_JPEG_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_JPEG_SCAN = b"\xff\xda"


def picture_fault(path: str, content: bytes, name: str) -> Fault | None:
    """What is wrong with a `JPEG` or `PNG`, as a fault at `path`; None: nothing is."""
    import io
    import warnings

    from PIL import Image

    if name == "JPEG" and _passes(content) > MOST_PASSES:
        return faults.too_complex(path, name)
    try:
        with cpu_bounded(), warnings.catch_warnings():
            # It warns of pictures that are refused here.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=[name]) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    return faults.too_many_pixels(path, MOST_PIXELS)
                picture.verify()
            # What was verified must be opened anew, says the library.
            with Image.open(io.BytesIO(content), formats=[name]) as picture:
                smaller = (picture.width // _SMALLER, picture.height // _SMALLER)
                picture.draft(None, (max(smaller[0], 1), max(smaller[1], 1)))
                picture.load()
    except Image.DecompressionBombError:
        return faults.too_many_pixels(path, MOST_PIXELS)
    except (MemoryError, TookTooLong):
        return faults.too_complex(path, name)
    except Exception:  # noqa: BLE001  (a decoder fails on hostile bytes in any way)
        return faults.damaged(path, name)
    return None


def _passes(content: bytes) -> int:
    """How often a JPEG's decoder goes over the picture: scans before its end mark."""
    passes = 0
    for found in _JPEG_MARKER.finditer(content, content.find(_JPEG_SCAN)):
        if found[1] == b"\xd9":
            break
        passes += found[1] == b"\xda"
    return passes
