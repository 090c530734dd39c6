"""The application's template as data, for tests that hold over all of its resources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from infra.local.deploy import TemplateLoader
from infra.local.home import ROOT

Resource = dict[str, Any]
STACKS = ROOT / "infra" / "stacks"


@cache
def load(name: str = "template.yaml") -> dict[str, Any]:
    """A template by its path in the repository, short forms written out."""
    text = (ROOT / name).read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=TemplateLoader)  # noqa: S506
    return loaded


def stack_names() -> list[str]:
    """Paths of all templates of the application, its own first."""
    nested = sorted(f"infra/stacks/{path.name}" for path in STACKS.glob("*.yaml"))
    return ["template.yaml", *nested]


def resources(kind: str, name: str = "template.yaml") -> dict[str, Resource]:
    """Resources of one type in one template, by logical id."""
    return {
        logical_id: resource
        for logical_id, resource in load(name)["Resources"].items()
        if resource["Type"] == kind
    }


def everywhere(kind: str) -> dict[str, Resource]:
    """Resources of one type in all templates, by `template: logical id`."""
    return {
        f"{name}: {logical_id}": resource
        for name in stack_names()
        for logical_id, resource in resources(kind, name).items()
    }


def nested(template: str) -> dict[str, dict[str, Any]]:
    """Parameters of each nested stack of `infra/stacks/{template}`, by logical id."""
    return {
        logical_id: stack["Properties"].get("Parameters", {})
        for logical_id, stack in resources("AWS::CloudFormation::Stack").items()
        if stack["Properties"]["TemplateURL"] == f"infra/stacks/{template}"
    }


def parameter(name: str) -> Any:
    """The default of one of the application's parameters."""
    return load()["Parameters"][name]["Default"]


def sub(value: Any) -> str:
    """The text of an `!Sub`, or the value itself if it is plain text."""
    return str(value["Fn::Sub"] if isinstance(value, dict) else value)


@dataclass(frozen=True)
class Statement:
    """One allowed thing: actions, resources as they are written, condition."""

    actions: tuple[str, ...]
    resources: tuple[Any, ...]
    condition: dict[str, Any] = field(default_factory=dict)

    def on(self, target: str) -> bool:
        """Whether it is about `target`, as in `EventBus.Arn`; a stream is apart."""
        named = [mention(resource) for resource in self.resources]
        return any(target in each and "/stream/" not in each for each in named)


def mention(resource: Any) -> str:
    """A resource as one text in which names can be looked up."""
    if isinstance(resource, str):
        return resource
    (kind, value), *_ = resource.items()
    if kind == "Fn::GetAtt":
        return "${" + ".".join(value) + "}"
    if kind == "Ref":
        return "${" + str(value) + "}"
    return sub(resource)


def statements(document: dict[str, Any]) -> Iterator[Statement]:
    """The statements of a policy document."""
    for each in document["Statement"]:
        actions, targets = each["Action"], each["Resource"]
        yield Statement(
            tuple([actions] if isinstance(actions, str) else actions),
            tuple(targets if isinstance(targets, list) else [targets]),
            each.get("Condition", {}),
        )


@dataclass(frozen=True)
class Function:
    """A function with what the tests ask about it."""

    logical_id: str
    properties: dict[str, Any]

    @property
    def name(self) -> str:
        """The step, as its folder is called."""
        return str(self.properties["CodeUri"]).rstrip("/").removeprefix("functions/")

    @property
    def role_id(self) -> str:
        return str(self.properties["Role"]["Fn::GetAtt"][0])

    @property
    def environment(self) -> dict[str, Any]:
        return dict(self.properties["Environment"]["Variables"])

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Properties of its events of one type: Api, SQS, DynamoDB, Schedule."""
        return [
            event["Properties"]
            for event in self.properties.get("Events", {}).values()
            if event["Type"] == kind
        ]

    @property
    def queue(self) -> str | None:
        """Logical id of the queue's stack that it reads, if it reads one."""
        for event in self.events("SQS"):
            return str(event["Queue"]["Fn::GetAtt"][0])
        return None

    def permissions(self) -> list[Statement]:
        """All that its role allows, shared policies included."""
        role = load()["Resources"][self.role_id]["Properties"]
        found = [s for p in role["Policies"] for s in statements(p["PolicyDocument"])]
        for policy in role.get("ManagedPolicyArns", []):
            shared = load()["Resources"][policy["Ref"]]["Properties"]
            found += statements(shared["PolicyDocument"])
        return found

    def may(self, prefix: str, target: str) -> bool:
        """Whether an action that starts with `prefix` is allowed on `target`."""
        return any(
            statement.on(target)
            and any(a.startswith(prefix) for a in statement.actions)
            for statement in self.permissions()
        )


def functions() -> list[Function]:
    """All functions of the application."""
    return [
        Function(logical_id, resource["Properties"])
        for logical_id, resource in resources("AWS::Serverless::Function").items()
    ]


@dataclass(frozen=True)
class Route:
    """One route of a REST API, with the authorizer that applies to it."""

    function: str
    method: str
    path: str
    api: str
    authorizer: str


def routes() -> list[Route]:
    """Every route; `authorizer` is NONE where anyone may call."""
    found = []
    for function in functions():
        for event in function.events("Api"):
            api = event["RestApiId"]["Ref"]
            auth = load()["Resources"][api]["Properties"].get("Auth", {})
            default = auth.get("DefaultAuthorizer", "NONE")
            chosen = event.get("Auth", {}).get("Authorizer", default)
            found.append(
                Route(
                    function.name, event["Method"].upper(), event["Path"], api, chosen
                )
            )
    return found
