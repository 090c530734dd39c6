"""Run the partner sandboxes until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path

from .sandboxes import Sandboxes


def main() -> None:
    """Start, say where, wait, stop cleanly."""
    arguments = _arguments()
    asked_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_stop.set())
    sandboxes = Sandboxes(
        arguments.home,
        callback_base=arguments.callback_base,
        compress=arguments.compress,
        pace_seconds=arguments.pace,
    )
    with sandboxes:
        ports = {
            name: int(url.rpartition(":")[2]) for name, url in sandboxes.url.items()
        }
        if arguments.ports_file:
            # Whole or not at all: whoever waits for the file reads it at once.
            part = arguments.ports_file.with_suffix(".part")
            part.write_text(json.dumps(ports), "utf-8")
            part.replace(arguments.ports_file)
        for name, url in sandboxes.url.items():
            print(f"伙伴沙箱已启动 partner sandbox up: {name} {url}", flush=True)
        asked_to_stop.wait()
    print("伙伴沙箱已停止 partner sandboxes stopped", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.partners", description=__doc__
    )
    parser.add_argument(
        "--home", type=Path, required=True, help="folder for keys, ports and orders"
    )
    parser.add_argument("--ports-file", type=Path, help="written when all listen")
    parser.add_argument(
        "--callback-base", help="address of the product's partners API, if known"
    )
    parser.add_argument(
        "--compress", type=float, default=60, help="divide redelivery gaps by this"
    )
    parser.add_argument(
        "--pace", type=float, default=0.25, help="seconds between a parcel's steps"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
