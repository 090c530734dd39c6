"""Settings are read when they are needed; log lines say no person."""

from __future__ import annotations

import pytest

from zerotrip.kernel.errors import GiveUp
from zerotrip.runtime import aws, settings
from zerotrip.runtime.logs import said, unforeseen
from zerotrip.runtime.settings import SettingMissing, table_names


def test_a_missing_or_empty_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, ""):
        if value is None:
            monkeypatch.delenv("EVENT_BUS", raising=False)
        else:
            monkeypatch.setenv("EVENT_BUS", value)
        with pytest.raises(SettingMissing, match="EVENT_BUS"):
            settings.setting("EVENT_BUS")


def test_a_function_knows_only_the_tables_it_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for short in settings.TABLES:
        monkeypatch.delenv(f"{short.upper()}_TABLE", raising=False)
    assert table_names() == {}
    monkeypatch.setenv("DRAFTS_TABLE", "zerotrip-test-drafts")
    assert table_names() == {"drafts": "zerotrip-test-drafts"}


def test_an_error_is_logged_by_code_and_detail() -> None:
    error = GiveUp("case_unknown", "办件不存在。", "No case.", detail={"case": "1"})
    assert said(error) == {"code": "case_unknown", "detail": {"case": "1"}}


def test_of_an_unforeseen_error_the_last_six_places_are_said() -> None:
    def deeper(levels: int) -> None:
        if levels == 0:
            raise ValueError("张示例")
        deeper(levels - 1)

    with pytest.raises(ValueError, match="张示例") as caught:
        deeper(9)
    told = unforeseen(caught.value)
    assert (told["code"], told["error"]) == ("step_failed", "ValueError")
    assert len(told["where"]) == 6
    assert told["where"][-1].startswith("test_settings_and_logs.py:")
    assert "/" not in "".join(told["where"])
    assert "张示例" not in repr(told)


def test_a_message_attribute_is_cut_and_an_empty_one_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[dict[str, object]] = []

    class Sqs:
        def send_message(self, **message: object) -> None:
            sent.append(message)

    monkeypatch.setattr(aws, "client", {"sqs": Sqs()}.__getitem__)
    monkeypatch.setenv("SOME_QUEUE", "https://sqs.example.invalid/some")
    aws.send("SOME_QUEUE", "body", {"reason": "a" * 300, "step": ""})
    assert sent == [
        {
            "QueueUrl": "https://sqs.example.invalid/some",
            "MessageBody": "body",
            "MessageAttributes": {
                "reason": {"DataType": "String", "StringValue": "a" * 256}
            },
        }
    ]
