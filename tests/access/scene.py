"""What the matrix needs of a world: a door, people, and the victims' things."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.access.forging import Mint
from tests.access.operations import Operation
from tests.access.people import MINORS_NUMBER, NOBODYS_NUMBER
from zerotrip.catalogue.packages import files_of
from zerotrip.catalogue.yaml_files import read_yaml
from zerotrip.identity.model import Session

_OF_ONE_EXCHANGE = {
    "connection",
    "content-length",
    "date",
    "server",
    "x-amz-apigw-id",
    "x-amz-request-id",
    "x-amzn-requestid",
    "x-amzn-trace-id",
}
"""Headers that differ from one answer to the next whatever was asked."""


class Uncovered(LookupError):
    """The document has something of which the matrix knows no victim."""


@dataclass(frozen=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The problem's stable code, or nothing."""
        said = self._json()
        return str(said.get("code", "")) if isinstance(said, dict) else ""

    def print(self) -> tuple[int, tuple[tuple[str, str], ...], str]:
        """All that a caller could tell answers apart by, the request's id aside."""
        headers = {
            name: value
            for name, value in self.headers.items()
            if name not in _OF_ONE_EXCHANGE
        }
        said = self._json()
        if isinstance(said, dict):
            said = {name: said[name] for name in said if name != "instance"}
        body = json.dumps(said) if said is not None else self.body.decode("latin-1")
        return self.status, tuple(sorted(headers.items())), body

    def _json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Door(Protocol):
    """The way in: API Gateway on the laptop cloud, or the same in one process."""

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """One request; paths of partners go to the partners' REST API."""


Row = tuple[str, str, str]
"""Table, pk, sk."""


@dataclass(frozen=True)
class Scene:
    """One world with victims in it.

    `people`: sessions by name. `things`: ids of the victims' things by name, `seen`
    their ETags. `absent`: per path parameter a well-formed value that exists nowhere.
    `secrets`: per owner, texts that nobody else may be told. `forms`: application forms
    by name. `rows`: what stands in the tables now. `idempotency_key`: the victim's own,
    with which the first draft was begun; everybody sends it, as if they had seen it.
    """

    door: Door
    mint: Mint
    people: Mapping[str, Session]
    things: Mapping[str, str]
    absent: Mapping[str, str]
    seen: dict[str, str]
    secrets: Mapping[str, frozenset[str]]
    forms: Mapping[str, Any]
    rows: Callable[[], dict[Row, str]]
    idempotency_key: str
    tokens: dict[str, str] = field(default_factory=dict)

    def bearer(self, name: str) -> str:
        """A person's own true token, as one sign-in gives it."""
        if name not in self.tokens:
            self.tokens[name] = self.mint.token(self.people[name])
        return f"Bearer {self.tokens[name]}"

    @property
    def owned(self) -> set[str]:
        """Ids of the victims and of their things, to know their rows by."""
        public = {"item", "material", "partner", "proposal", "approved"}
        things = {each for name, each in self.things.items() if name not in public}
        return things | {self.people[name].sub for name in ("citizen", "company")}


@dataclass(frozen=True)
class Wish:
    """What the rightful caller of one operation sends, where the default is not it."""

    who: str = ""
    things: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    form: str = ""


THINGS = {
    "application_id": "draft",
    "binding_id": "binding",
    "case_no": "case_in_review",
    "item_code": "item",
    "licence_id": "licence",
    "notice_id": "notice",
    "material": "material",
    "partner": "partner",
    "power_id": "power_given",
}
"""Per path parameter the victims' thing that is asked for, unless a wish says more."""

