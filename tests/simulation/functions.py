"""Lambda in memory: the real handlers of `functions/`, a fresh module per worker."""

from __future__ import annotations

import functools
import itertools
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tests.simulation import template
from tests.simulation.scheduler import Actor, Scheduler

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
Ended = Callable[[Any, BaseException | None], None]


@dataclass
class Context:
    """Lambda's context object."""

    function_name: str
    aws_request_id: str
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:local:000000000000:function:simulated"


@dataclass
class Functions:
    """Workers by function. One serves one invocation at a time; a dead one is gone.

    `concurrency` bounds each function's workers.
    """

    scheduler: Scheduler
    concurrency: int = 20
    running: Counter[str] = field(default_factory=Counter)
    invocations: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    _idle: dict[str, list[Callable[..., Any]]] = field(default_factory=dict)
    _requests: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def free(self, name: str) -> bool:
        """Whether another invocation of it may start."""
        return self.running[name] < self.concurrency

    def invoke(self, name: str, event: Any, ended: Ended) -> Actor:
        """Starts an invocation; `ended` gets its result, or what ended it."""
        idle = self._idle.setdefault(name, [])
        worker = idle.pop() if idle else _worker(name)
        context = Context(name, f"request-{next(self._requests):06}")
        self.running[name] += 1
        self.invocations[name] += 1

        def finished(_: Actor, result: Any, error: BaseException | None) -> None:
            self.running[name] -= 1
            if error is None:
                idle.append(worker)
            elif isinstance(error, Exception):
                self.failed[f"{name}: {type(error).__name__}"] += 1
                idle.append(worker)
            else:
                self.killed[name] += 1
            ended(result, error)

        return self.scheduler.spawn(
            name,
            lambda: worker(event, context),
            finished,
            template.timeout_seconds(name),
        )


@functools.cache
def _compiled(name: str) -> tuple[CodeType, str]:
    folder = FUNCTIONS / name
    path = folder / f"{name}.py"
    entry = "handler"
    if not path.exists():
        path, entry = folder / "app.py", "app"
    return compile(path.read_text("utf-8"), str(path), "exec"), entry


def _worker(name: str) -> Callable[..., Any]:
    """A cold start: the module runs anew, the layers' modules are there already."""
    code, entry = _compiled(name)
    module = ModuleType(f"simulated_{name}")
    module.__file__ = code.co_filename
    sys.modules[module.__name__] = module  # where dataclasses look their names up
    exec(code, module.__dict__)  # noqa: S102 - the product's own handler
    handler: Callable[..., Any] = getattr(module, entry)
    return handler
