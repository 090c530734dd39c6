"""Starts MiniStack, mended in two places.

- A layer is unpacked once, not for every function worker. In AWS it is one read-only
  folder as well; unpacking it for each of some thirty workers costs half of their start
  and three gigabytes.
- Stream records outlive a restart. MiniStack keeps how far the relay has read, but not
  the records, so that after a restart it would wait for as many new ones first.

Run by the emulator's own interpreter, with `-P`: nothing of ours may be importable in
it, because function workers inherit what it can import.
"""

from __future__ import annotations

import copy
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


def _share_layers(runtime: Any) -> None:
    shared = types.ModuleType("zipfile")
    shared.__dict__.update(vars(zipfile))
    shared.__dict__["ZipFile"] = _SharedLayers
    runtime.zipfile = shared


def _keep_streams(dynamodb: Any) -> None:
    get_state, load = dynamodb.get_state, dynamodb.load_persisted_state

    def get_state_with_streams() -> dict[str, Any]:
        return {
            **get_state(),
            "stream_records": copy.deepcopy(dynamodb._stream_records),
            "stream_trimmed": copy.deepcopy(dynamodb._stream_trimmed),
        }

    def load_with_streams(state: dict[str, Any]) -> None:
        load(state)
        dynamodb._stream_records.update(state.get("stream_records", {}))
        dynamodb._stream_trimmed.update(state.get("stream_trimmed", {}))

    dynamodb.get_state = get_state_with_streams
    dynamodb.load_persisted_state = load_with_streams


def main() -> None:
    """The emulator's own main, mended."""
    _share_layers(importlib.import_module("ministack.core.lambda_runtime"))
    _keep_streams(importlib.import_module("ministack.services.dynamodb"))
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
