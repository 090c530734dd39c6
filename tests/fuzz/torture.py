"""Requests that break parsers: bytes, sizes, depths, types, headers, addresses."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

JSON_TYPE = "application/json"
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Torture:
    """A body and what is said about it; a content type of None is left unsaid."""

    name: str
    body: bytes
    content_type: str | None = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)

    def sent_headers(self) -> dict[str, str]:
        """Its headers with the content type."""
        if self.content_type is None:
            return dict(self.headers)
        return {**self.headers, "Content-Type": self.content_type}


def _deep(levels: int, opening: bytes, closing: bytes) -> bytes:
    return opening * levels + b"1" + closing * levels


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \t\r\n ",
    "a NUL byte": b"\x00",
    "NUL bytes around JSON": b'\x00{"form":{}}\x00',
    "an escaped NUL": b'{"form":{"a":"\\u0000"}}',
    "an escaped NUL as a name": b'{"form":{"\\u0000":1}}',
    "a lone surrogate": b'{"form":{"a":"\\ud800"}}',
    "a lone surrogate as a name": b'{"form":{"\\udfff":1}}',
    "surrogates the wrong way round": b'{"form":{"a":"\\udc00\\ud800"}}',
    "a surrogate in UTF-8": b'{"form":{"a":"\xed\xa0\x80"}}',
    "bytes that are no UTF-8": b'{"form":{"a":"\xff\xfe\xfa"}}',
    "an overlong slash": b'{"form":{"a":"\xc0\xaf"}}',
    "UTF-16": '{"form":{}}'.encode("utf-16"),
    "GB 18030": '{"form":{"a":"张示例"}}'.encode("gb18030"),
    "a byte order mark": b'\xef\xbb\xbf{"form":{}}',
    "text from right to left": '{"form":{"a":"\u202e张示例\u202c\u2066x"}}'.encode(),
    "rare characters": '{"form":{"a":"𠮷𪚥\U0002ebe0"}}'.encode(),
    "a family of joined emoji": '{"form":{"a":"👨‍👩‍👧‍👦"}}'.encode(),
    "combining marks": json.dumps({"form": {"a": "e" + "\u0301" * 2000}}).encode(),
    "one name twice": b'{"form":{},"form":{}}',
    "one name twice, escaped": b'{"form":{},"f\\u006frm":{}}',
    "a name twice below": b'{"form":{"a":1,"a":2}}',
    "__proto__": b'{"form":{},"__proto__":{"role":"approver"}}',
    "NaN": b'{"form":{"a":NaN}}',
    "Infinity": b'{"form":{"a":Infinity}}',
    "-Infinity": b'{"form":{"a":-Infinity}}',
    "a number beyond floats": b'{"form":{"a":1e999}}',
    "a number beyond all digits": b'{"form":{"a":' + b"9" * 5000 + b"}}",
    "a number of 4,000 digits": b'{"form":{"a":' + b"9" * 4000 + b"}}",
    "a number with 40 decimals": b'{"form":{"a":0.' + b"1" * 40 + b"}}",
    "a tiny number": b'{"form":{"a":1e-400}}',
    "minus zero": b'{"form":{"a":-0}}',
    "null": b"null",
    "true": b"true",
    "a number": b"0",
    "a text": b'"form"',
    "a list": b"[]",
    "a list of the body": b'[{"form":{}}]',
    "half an object": b'{"form":{"a":',
    "an object and more": b'{"form":{}} {"form":{}}',
    "a comment": b'{"form":{}/* */}',
    "single quotes": b"{'form':{}}",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    "YAML": b"form: !!python/object/apply:os.system [ls]",
    "33 objects deep": _deep(33, b'{"form":', b"}"),
    "10,000 lists deep": _deep(10_000, b"[", b"]"),
    "10,000 objects deep": _deep(10_000, b'{"form":', b"}"),
    "10,000 open lists": b"[" * 10_000,
    "10,000 names": json.dumps({"form": {f"f{n}": n for n in range(10_000)}}).encode(),
    "a name of 100 KB": json.dumps({"form": {"n" * 100_000: 1}}).encode(),
    "256 KB of form": json.dumps({"form": {"a": "张" * 40_000}}).encode(),
    "1 MB": json.dumps({"form": {"a": "x" * MEGABYTE}}).encode(),
    "1 MB of blanks": b" " * MEGABYTE,
    "1 MB of bytes": bytes(range(256)) * 4096,
}

TYPES: tuple[str | None, ...] = (
    None,
    "",
    ";",
    "text/plain",
    "text/html; charset=utf-8",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/vnd.api+json",
    "application/json; charset=utf-16",
    "APPLICATION/JSON",
    "application/json,text/plain",
    "application/json\t;\tq=1",
    "*/*",
    "application/" + "j" * 4000,
)

HEADERS: dict[str, dict[str, str]] = {
    "If-Match of anything": {"If-Match": "*"},
    "a weak If-Match": {"If-Match": 'W/"v1"'},
    "If-Match v0": {"If-Match": '"v0"'},
    "If-Match v-1": {"If-Match": '"v-1"'},
    "If-Match of many": {"If-Match": '"v1", "v2"'},
    "If-Match without quotes": {"If-Match": "v1"},
    "If-Match beyond": {"If-Match": '"v' + "9" * 400 + '"'},
    "If-Match in fullwidth": {"If-Match": '"v１"'},
    "If-Match of blanks": {"If-Match": "   "},
    "If-None-Match of commas": {"If-None-Match": "," * 500},
    "If-None-Match unended": {"If-None-Match": '"v1'},
    "an empty Idempotency-Key": {"Idempotency-Key": ""},
    "a long Idempotency-Key": {"Idempotency-Key": "k" * 256},
    "the longest Idempotency-Key": {"Idempotency-Key": "k" * 255},
    "an Idempotency-Key of quotes": {"Idempotency-Key": '""""'},
    "an Idempotency-Key in Chinese": {"Idempotency-Key": "重试"},
    "an Idempotency-Key with #": {"Idempotency-Key": "441882#ANSWER#x"},
    "another method on top": {"X-HTTP-Method-Override": "DELETE"},
    "another address on top": {"X-Original-URL": "/v1/worklist"},
    "another client's address": {"X-Forwarded-For": "127.0.0.1, ::1, unknown"},
    "another host": {"Host": "169.254.169.254"},
    "a long header": {"X-Long": "x" * 6000},
    "many headers": {f"X-Many-{number}": "x" for number in range(60)},
    "a language that is none": {"Accept-Language": "\xff;q=nan, *;q=1e9"},
    "a type nobody makes": {"Accept": "image/svg+xml;q=0"},
    "a compressed body that is not": {"Content-Encoding": "gzip"},
    "a range": {"Range": "bytes=0-1,5-,-3"},
    "a trace of another kind": {"X-Amzn-Trace-Id": "Root=1-0-0;Sampled=?;Self=\x7f"},
}

