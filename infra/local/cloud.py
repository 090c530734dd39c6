"""Starts and stops the laptop cloud: the emulator, the partner sandboxes, the door.

`python -m infra.local.cloud --home DIR` is the process that stays: it holds the home's
lock, keeps the others as its children, and on SIGTERM stops them in order, so that the
emulator can write its state. `Cloud` is what everybody else uses.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from infra.local.door import Door
from infra.local.home import CREDENTIALS, DEFAULT_HOME, REGION, ROOT, Home

EMULATOR = ROOT / ".local" / "emulator" / "bin" / "python"
START_SECONDS = 60
STOP_SECONDS = 60
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


class CloudFailed(RuntimeError):
    """The laptop cloud did not start or stop; the sentence says where to look."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """The laptop cloud of one home, running or not."""

    home: Home

    def running(self) -> bool:
        """Whether a process holds the home's lock."""
        if not self.home.lock_file.exists():
            return False
        with self.home.lock_file.open("r+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def start(
        self, *, until_stdin_closes: bool = False
    ) -> subprocess.Popen[bytes] | None:
        """Starts it and waits until it answers; None if it was running already.

        With `until_stdin_closes` it also ends when the caller does, however it does.
        """
        if self.running():
            self._wait_until_healthy(None)
            return None
        self.home.path.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "infra.local.cloud"]
        command += ["--home", str(self.home.path)]
        if until_stdin_closes:
            command.append("--until-stdin-closes")
        with (self.home.path / "cloud.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.PIPE if until_stdin_closes else subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_healthy(process)
        return process

    def stop(self) -> bool:
        """Stops it and waits for its state to be on disk; False if it did not run."""
        if not self.running():
            return False
        os.kill(int(self.home.lock_file.read_text()), signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self.running():
            if time.monotonic() > deadline:
                raise CloudFailed(f"does not stop; see {self.home.path / 'cloud.log'}")
            time.sleep(0.05)
        return True

    def _wait_until_healthy(self, process: subprocess.Popen[bytes] | None) -> None:
        ready = self.home.path / "ready"
        deadline = time.monotonic() + START_SECONDS
        while not (ready.exists() and self.running()):
            if process is not None and process.poll() is not None:
                raise CloudFailed(f"did not start; see {self.home.path}/*.log")
            if time.monotonic() > deadline:
                raise CloudFailed(f"is not ready; see {self.home.path}/*.log")
            time.sleep(0.05)


def _environment(home: Home) -> dict[str, str]:
    """A clean one: function workers inherit it, so nothing of the caller leaks in."""
    state = home.path / "state"
    scratch = home.path / "scratch"
    # Of a run that was killed: what its function workers had unpacked.
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **CREDENTIALS,
        "GATEWAY_PORT": str(home.ports().emulator),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
        "TMPDIR": str(scratch),
        "AUTH": "true",  # roles, fences and signatures count, as in AWS
        "LOG_LEVEL": "WARNING",
        "LAMBDA_WARM_TTL_SECONDS": "3600",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@contextlib.contextmanager
def _child(
    command: list[str], log: IO[bytes], environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def emulator(home: Home, log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The emulator alone; `await_emulator` says when it answers."""
    # -P: what the emulator can import, function workers can import too.
    command = [str(EMULATOR), "-P", str(Path(__file__).with_name("emulator.py"))]
    with _child(command, log, _environment(home)) as process:
        yield process


def await_emulator(home: Home, process: subprocess.Popen[bytes]) -> None:
    """Waits until it answers. Raises CloudFailed when it ended or takes too long."""
    url = f"{home.endpoint}/_ministack/health"
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise CloudFailed(f"no answer from {url}") from None
            time.sleep(0.05)


def _await_file(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise CloudFailed(f"{path} was not written")
        time.sleep(0.05)


def _serve(home: Home, ended: threading.Event) -> None:
    """Keeps everything running until `ended` is set or one of the children ends."""
    ready = home.path / "ready"
    listening = home.path / "partners" / "listening.json"
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((home.path / "cloud.log").open("ab"))
        stack.callback(shutil.rmtree, home.path / "scratch", ignore_errors=True)
        stack.callback(ready.unlink, missing_ok=True)
        children = [stack.enter_context(emulator(home, log))]
        home.partners_file.parent.mkdir(parents=True, exist_ok=True)
        listening.unlink(missing_ok=True)
        command = [sys.executable, "-m", "infra.local.partners"]
        command += ["--home", str(listening.parent), "--ports-file", str(listening)]
        command += ["--callback-base", home.partners_url]
        children.append(stack.enter_context(_child(command, log)))
        _await_file(listening, children[-1])
        door = stack.enter_context(Door(home))
        threading.Thread(target=door.serve_forever, daemon=True).start()
        stack.callback(door.shutdown)
        await_emulator(home, children[0])
        ready.touch()
        while not ended.wait(0.2):
            for child in children:
                if child.poll() is not None:
                    raise CloudFailed(f"{child.args!r} ended: {child.returncode}")


def _acquire(lock: IO[str]) -> bool:
    for _ in range(20):  # somebody who asks whether it runs holds it for an instant
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def main() -> None:
    """Runs the laptop cloud of one home until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME)
    parser.add_argument("--until-stdin-closes", action="store_true")
    arguments = parser.parse_args()
    home = Home(arguments.home.resolve())
    home.path.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    if arguments.until_stdin_closes:

        def watch_stdin() -> None:
            # Unbuffered: a thread inside a buffered read cannot be left at the end.
            while os.read(sys.stdin.fileno(), 1):
                pass
            ended.set()

        threading.Thread(target=watch_stdin, daemon=True).start()
    with home.lock_file.open("a+") as lock:
        if not _acquire(lock):
            sys.exit(f"already running in {home.path}")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        _serve(home, ended)


if __name__ == "__main__":
    main()
