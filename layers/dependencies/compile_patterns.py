"""Compiles regular expressions ahead, as `compileall` does bytecode.

The SDK alone compiles a hundred when it is imported, in Python: a twentieth of a cold
start. This imports what the layer's packages import, notes what each pattern became,
and writes that into one file, which `zerotrip.kernel.ahead` looks things up in.

    python compile_patterns.py FOLDER FILE     FOLDER: the layer's packages
"""

from __future__ import annotations

import _sre
import re
import sys
from typing import Any

Known = dict[tuple[str | bytes, int], tuple[Any, ...]]
known: Known = {}
_compile = re._compiler.compile  # type: ignore[attr-defined]


def _noting(pattern: Any, flags: int = 0) -> Any:
    if not isinstance(pattern, str | bytes):
        return _compile(pattern, flags)
    noted = _Noted()
    re._compiler._sre = noted  # type: ignore[attr-defined]
    try:
        made = _compile(pattern, flags)
    finally:
        re._compiler._sre = _sre  # type: ignore[attr-defined]
    known[pattern, int(flags)] = noted.parts
    return made


class _Noted:
    """Stands before `_sre` while one pattern is compiled."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_sre, name)

    def compile(  # noqa: PLR0917  (as `_sre` is called)
        self, pattern: Any, flags: int, code: Any, groups: int, names: Any, order: Any
    ) -> Any:
        plain = [int(each) for each in code]
        self.parts = (int(flags), plain, groups, dict(names), tuple(order))
        return _sre.compile(pattern, *self.parts)


SERVICES = ("dynamodb", "events", "kms", "s3", "secretsmanager", "sqs")
PACKAGES = (
    "pynamodb.models", "pynamodb.transactions", "urllib3", "jmespath", "jwt",
    "chalice.app", "aws_lambda_powertools.logging",
    "aws_lambda_powertools.utilities.batch", "pydantic.main", "pydantic.types",
    "pydantic.networks", "pydantic.json_schema", "cryptography.x509", "jsonschema",
    "zoneinfo", "uuid",
)  # fmt: skip


def load() -> list[str]:
    """Loads what the functions load; answers what this machine cannot load."""
    from importlib import import_module

    from botocore.session import get_session

    session = get_session()
    for service in SERVICES:
        session.create_client(
            service,
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",  # noqa: S106  (no call is made)
        )
    missing = []
    for name in PACKAGES:
        try:
            import_module(name)
        except ImportError:  # built for another processor
            missing.append(name)
    return missing


def main(folder: str, file: str) -> None:
    """Writes what was compiled, and for which regular expressions it holds."""
    sys.path.insert(0, folder)
    re._compiler.compile = _noting  # type: ignore[attr-defined]
    missing = load()
    import marshal
    from pathlib import Path

    said = {"magic": _sre.MAGIC, "code_size": _sre.CODESIZE, "patterns": known}
    Path(file).write_bytes(marshal.dumps(said))
    if missing:
        sys.stderr.write(f"patterns not compiled ahead: {', '.join(missing)}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