# Few: the emulator ends a worker that answers with an error, so that each of these
# costs a start. `tests/access` has the tokens that nearly hold.
AUTHORIZATIONS: tuple[str, ...] = (
    "",
    "Bearer \t ",
    "Bearer ..",
    "Bearer " + "eyJ" * 2000,
    "Bearer bnVsbA.bnVsbA.bnVsbA",
    "Bearer 令牌.令牌.令牌",
    "Basic emhhbmc6c2hpbGk=",
    "Bearer a, Bearer b",
)

QUERIES: tuple[str, ...] = (
    "?limit=",
    "?limit=0",
    "?limit=-1",
    "?limit=101",
    "?limit=1e2",
    "?limit=0x10",
    "?limit=%EF%BC%91",
    "?limit=%D9%A1",
    "?limit=1.0",
    "?limit=%201",
    "?limit=%00",
    "?limit=" + "9" * 5000,
    "?limit=1&limit=999",
    "?limit=999&limit=1",
    "?limit[]=1",
    "?limit[$gt]=0",
    "?%00=%00",
    "?%FF=%FE",
    "?=&&=&",
    "?" + "&".join(f"q{number}=x" for number in range(400)),
    "?stage=completed&sub=other&limit=1",
)

SEGMENTS: tuple[str, ...] = (
    "%00",
    "..%2F..%2Fcases",
    "%2e%2e",
    "%252e",
    "%FF",
    "%ED%A0%80",
    "%F0%A0%AE%B7",
    "%E2%80%AE",
    "%0d%0aSet-Cookie:%20x=1",
    "{application_id}",
    "a" * 3000,
    "null",
    "*",
    "441882%23CASE%23x",
    "%27%20OR%201=1--",
    "4T8RZ6Q0V2M1K9J7H5G3F1D0C8%0A",
    "%EF%BC%94T8RZ6Q0V2M1K9J7H5G3F1D0C",
)


def bodies() -> Iterator[Torture]:
    """Every body, and every content type around a good one."""
    for name, body in BODIES.items():
        yield Torture(name, body)
    for media_type in TYPES:
        yield Torture(f"as {str(media_type)[:30]!r}", b'{"form":{}}', media_type)
    packed = gzip.compress(b'{"form":{}}')
    yield Torture("gzip", packed, headers={"Content-Encoding": "gzip"})
    for name, headers in HEADERS.items():
        yield Torture(name, b'{"form":{}}', headers=headers)


def signatures(serial: str) -> Iterator[Torture]:
    """Headers that partners sign with, none of them right; `serial` is a known key."""
    for timestamp in ("0", "-1", "1e9", "１", "9" * 4500, "nan", "1700000000"):
        for signature in ("", "v1,", "v1,AAAA", "v1a,AAAA v1,=", "\xff", "A" * 4000):
            headers = {
                "webhook-id": "msg_x.1",
                "webhook-timestamp": timestamp,
                "webhook-signature": signature,
                "Wechatpay-Serial": serial,
                "Wechatpay-Timestamp": timestamp,
                "Wechatpay-Nonce": "x",
                "Wechatpay-Signature": signature,
            }
            yield Torture(
                f"signed {timestamp[:9]} {signature[:9]}", b"{}", None, headers
            )