_FILE = {
    "material": "loss_declaration",
    "content_type": "application/pdf",
    "size_bytes": 4096,
}
_DEFECT = {
    "path": "/materials/loss_declaration",
    "message": {"zh": "声明看不清。", "en": "The declaration is illegible."},
    "remedy": {"zh": "请重新上传。", "en": "Upload it again."},
}
CATALOGUE = Path(__file__).resolve().parents[2] / "catalogue"
PROPOSED, APPROVED, NEW = (
    CATALOGUE / "vehicle-inspection-mark",
    CATALOGUE / "travel-permit-renewal",
    CATALOGUE / "vehicle-licence-replacement",
)
"""Items of the victims' office: one in review, one approved, one to be sent."""
WISHES = {
    "POST /v1/powers": Wish(
        body={
            "agent_name": "周示例",
            "agent_number": NOBODYS_NUMBER,
            "acts": ["all"],
        }
    ),
    "POST /v1/powers/{power_id}/acceptance": Wish(things={"power_id": "power_offered"}),
    "POST /v1/powers/{power_id}/sessions": Wish(things={"power_id": "power_held"}),
    "POST /v1/staff/identities": Wish(
        who="at_the_window",
        body={
            "code": "{code}",
            "id_type": "111",
            "name": "{name}",
            "number": "{number}",
        },
    ),
    "POST /v1/staff/guardians": Wish(
        who="at_the_window",
        body={
            "code": "{guardians_code}",
            "id_type": "111",
            "name": "严示例",
            "number": MINORS_NUMBER,
        },
    ),
    "POST /v1/staff/kin": Wish(body={"relation": "other", "number": NOBODYS_NUMBER}),
    "POST /v1/catalogue/checks": Wish(who="editor", body={"files": files_of(NEW)}),
    "POST /v1/catalogue/items": Wish(who="editor", body={"files": files_of(NEW)}),
    "GET /v1/catalogue/items/{item_code}": Wish(
        who="editor", things={"item_code": "proposal"}
    ),
    "POST /v1/catalogue/items/{item_code}/reviews": Wish(
        who="staffing",
        things={"item_code": "proposal"},
        body={"agrees": True, "reasons": "依据充分"},
    ),
    "POST /v1/catalogue/items/{item_code}/publication": Wish(
        who="editor",
        things={"item_code": "approved"},
        body={"effective_on": "2099-01-01"},
    ),
    "POST /v1/applications": Wish(body={"item_code": "{item}"}),
    "PUT /v1/applications/{application_id}": Wish(form="replacement"),
    "POST /v1/applications/{application_id}/materials": Wish(body=_FILE),
    "POST /v1/applications/{application_id}/materials/{material}/reuse": Wish(
        who="company",
        things={"application_id": "company_draft"},
        body={"sha256": "{stored}", "purpose": "用于申请经营许可", "consent": True},
    ),
    "POST /v1/applications/{application_id}/submission": Wish(
        things={"application_id": "draft_ready"}
    ),
    "POST /v1/cases/{case_no}/corrections": Wish(
        things={"case_no": "case_to_correct"}, form="replacement"
    ),
    "POST /v1/cases/{case_no}/materials": Wish(
        things={"case_no": "case_to_withdraw"}, body=_FILE
    ),
    "POST /v1/cases/{case_no}/payments": Wish(
        things={"case_no": "case_to_pay"}, body={"channel": "wechat_pay"}
    ),
    "POST /v1/staff/cases/{case_no}/corrections": Wish(
        things={"case_no": "case_to_return"}, body={"defects": [_DEFECT]}
    ),
    "POST /v1/cases/{case_no}/withdrawal": Wish(things={"case_no": "case_to_withdraw"}),
    "GET /v1/licences/{licence_id}": Wish(who="company"),
    "GET /v1/licences/{licence_id}/document": Wish(who="company"),
}
BY_A_SECRET = {
    "POST /v1/sessions": "a login code, which the sandboxes give once",
    "POST /v1/sessions/refresh": "a refresh token; see the tests of sessions",
    "POST /v1/sessions/bindings": "a fresh login code, too; see the tests of binding",
    "POST /v1/partners/{partner}/callbacks": "a signature; see the tests of callbacks",
}
"""Operations that open by what the body or a header holds, not by a session."""


@dataclass(frozen=True)
class Ask:
    """One request of the rightful caller, without its token."""

    operation: Operation
    who: str
    path: str
    absent_path: str
    headers: Mapping[str, str]
    body: bytes | None


