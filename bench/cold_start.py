"""CPU of import plus first invocation, per function, in fresh interpreters.

Each interpreter runs on the built layers, with Lambda's variables set, against a
replay of what AWS and partners answered when the invocation was recorded. The replay
runs in this process, so its work is not counted; making and reading HTTP is, TLS is
not. The yardstick, one bare boto3 client, runs after each of them.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import recording
from bench.cloud import FUNCTIONS, PREFIX
from bench.recording import Recording
from bench.screen import measured, say, table
from bench.wire import Replay
from infra.local.deploy import BUILD
from infra.local.home import CREDENTIALS, REGION, ROOT

AIM, HTTP_AIM, SIGNING_AIM = 1.6, 2.0, 3.5
ROUNDS = 7
KEPT_SECONDS = 120
"""How long a recording is used: partners' callbacks and tokens age, code moves on."""
AGEING = ("partner_webhooks", "authorise")
"""Measured first: a callback is refused after five minutes, a token after fifteen."""
HTTP = {
    "applicant_api", "staff_api", "public_api", "catalogue_api", "partner_webhooks",
    "authorise",
}  # fmt: skip
FURTHER_LAYERS = {
    "sign_licence": "RenderingLayer",
    "register_licence": "RenderingLayer",
    "receive_material": "InspectingLayer",
    "publish_item": "PublishingLayer",
    "": "RenderingLayer",
}
"""Layers that some functions have besides (`template.yaml`); "" is the yardstick."""
LAYER = ROOT / ".local" / "bench" / "zerotrip"


class NotAsRecorded(RuntimeError):
    """The function asked for something else than when it was recorded."""


@dataclass
class Figures:
    """CPU milliseconds of each round, and the yardstick's that ran just after it.

    On a machine that others use as well CPU time itself goes up and down; two
    neighbours go up and down together.
    """

    import_ms: list[float] = field(default_factory=list)
    invoke_ms: list[float] = field(default_factory=list)
    unit_ms: list[float] = field(default_factory=list)

    def add(self, result: dict[str, Any], unit_ms: float) -> None:
        """One round's result."""
        self.import_ms.append(result["import_ms"])
        self.invoke_ms.append(result["invoke_ms"])
        self.unit_ms.append(unit_ms)

    def _each(self) -> list[float]:
        pairs = zip(self.import_ms, self.invoke_ms, strict=True)
        return [imported + invoked for imported, invoked in pairs]

    @property
    def cpu_ms(self) -> float:
        """Median of the whole."""
        return statistics.median(self._each())

    @property
    def ratio(self) -> float:
        """Median of each round's cost over its own yardstick."""
        pairs = zip(self._each(), self.unit_ms, strict=True)
        return statistics.median(cost / unit for cost, unit in pairs)


def run(functions: list[str], rounds: int = ROUNDS) -> None:
    """Measures the named functions, all of them if none is named."""
    chosen = recordings(functions)
    build_layer()
    figures = measure(chosen, rounds)
    report(figures)


def aim_of(function: str) -> float:
    """The ratio that a cold start of the function should not pass."""
    if function == "sign_licence":
        return SIGNING_AIM
    return HTTP_AIM if function in HTTP else AIM


def recordings(functions: list[str]) -> list[Recording]:
    """What was recorded; taken first where nothing is, or what is has grown old."""
    if recording.age_seconds() > KEPT_SECONDS:
        recording.record()
    names = functions or list(FUNCTIONS)
    found = [recording.load(name) for name in names]
    kept = [each for each in found if each is not None]
    return sorted(kept, key=lambda each: each.function not in AGEING)


def build_layer() -> None:
    """Our own layer by its own Makefile; the others as `sam build` left them."""
    shutil.rmtree(LAYER, ignore_errors=True)
    command = ["make", "-s", "-C", str(ROOT / "layers" / "zerotrip")]
    command += ["build-ZerotripLayer", f"ARTIFACTS_DIR={LAYER}"]
    subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603


