"""Builds and deploys the application to a laptop cloud, as `sam` does it for AWS.

What did not change is not done again: the build is skipped when the sources are those
of the last build, the deployment when they and the parameters are those of the last.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.local.deploy_layers import pack_layers
from infra.local.home import ROOT, TENANT, Home, locked, read_json, write_json

SAM = ROOT / ".local" / "sam" / "bin" / "sam"
BUILD = ROOT / ".local" / "build"
STACK = "zerotrip-local"
SOURCES = ("template.yaml", "chalice.json", "infra/stacks", "functions", "layers")
SEEDS = ("catalogue", "infra/local/seed.py")
Report = Callable[[str, str], None]


class DeployFailed(RuntimeError):
    """`sam` failed; its whole output is in the named log."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What the stack answers, by the names under `Outputs` in template.yaml."""

    values: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def queue_url(self, step: str) -> str:
        """URL of a step's queue, by the step's name as in `functions/`."""
        return self[camel(step) + "QueueUrl"]


def camel(name: str) -> str:
    """`sign_licence` as CloudFormation writes it: `SignLicence`."""
    return "".join(part.capitalize() for part in name.split("_"))


def say(zh: str, en: str) -> None:
    """Prints one line, Chinese first."""
    print(f"  {zh} · {en}", flush=True)


def deploy(home: Home, report: Report = say) -> Outputs:
    """Builds, deploys and seeds; returns the outputs. Quick when nothing changed.

    Raises DeployFailed, with the log to read.
    """
    with locked(BUILD.parent / "build.lock"):
        sources = file_hash(SOURCES)
        if read_json(BUILD / "built.json").get("sources") != sources:
            report("正在构建", "building")
            _sam(home, ["build", "--build-dir", str(BUILD), *_build_options()])
            pack_layers(BUILD, BUILD.with_name("build-layers"))
            write_json(BUILD / "built.json", {"sources": sources})
        wanted = {"sources": sources, "parameters": parameters(home)}
        done = read_json(home.deployed_file)
        if {name: done.get(name) for name in wanted} != wanted:
            report("正在部署", "deploying")
            outputs = _deploy(home)
        else:
            outputs = Outputs(done["outputs"])
    now = {**wanted, "outputs": outputs.values}
    seeds = {**outputs.values, "catalogue": file_hash(SEEDS)}
    if done.get("seeds") != seeds:
        write_json(home.deployed_file, now)
        report("正在写入初始数据", "seeding")
        importlib.import_module("infra.local.seed").seed(outputs, home)
    write_json(home.deployed_file, {**now, "seeds": seeds})
    return outputs


def parameters(home: Home) -> dict[str, str]:
    """The template's parameters on a laptop; the machine's own processor."""
    arm = os.uname().machine in {"arm64", "aarch64"}
    return {
        "Stage": "local",
        "Tenant": TENANT,
        "Architecture": "arm64" if arm else "x86_64",
        "PublicBaseUrl": home.api_url,
        "StepConcurrency": "2",
        "ArchiveWindowSeconds": "2",
    }


def file_hash(names: Iterable[str]) -> str:
    """SHA-256 over files and whole folders of the repository, by path and content."""
    digest = hashlib.sha256()
    for path in _files(names):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        top = ROOT / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _build_options() -> list[str]:
    cache = BUILD.with_name("build-cache")
    return ["--cached", "--parallel", "--cache-dir", str(cache)]


def _deploy(home: Home) -> Outputs:
    bucket = _deploy_configuration()["s3_bucket"]
    home.client("s3").create_bucket(Bucket=bucket)
    overrides = [f"{name}={value}" for name, value in parameters(home).items()]
    command = ["deploy", "--config-env", "local", "--config-file"]
    command += [str(ROOT / "samconfig.toml"), "-t", str(BUILD / "template.yaml")]
    _sam(home, [*command, "--parameter-overrides", *overrides])
    stack = home.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    stage = parameters(home)["Stage"]
    ids = {"api": outputs["ApiId"], "partners": outputs["PartnersApiId"]}
    _apply_gateway_responses(home, {"Api": ids["api"], "PartnersApi": ids["partners"]})
    _apply_concurrency(home)
    _apply_object_lock(home, outputs["ArchiveBucket"])
    write_json(
        home.routes_file,
        {
            name: f"/restapis/{api_id}/{stage}/_user_request_"
            for name, api_id in ids.items()
        },
    )
    return Outputs(outputs)


def _deploy_configuration() -> dict[str, Any]:
    text = (ROOT / "samconfig.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)["local"]["deploy"]["parameters"]
    return found


def _apply_gateway_responses(home: Home, apis: dict[str, str]) -> None:
    """The emulator does not import them with the API's definition, so put each one.

    They take effect with a deployment of the API, so the stage is given a new one.
    """
    gateway, stage = home.client("apigateway"), parameters(home)["Stage"]
    for logical_id, api_id in apis.items():
        for kind, response in gateway_responses(logical_id).items():
            headers = response.get("ResponseParameters", {}).get("Headers", {})
            status = response.get("StatusCode")
            gateway.put_gateway_response(
                restApiId=api_id,
                responseType=kind,
                responseParameters={
                    f"gatewayresponse.header.{name}": value
                    for name, value in headers.items()
                },
                responseTemplates=response["ResponseTemplates"],
                **({"statusCode": str(status)} if status else {}),
            )
        gateway.create_deployment(restApiId=api_id, stageName=stage)


def _apply_concurrency(home: Home) -> None:
    """The emulator keeps a number from a parameter as text, and then fails on it."""
    functions, wanted = home.client("lambda"), parameters(home)["StepConcurrency"]
    for page in functions.get_paginator("list_event_source_mappings").paginate():
        for source in page["EventSourceMappings"]:
            if source.get("ScalingConfig"):
                functions.update_event_source_mapping(
                    UUID=source["UUID"],
                    ScalingConfig={"MaximumConcurrency": int(wanted)},
                )


def _apply_object_lock(home: Home, bucket: str) -> None:
    """The emulator keeps locked objects, but not the lock of a bucket in a template."""
    defaults = _template()["Parameters"]
    retention = {
        "Mode": defaults["ArchiveLockMode"]["Default"],
        "Days": defaults["ArchiveRetentionDays"]["Default"],
    }
    home.client("s3").put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": retention},
        },
    )


def _template() -> dict[str, Any]:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.load(text, Loader=TemplateLoader)  # noqa: S506  (safe)
    return found


def gateway_responses(logical_id: str) -> dict[str, Any]:
    """The gateway responses of one API, as template.yaml has them."""
    found: dict[str, Any] = _template()["Resources"][logical_id]["Properties"]
    return dict(found["GatewayResponses"])


class TemplateLoader(yaml.SafeLoader):
    """Reads CloudFormation's YAML: `!Ref X` becomes `{"Ref": "X"}`, and so on."""


def _short_form(loader: TemplateLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in {"Ref", "Condition"} else f"Fn::{tag}": value}


TemplateLoader.add_multi_constructor("!", _short_form)


def _sam(home: Home, arguments: list[str]) -> None:
    log = home.path / "sam.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**home.environment(), "SAM_CLI_TELEMETRY": "0"}
    environment["SAM_CLI_CHECK_VERSION"] = "0"
    uv = ROOT / ".local" / "uv" / "bin" / "uv"
    if uv.exists():
        environment["ZEROTRIP_UV"] = str(uv)
    with log.open("ab") as handle:
        done = subprocess.run(
            [str(SAM), *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            check=False,
        )
    if done.returncode:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        raise DeployFailed("\n".join([f"sam {arguments[0]} failed; see {log}", *tail]))