def ask_of(scene: Scene, operation: Operation) -> Ask:
    """The rightful caller's request. Raises Uncovered, saying what to add."""
    wish = WISHES.get(operation.name, Wish())
    values, absent = {}, {}
    for name in operation.parameters:
        thing = wish.things.get(name, THINGS.get(name, ""))
        if thing not in scene.things or name not in scene.absent:
            raise Uncovered(
                f"{operation.name}: no victim has a {name!r}. Name a thing for it in "
                "tests/access/scene.py::THINGS, and give both worlds of tests/access "
                "one in `things` and a value that exists nowhere in `absent`."
            )
        values[name], absent[name] = scene.things[thing], scene.absent[name]
    body = operation.example if wish.body is None else wish.body
    if wish.form:
        body = {"form": scene.forms[wish.form]}
    if isinstance(body, dict):
        body = {name: _named(scene, value) for name, value in body.items()}
    headers = {"Accept": "application/json"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if "Idempotency-Key" in operation.headers:
        headers["Idempotency-Key"] = scene.idempotency_key
    if "If-Match" in operation.headers and values:
        headers["If-Match"] = scene.seen[next(iter(values.values()))]
    return Ask(
        operation=operation,
        who=wish.who or _usual(operation),
        path=operation.path.format(**values),
        absent_path=operation.path.format(**absent),
        headers=headers,
        body=None if body is None else json.dumps(body).encode(),
    )


def _named(scene: Scene, value: Any) -> Any:
    """`{item}` in a body stands for that thing's id."""
    return value.format(**scene.things) if isinstance(value, str) else value


def begin_draft(door: Door, bearer: str, item: str, key: str) -> str:
    """The victim begins a draft under an Idempotency-Key; its id."""
    headers = {
        "Authorization": bearer,
        "Content-Type": "application/json",
        "Idempotency-Key": key,
    }
    body = json.dumps({"item_code": item}).encode()
    answer = door.ask("POST", "/v1/applications", headers, body)
    if answer.status != 201:
        raise RuntimeError(f"no draft: {answer.status} {answer.code}")
    return str(json.loads(answer.body)["application_id"])


def propose_items(scene: Scene) -> None:
    """One item of the victims' office is in review, one was agreed to by both."""
    for name, folder, offices in (
        ("proposal", PROPOSED, ()),
        ("approved", APPROVED, ("staffing", "legal")),
    ):
        code = _of_catalogue(scene, "editor", "items", {"files": files_of(folder)})
        for office in offices:
            answer = {"agrees": True, "reasons": "依据充分"}
            _of_catalogue(scene, office, f"items/{code}/reviews", answer)
        if scene.things[name] != code:
            raise RuntimeError(f"{name}: {code}")


def _of_catalogue(scene: Scene, who: str, path: str, body: Any) -> str:
    """One request of those who make items; the item's code, its ETag remembered."""
    headers = {
        "Authorization": scene.bearer(who),
        "Content-Type": "application/json",
    }
    code = path.split("/")[1] if "/" in path else _code_of(body["files"])
    known = scene.door.ask("GET", f"/v1/catalogue/items/{code}", headers)
    if known.status == 200:
        headers["If-Match"] = known.headers["etag"]
    content = json.dumps(body).encode()
    answer = scene.door.ask("POST", f"/v1/catalogue/{path}", headers, content)
    if answer.status != 201:
        raise RuntimeError(f"{path}: {answer.status} {answer.code}")
    scene.seen[code] = answer.headers["etag"]
    return code


def _code_of(files: Mapping[str, str]) -> str:
    (text,) = [files[name] for name in files if name.endswith("/item.yaml")]
    return str(read_yaml(text).value["code"])


def items_of_editors() -> dict[str, str]:
    """The codes of the items that the scene's editors have sent."""
    return {
        "proposal": _code_of(files_of(PROPOSED)),
        "approved": _code_of(files_of(APPROVED)),
    }


def _usual(operation: Operation) -> str:
    for who in ("citizen", "officer"):
        if who in operation.roles:
            return who
    if operation.public:
        return "citizen"
    raise Uncovered(
        f"{operation.name}: neither a citizen nor an officer may call it. Say who does "
        "in tests/access/scene.py::WISHES."
    )
