"""Starts MiniStack, mended in four places.

- A layer is unpacked once, not for every function worker. In AWS it is one read-only
  folder as well; unpacking it for each of some thirty workers costs half of their start
  and three gigabytes.
- Stream records outlive a restart. MiniStack keeps how far the relay has read, but not
  the records, so that after a restart it would wait for as many new ones first.
- Roles are enforced (`AUTH=true`), and so that our fences hold, each request to
  DynamoDB carries `dynamodb:LeadingKeys`, as in AWS: the partition keys that it names,
  for a transaction item by item. The laptop's own HTTP counts as TLS.
- A queue that is read with a batching window is read when the window is over or the
  batch full. MiniStack reads at once, so that each event would be an object by itself.

Run by the emulator's own interpreter, with `-P`: nothing of ours may be importable in
it, because function workers inherit what it can import.
"""

from __future__ import annotations

import copy
import hashlib
import importlib
import inspect
import json
import os
import re
import tempfile
import textwrap
import threading
import time
import types
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_unpacking = threading.Lock()
_NAMED = "zerotrip:named-keys"
_PARTITION_KEYS = {"pk", "due_pk", "work_pk", "subject_pk"}  # of our tables and indexes
_ITEM_ACTIONS = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}


class _SharedLayers(zipfile.ZipFile):
    """A zip that unpacks a layer by linking to the one unpacked copy of its content."""

    def extractall(
        self, path: str | os.PathLike[str] | None = None, *others: Any
    ) -> None:
        target = Path(path or ".")
        if not target.name.startswith("layer_") or self.filename is None:
            super().extractall(target, *others)
            return
        content = Path(self.filename).read_bytes()
        layers = Path(tempfile.gettempdir()) / "layers"
        shared = layers / hashlib.sha256(content).hexdigest()[:32]
        with _unpacking:
            if not shared.exists():
                draft = shared.with_suffix(".draft")
                super().extractall(draft)
                draft.replace(shared)
        target.rmdir()
        target.symlink_to(shared, target_is_directory=True)


def _share_layers(runtime: Any) -> None:
    shared = types.ModuleType("zipfile")
    shared.__dict__.update(vars(zipfile))
    shared.__dict__["ZipFile"] = _SharedLayers
    runtime.zipfile = shared


def _keep_streams(dynamodb: Any) -> None:
    get_state, load = dynamodb.get_state, dynamodb.load_persisted_state

    def get_state_with_streams() -> dict[str, Any]:
        return {
            **get_state(),
            "stream_records": copy.deepcopy(dynamodb._stream_records),
            "stream_trimmed": copy.deepcopy(dynamodb._stream_trimmed),
        }

    def load_with_streams(state: dict[str, Any]) -> None:
        load(state)
        dynamodb._stream_records.update(state.get("stream_records", {}))
        dynamodb._stream_trimmed.update(state.get("stream_trimmed", {}))

    dynamodb.get_state = get_state_with_streams
    dynamodb.load_persisted_state = load_with_streams


def _gather_batches(runtime: Any, sqs: Any) -> None:
    """Ten messages are the most that MiniStack hands over at once, as one SQS call."""
    receive_ten = sqs._receive_messages_for_esm

    def receive(queue_url: str, most: int) -> list[dict[str, Any]]:
        queue = sqs._queues[queue_url]
        window = _window_seconds(runtime, queue["attributes"]["QueueArn"])
        if not window:
            found: list[dict[str, Any]] = receive_ten(queue_url, most)
            return found
        now = time.time()
        waiting = [
            message["sent_at"]
            for message in list(queue["messages"])
            if message.get("visible_at", 0) <= now
        ]
        if len(waiting) < most and min(waiting, default=now) > now - window:
            return []
        batch: list[dict[str, Any]] = []
        while len(batch) < most:
            part = receive_ten(queue_url, most - len(batch))
            if not part:
                break
            batch += part
        return batch

    sqs._receive_messages_for_esm = receive


def _window_seconds(runtime: Any, queue_arn: str) -> int:
    for _, _, source in runtime._iter_all_esms():
        if source.get("EventSourceArn") == queue_arn:
            return int(source.get("MaximumBatchingWindowInSeconds", 0))
    return 0


