"""The Makefile's way to the laptop cloud: `python -m infra.local.commands up`.

up       start it, build, deploy, seed; state stays under .local/cloud
down     stop it; the state is written
publish  check and publish the folders of catalogue/
officers register organisations and officers: `officers list`, `officers --help`
logs     what the functions logged, the newest last
reset    stop it and forget everything
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

from infra.local.cloud import Cloud, CloudFailed
from infra.local.deploy import DeployFailed, Outputs, deploy, say
from infra.local.home import DEFAULT_HOME, REGION, ROOT, TENANT, Home, read_json


def up(home: Home) -> None:
    """Starts, deploys and says where everything is."""
    say("正在启动本机云", "starting the laptop cloud")
    Cloud(home).start()
    deploy(home)
    say("接口地址", f"API {home.api_url}")
    say("合作方回调", f"partners' API {home.partners_url}")
    say("AWS 端点", f"AWS endpoint {home.endpoint}")


def down(home: Home) -> None:
    """Stops it, if it runs."""
    stopped = Cloud(home).stop()
    say(*(("已停止", "stopped") if stopped else ("未在运行", "was not running")))


def reset(home: Home) -> None:
    """Stops it and removes its directory."""
    Cloud(home).stop()
    shutil.rmtree(home.path, ignore_errors=True)
    say("本机云数据已清除", "the laptop cloud's state is gone")


def publish(home: Home) -> int:
    """Publishes every item folder; 1 if one was refused."""
    from zerotrip.catalogue import commands

    outputs = deployed(home)
    options = {
        "--tenant": TENANT,
        "--actor": "operator",
        "--table": outputs["CatalogueTable"],
        "--bucket": outputs["CatalogueBucket"],
        "--region": REGION,
        "--endpoint": home.endpoint,
        "--catalogue": str(ROOT / "catalogue"),
    }
    pairs = [text for pair in options.items() for text in pair]
    return commands.main(["publish", *pairs], lambda line: print(line, flush=True))


def logs(home: Home, step: str | None, minutes: int) -> None:
    """Prints what the functions logged in the last `minutes`, by time."""
    client = home.client("logs")
    prefix = f"/aws/lambda/zerotrip-local-{step or ''}"
    since = int((time.time() - minutes * 60) * 1000)
    lines = []
    groups = client.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
    for group in groups:
        name = group["logGroupName"]
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=name, startTime=since
        )
        for page in pages:
            for event in page["events"]:
                short = name.rpartition("local-")[2]
                lines.append((event["timestamp"], short, event["message"].rstrip()))
    for _, short, message in sorted(lines):
        print(f"{short:17} {message}")


def officers(home: Home, rest: list[str]) -> int:
    """Passes `rest` on to the identity package's commands, with this cloud's names."""
    outputs = deployed(home)
    environment = {
        **home.environment(),
        "ZEROTRIP_TENANT": TENANT,
        "IDENTITY_TABLE": outputs["IdentityTable"],
        "IDENTITY_HASH_SECRET": outputs["IdentityHashSecret"],
    }
    command = [sys.executable, "-m", "zerotrip.identity.commands", *rest]
    return subprocess.run(command, env=environment, cwd=ROOT, check=False).returncode


def deployed(home: Home) -> Outputs:
    """The outputs of the last deployment; ends with a sentence if there is none."""
    found = read_json(home.deployed_file)
    if not found:
        sys.exit("✗ 请先执行 make up · run `make up` first")
    return Outputs(found["outputs"])


def main() -> int:
    """Runs one command; 1 with a sentence if it failed."""
    parser = argparse.ArgumentParser(prog="infra.local.commands")
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "down", "publish", "reset", "where"):
        commands.add_parser(name)
    passed_on = commands.add_parser("officers", add_help=False)
    passed_on.add_argument("rest", nargs=argparse.REMAINDER)
    reader = commands.add_parser("logs")
    reader.add_argument("--step", help="one function, as in functions/")
    reader.add_argument("--minutes", type=int, default=15)
    arguments = parser.parse_args()
    home = Home(arguments.home.resolve())
    try:
        if arguments.command == "logs":
            logs(home, arguments.step, arguments.minutes)
        elif arguments.command == "officers":
            return officers(home, arguments.rest)
        elif arguments.command == "publish":
            return publish(home)
        elif arguments.command == "where":
            deployed(home)
            print(home.api_url)
        else:
            {"up": up, "down": down, "reset": reset}[arguments.command](home)
    except (CloudFailed, DeployFailed) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
