"""The SDK's models of services, read as the dependency layer compiled them ahead.

`layers/dependencies/compile_models.py` puts a marshalled copy beside each JSON file:
without documentation, and `endpoints` with the layer's own services only. Where there
is no copy (tests, another tool's environment) botocore's JSON is read as ever.
"""

from __future__ import annotations

import marshal
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

COMPILED = ".marshal"


class CompiledFiles(JSONFileLoader):
    """Reads the compiled copy of a file where there is one."""

    def load_file(self, file_path: str) -> Any:
        """The content of `file_path`, which names no ending; None if there is none."""
        try:
            with open(file_path + COMPILED, "rb") as file:
                # Written by our own build, in a layer that nobody can change.
                return marshal.loads(file.read())  # noqa: S302
        except FileNotFoundError:
            return super().load_file(file_path)


def use_compiled_models(session: Any) -> None:
    """Has a botocore session read compiled models; before its first client."""
    loader = Loader(file_loader=CompiledFiles())
    session.register_component("data_loader", loader)
