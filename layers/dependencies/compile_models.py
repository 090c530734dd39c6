"""Compiles the SDK's models of services ahead, as `compileall` does its bytecode.

botocore reads a service's whole JSON when a client is made: 0.7 MB for DynamoDB, 2.3
for S3, most of it documentation and spaces. Each file gets a marshalled copy beside it,
without documentation, and `endpoints` without services that the layer does not carry.
`zerotrip.runtime.sdk_models` reads the copies; whoever else asks gets the JSON.

    python compile_models.py FOLDER      FOLDER: botocore/data of the layer
"""

from __future__ import annotations

import gzip
import json
import marshal
import sys
from pathlib import Path
from typing import Any

SUFFIX = ".marshal"
READ = ("service-2", "endpoint-rule-set-1", "endpoints", "partitions")
"""What a client needs; paginators, waiters and examples are read by none of ours."""
ALSO_READ = ("sdk-default-configuration", "_retry")


def without_documentation(value: Any) -> Any:
    """The same JSON with texts emptied, and equal strings one object.

    botocore asks some parts for their text by name, so that the name must stay.
    """
    if isinstance(value, dict):
        return {
            sys.intern(name): ""
            if name == "documentation" and isinstance(part, str)
            else without_documentation(part)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [without_documentation(part) for part in value]
    return sys.intern(value) if isinstance(value, str) else value


def only_services(endpoints: dict[str, Any], carried: set[str]) -> dict[str, Any]:
    """The endpoints of the services that the layer carries, by endpoint prefix."""
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {
            name: services[name] for name in services if name in carried
        }
    return endpoints


def compiled(path: Path, carried: set[str]) -> bytes:
    """What the copy of this JSON file holds."""
    raw = path.read_bytes()
    content = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    if _name(path) == "endpoints":
        content = only_services(content, carried)
    return marshal.dumps(without_documentation(content))


def _name(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".json")


def main(folder: Path) -> None:
    """Writes the copies."""
    carried = {path.name for path in folder.iterdir() if path.is_dir()}
    for path in sorted(folder.rglob("*.json*")):
        if _name(path) in READ + ALSO_READ:
            path.with_name(_name(path) + SUFFIX).write_bytes(compiled(path, carried))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
