"""Sends a partner's callbacks until they are acknowledged, in every bad way.

Only 2xx acknowledges; a redirect is a failure and is not followed. What a callback
says is built anew for each attempt, so that its timestamp is the attempt's.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from typing import Any

import urllib3

Wire = tuple[dict[str, str], bytes]
_LOOK_AGAIN_SECONDS = 0.2  # for a target that is not known yet


class Scheduler:
    """Calls things later, on a few threads; what is due first goes first."""

    def __init__(self, threads: int = 8) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._ticket = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="callback")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        with self._changed:
            if self._stopped:
                return
            due = time.monotonic() + seconds
            heapq.heappush(self._due, (due, next(self._ticket), call))
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopped:
                    return
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, call = heapq.heappop(self._due)
            self._pool.submit(call).add_done_callback(_show_error)


def _show_error(done: Future[None]) -> None:
    # A pool keeps errors to itself otherwise, and a callback would just not come.
    if not done.cancelled() and (error := done.exception()) is not None:
        traceback.print_exception(error)


@dataclass
class Callback:
    """One thing to tell; `id` is the same at each attempt, `about` the order."""

    id: str
    about: str
    build: Callable[[], Wire]
    target: Callable[[], str | None]
    attempts: int = 0
    acknowledged: bool = False
    abandoned: bool = False


@dataclass
class Policy:
    """How callbacks are mishandled on purpose, until it is changed again.

    duplicates: extra copies of each · delay_seconds: before the first attempt ·
    reorder_seconds: those of a window leave newest first · hold: none leaves.
    """

    duplicates: int = 0
    delay_seconds: float = 0.0
    reorder_seconds: float = 0.0
    hold: bool = False


@dataclass
class Counters:
    """What happened on the wire, duplicates and retries included."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    unreachable: int = 0
    abandoned: int = 0


@dataclass
class Callbacks:
    """The callbacks of one sandbox. `schedule_seconds` are the gaps of redelivery."""

    scheduler: Scheduler
    schedule_seconds: Sequence[float]
    timeout_seconds: float = 5.0
    policy: Policy = field(default_factory=Policy)
    counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        self._http = urllib3.PoolManager(maxsize=8)
        self._lock = threading.Lock()
        self._pending: dict[str, Callback] = {}
        self._window: list[Callback] = []
        self._held: list[Callback] = []

    def submit(self, callback: Callback) -> None:
        """Begin to send, as the policy of this moment says."""
        policy = replace(self.policy)
        with self._lock:
            self._pending[callback.id] = callback
            if policy.hold:
                self._held.append(callback)
                return
            if policy.reorder_seconds:
                self._window.append(callback)
                if len(self._window) == 1:
                    self.scheduler.later(policy.reorder_seconds, self._flush_window)
                return
        self._launch(callback, policy)

    def set_policy(self, values: dict[str, Any]) -> Policy:
        """Replace the policy; held callbacks leave when `hold` ends."""
        self.policy = Policy(**values)
        if not self.policy.hold:
            with self._lock:
                held, self._held = self._held, []
            for callback in held:
                self.submit(callback)
        return self.policy

    def forget(self) -> None:
        """Send nothing more of what is not acknowledged yet."""
        with self._lock:
            for callback in self._pending.values():
                callback.abandoned = True
            self._pending.clear()
            self._window.clear()
            self._held.clear()

    @property
    def pending(self) -> list[Callback]:
        with self._lock:
            return list(self._pending.values())

    def send_once(self, url: str, wire: Wire) -> tuple[int, bytes]:
        """One attempt now; the receiver's status (0 when unreachable) and body."""
        headers, body = wire
        self._count("sent")
        try:
            answer = self._http.request(
                "POST",
                url,
                body=body,
                headers=headers,
                timeout=self.timeout_seconds,
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError:
            self._count("unreachable")
            return 0, b""
        accepted = HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES
        self._count("acknowledged" if accepted else "refused")
        return answer.status, answer.data

    def _launch(self, callback: Callback, policy: Policy) -> None:
        for _ in range(1 + policy.duplicates):
            self.scheduler.later(
                policy.delay_seconds, lambda: self._attempt(callback, again=False)
            )

    def _flush_window(self) -> None:
        with self._lock:
            window, self._window = self._window, []
        # Spaced, or the threads would undo the order that is asked for.
        for place, callback in enumerate(reversed(window)):
            self.scheduler.later(
                place * 0.05, partial(self._launch, callback, self.policy)
            )

    def _attempt(self, callback: Callback, *, again: bool) -> None:
        if callback.abandoned or (again and callback.acknowledged):
            return
        url = callback.target()
        if url is None:
            self.scheduler.later(
                _LOOK_AGAIN_SECONDS, lambda: self._attempt(callback, again=again)
            )
            return
        status, _ = self.send_once(url, callback.build())
        with self._lock:
            callback.attempts += 1
            if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                callback.acknowledged = True
                self._pending.pop(callback.id, None)
                return
            if callback.attempts > len(self.schedule_seconds):
                callback.abandoned = True
                self.counters.abandoned += 1
                self._pending.pop(callback.id, None)
                return
            gap_seconds = self.schedule_seconds[callback.attempts - 1]
        self.scheduler.later(gap_seconds, lambda: self._attempt(callback, again=True))

    def _count(self, what: str) -> None:
        with self._lock:
            setattr(self.counters, what, getattr(self.counters, what) + 1)
