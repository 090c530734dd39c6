"""Starts MiniStack so that a layer is unpacked once, not for every function worker.

Run by the emulator's own interpreter, with `-P`: nothing of ours may be importable in
it, because function workers inherit what it can import. In AWS a layer is one read-only
folder as well; unpacking it anew for each of some thirty workers costs half of their
start.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import tempfile
import threading
import types
import zipfile
from pathlib import Path
from typing import Any

_unpacking = threading.Lock()


class _SharedLayers(zipfile.ZipFile):
    """A zip that unpacks a layer by linking to the one unpacked copy of its content."""

    def extractall(
        self, path: str | os.PathLike[str] | None = None, *others: Any
    ) -> None:
        target = Path(path or ".")
        if not target.name.startswith("layer_") or self.filename is None:
            super().extractall(target, *others)
            return
        content = Path(self.filename).read_bytes()
        layers = Path(tempfile.gettempdir()) / "layers"
        shared = layers / hashlib.sha256(content).hexdigest()[:32]
        with _unpacking:
            if not shared.exists():
                draft = shared.with_suffix(".draft")
                super().extractall(draft)
                draft.replace(shared)
        target.rmdir()
        target.symlink_to(shared, target_is_directory=True)


def main() -> None:
    """The emulator's own main, with layers shared."""
    shared = types.ModuleType("zipfile")
    shared.__dict__.update(vars(zipfile))
    shared.__dict__["ZipFile"] = _SharedLayers
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    runtime.zipfile = shared
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
