"""`python -m zerotrip.web.openapi [--check]`: writes the document, or compares it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from zerotrip.web.openapi.document import document

COMMITTED = Path("events/openapi/zerotrip-v1.json")
COMMAND = "python -m zerotrip.web.openapi"


def rendered() -> str:
    """The document as it is committed."""
    return json.dumps(document(), ensure_ascii=False, indent=2) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Exit code 1 when `--check` finds another document in the file."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="只比较 · compare only")
    parser.add_argument("--file", type=Path, default=COMMITTED)
    chosen = parser.parse_args(arguments)
    now = rendered()
    if not chosen.check:
        chosen.file.parent.mkdir(parents=True, exist_ok=True)
        chosen.file.write_text(now, encoding="utf-8")
        sys.stdout.write(f"已写入 · written: {chosen.file}\n")
        return 0
    if chosen.file.exists() and chosen.file.read_text(encoding="utf-8") == now:
        return 0
    sys.stderr.write(
        f"{chosen.file} 已过期，请运行 · is out of date, please run: {COMMAND}\n"
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