def measure(chosen: list[Recording], rounds: int) -> dict[str, Figures]:
    """Figures by function, in the order in which they were measured."""
    figures: dict[str, Figures] = {}
    for each in chosen:
        say(f"冷启动 {each.function}", f"{rounds} fresh interpreters")
        figures[each.function] = Figures()
        for _ in range(rounds):
            result = first_invocation(each)
            figures[each.function].add(result, yardstick_ms())
    return figures


def yardstick_ms() -> float:
    """CPU of one bare boto3 client in an interpreter of its own."""
    result = child({"client": "dynamodb"}, {}, "")
    return float(result["import_ms"] + result["invoke_ms"])


def first_invocation(recorded: Recording, under: Sequence[str] = ()) -> dict[str, Any]:
    """One cold start, `under` a command that counts something else than CPU.

    Raises NotAsRecorded when its calls differ from the recording.
    """
    with Replay(recorded.calls) as replay:
        settings = {
            name: value.replace("{{server}}", replay.url)
            for name, value in recorded.environment.items()
        }
        settings["AWS_ENDPOINT_URL"] = replay.url
        settings["AWS_LAMBDA_FUNCTION_NAME"] = PREFIX + recorded.function
        job = {"handler": recorded.handler, "event": recorded.event}
        result = child(job, settings, recorded.function, under)
        if replay.strange or replay.unasked or "error" in result:
            raise NotAsRecorded(
                f"{recorded.function}: asked {replay.strange}, did not ask "
                f"{replay.unasked}, {result.get('error', '')} "
                f"{result.get('message', '')}; record again: python -m bench record"
            )
    return result


def child(
    job: dict[str, Any],
    settings: dict[str, str],
    function: str,
    under: Sequence[str] = (),
) -> dict[str, Any]:
    """Runs `invoke_once.py` as Lambda would run the function."""
    layers = [LAYER, BUILD / "DependenciesLayer"]
    if function in FURTHER_LAYERS:
        layers.append(BUILD / FURTHER_LAYERS[function])
    paths = [str(layer / "python") for layer in layers]
    if function:
        paths.insert(0, str(ROOT / "functions" / function))
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        **CREDENTIALS,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_XRAY_SDK_ENABLED": "false",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(paths),
        **settings,
    }
    interpreter = Path(sys.base_prefix) / "bin" / "python3.11"
    once = Path(__file__).with_name("invoke_once.py")
    with tempfile.TemporaryDirectory() as folder:
        answered = Path(folder) / "answer.json"
        subprocess.run(  # noqa: S603
            [*under, str(interpreter), "-s", "-P", str(once), str(answered)],
            input=json.dumps(job),
            text=True,
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        result: dict[str, Any] = json.loads(answered.read_text(encoding="utf-8"))
    return result


def report(figures: dict[str, Figures]) -> None:
    """JSON lines and the table."""
    unit = statistics.median(ms for each in figures.values() for ms in each.unit_ms)
    measured("cold_start", function="boto3_client", cpu_ms=round(unit, 1), ratio=1.0)
    rows: list[list[Any]] = [["boto3 client", unit, None, None, 1.0, None]]
    for function, each in sorted(figures.items()):
        aim = aim_of(function)
        imported = statistics.median(each.import_ms)
        measured(
            "cold_start",
            function=function,
            cpu_ms=round(each.cpu_ms, 1),
            import_ms=round(imported, 1),
            ratio=round(each.ratio, 2),
            aim=aim,
        )
        invoked = statistics.median(each.invoke_ms)
        rows.append([function, each.cpu_ms, imported, invoked, each.ratio, aim])
    heads = ["函数 function", "CPU ms", "导入 import", "首次调用 first", "倍 ×", "aim"]
    table("冷启动 · cold starts (user + system time, medians)", heads, rows)