def _enforce_fences(app: Any, actions: Any, evaluator: Any) -> None:
    context_of, enforce = actions.dynamodb_service_context, evaluator.enforce
    pin_origin = app.pin_request_origin

    def context_with_keys(body: bytes) -> dict[str, Any]:
        return {**context_of(body), _NAMED: named_keys(json.loads(body or b"{}"))}

    def enforce_with_keys(
        *caller: str,  # access key, action, service, region
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        context = dict(service_context or {})
        table = resource_arn.partition(":table/")[2].partition("/")[0]
        named = context.pop(_NAMED, {})
        for keys in named.get((caller[1], table)) or named.get(("", table)) or [None]:
            if keys is not None:
                context["dynamodb:LeadingKeys"] = keys
            denied = enforce(
                *caller, resource_arn=resource_arn, service_context=context
            )
            if denied:
                return denied
        return None

    actions.dynamodb_service_context = context_with_keys
    evaluator.enforce = enforce_with_keys
    app.pin_request_origin = lambda address, _: pin_origin(address, True)


def named_keys(request: Mapping[str, Any]) -> dict[tuple[str, str], list[list[str]]]:
    """Partition keys that a DynamoDB request names, by action and table.

    One inner list per check: all of a batch at once, each item of a transaction alone.
    """
    named: dict[tuple[str, str], list[list[str]]] = {}
    for item in request.get("TransactItems", []):
        for member, detail in item.items():
            action = "dynamodb:" + _ITEM_ACTIONS[member]
            keys = [_partition_key(detail)]
            named.setdefault((action, detail["TableName"]), []).append(keys)
    for table, batch in request.get("RequestItems", {}).items():
        rows = [{"Key": key} for key in batch["Keys"]] if "Keys" in batch else []
        named["", table] = [[_partition_key(row) for row in rows]]
    if "KeyConditionExpression" in request:
        named["", request["TableName"]] = [_queried_keys(request)]
    elif "Key" in request or "Item" in request:
        named["", request["TableName"]] = [[_partition_key(request)]]
    return named


def _partition_key(detail: Mapping[str, Any]) -> str:
    return str((detail.get("Key") or detail["Item"])["pk"]["S"])


def _queried_keys(request: Mapping[str, Any]) -> list[str]:
    names = request.get("ExpressionAttributeNames", {})
    pairs = re.findall(r"(#?\w+)\s*=\s*(:\w+)", request["KeyConditionExpression"])
    return [
        request["ExpressionAttributeValues"][value]["S"]
        for name, value in pairs
        if names.get(name, name) in _PARTITION_KEYS
    ]


def _keep_workers(runtime: Any) -> None:
    # A handler that raises has answered. Ours ends its worker for that, so that each
    # 401 of the authoriser would cost a cold start.
    source = textwrap.dedent(inspect.getsource(runtime.Worker.invoke))
    ends = 'if response.get("status") == "error":'
    raised = ends.replace(":", ' and "trace" not in response:')
    if source.count(ends) != 1:
        raise RuntimeError("the emulator's worker has changed: look at it anew")
    made: dict[str, Any] = {}
    exec(source.replace(ends, raised), vars(runtime), made)  # noqa: S102
    runtime.Worker.invoke = made["invoke"]


def main() -> None:
    """The emulator's own main, mended."""
    _enforce_fences(
        importlib.import_module("ministack.app"),
        importlib.import_module("ministack.core.iam_actions"),
        importlib.import_module("ministack.core.iam_evaluator"),
    )
    _gather_batches(
        importlib.import_module("ministack.services.lambda_svc"),
        importlib.import_module("ministack.services.sqs"),
    )
    _keep_workers(importlib.import_module("ministack.core.lambda_runtime"))
    _share_layers(importlib.import_module("ministack.core.lambda_runtime"))
    _keep_streams(importlib.import_module("ministack.services.dynamodb"))
    importlib.import_module("ministack.app").main()


if __name__ == "__main__":
    main()
