"""What a cold start leaves out is still there for whoever asks for it."""

from __future__ import annotations

import _sre
import ast
import importlib.util
import json
import marshal
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import Loader
from botocore.session import Session

from zerotrip.kernel.ahead import PATTERNS, use_patterns
from zerotrip.runtime.sdk_models import CompiledFiles, use_compiled_models

ROOT = Path(__file__).parents[3]
DATA = Path(botocore.__file__).parent / "data"
SERVICES = ("dynamodb", "events", "kms", "s3", "secretsmanager", "sqs", "sts")


def _compiler() -> Any:
    spec = importlib.util.spec_from_file_location(
        "compile_models", ROOT / "layers" / "dependencies" / "compile_models.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer's part of botocore's data, compiled."""
    folder = tmp_path_factory.mktemp("layer") / "data"
    folder.mkdir()
    for service in SERVICES:
        shutil.copytree(DATA / service, folder / service)
    for path in DATA.glob("*.json"):
        shutil.copy(path, folder)
    _compiler().main(folder)
    return folder


def _loader(folder: Path) -> Loader:
    return Loader(
        [str(folder)], file_loader=CompiledFiles(), include_default_search_paths=False
    )


def _without_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: "" if name == "documentation" and isinstance(part, str) else part
            for name, part in (
                (name, _without_texts(part)) for name, part in value.items()
            )
        }
    return (
        [_without_texts(each) for each in value] if isinstance(value, list) else value
    )


@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_compiled_model_says_what_the_json_says(compiled, service, kind):
    ours = _loader(compiled).load_service_model(service, kind)
    assert ours == _without_texts(Loader().load_service_model(service, kind))
    assert list((compiled / service).rglob(f"{kind}.marshal"))


def test_compiled_endpoints_name_every_region_and_our_services_only(compiled):
    ours = _loader(compiled).load_data("endpoints")
    theirs = Loader().load_data("endpoints")
    for mine, full in zip(ours["partitions"], theirs["partitions"], strict=True):
        assert set(mine["services"]) == set(full["services"]) & set(SERVICES)
        for service, said in mine["services"].items():
            assert said == full["services"][service]
        assert mine["regions"].keys() == full["regions"].keys()
    assert ours["partitions"][0]["services"].keys() >= {"dynamodb", "kms", "sqs"}


def test_without_a_compiled_copy_the_json_is_read(compiled, tmp_path):
    shutil.copytree(compiled, tmp_path / "data")
    for path in (tmp_path / "data").rglob("*.marshal"):
        path.unlink()
    ours = _loader(tmp_path / "data").load_service_model("sqs", "service-2")
    assert ours == Loader().load_service_model("sqs", "service-2")


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1"])
@pytest.mark.parametrize("service", SERVICES)
def test_clients_of_both_models_speak_to_the_same_address(
    compiled, monkeypatch, service, region
):
    monkeypatch.setattr(Loader, "BUILTIN_DATA_PATH", str(compiled))
    ours, theirs = Session(), Session()
    use_compiled_models(ours)
    clients = [
        each.create_client(
            service,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        for each in (ours, theirs)
    ]
    addresses = {client.meta.endpoint_url for client in clients}
    assert len(addresses) == 1
    operations = [client.meta.service_model.operation_names for client in clients]
    assert operations[0] == operations[1]


def test_no_names_are_lost_in_what_is_compiled(tmp_path):
    (tmp_path / "thing").mkdir()
    path = tmp_path / "thing" / "service-2.json"
    said = {"documentation": "long", "shape": {"documentation": {"a": "documentation"}}}
    path.write_text(json.dumps(said), encoding="utf-8")
    _compiler().main(tmp_path)
    compiled = marshal.loads(path.with_name("service-2.marshal").read_bytes())  # noqa: S302
    assert compiled == {**said, "documentation": ""}


def _names_taken_of_docstrings() -> set[str]:
    taken: set[str] = set()
    for path in DATA.parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (
                node.module == "botocore.docs.docstring"
            ):
                taken |= {each.name for each in node.names}
    return taken


def _in_a_fresh_interpreter(code: str) -> str:
    layer = str(ROOT / "layers" / "zerotrip" / "python")
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": layer, "AWS_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_a_queue_step_loads_none_of_what_is_put_off():
    loaded = _in_a_fresh_interpreter(
        "import sys, zerotrip.runtime.batch\n"
        "parts = 'aws_lambda_powertools.utilities.data_classes'\n"
        "print('asyncio.events' in sys.modules,"
        " parts + '.alb_event' in sys.modules, parts + '.sqs_event' in sys.modules)"
    )
    assert loaded == "False False True"


def test_what_is_put_off_is_whole_when_it_is_used():
    said = _in_a_fresh_interpreter(
        "import zerotrip.runtime.batch, asyncio\n"
        "from aws_lambda_powertools.utilities import data_classes\n"
        "from aws_lambda_powertools.utilities.data_classes import ALBEvent, S3Event\n"
        "from aws_lambda_powertools.utilities.data_classes.s3_event import"
        " S3Event as E\n"
        "async def one(): return 1\n"
        "print(asyncio.run(one()), ALBEvent.__name__, data_classes.S3Event is E is"
        " S3Event, 'SQSEvent' in dir(data_classes))"
    )
    assert said == "1 ALBEvent True True"


def test_a_name_that_a_package_does_not_have_is_refused():
    said = _in_a_fresh_interpreter(
        "from zerotrip.runtime.late import put_off\n"
        "put_off('asyncio')\n"
        "import asyncio\n"
        "try: asyncio.no_such_name\n"
        "except AttributeError: print('refused', asyncio.sleep.__name__)"
    )
    assert said == "refused sleep"


def test_clients_without_docstrings_are_clients():
    said = _in_a_fresh_interpreter(
        "from zerotrip.runtime.late import leave_out_docstrings\n"
        "leave_out_docstrings()\n"
        "import sys, botocore.session, botocore.docs.docstring as docs\n"
        "client = botocore.session.get_session().create_client('s3',"
        " region_name='us-east-1', aws_access_key_id='a', aws_secret_access_key='b')\n"
        "client.get_paginator('list_object_versions')\n"
        "print(client.can_paginate('list_object_versions'),"
        " client.get_waiter('object_exists').name, 'html.parser' in sys.modules)\n"
        "print(*sorted(name for name in vars(docs) if name[0] != '_'))"
    )
    works, names = said.splitlines()
    assert works == "True ObjectExists False"
    assert set(names.split()) == _names_taken_of_docstrings()


@pytest.fixture(scope="module")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the patterns of the packages that the tests have."""
    folder = tmp_path_factory.mktemp("patterns")
    script = ROOT / "layers" / "dependencies" / "compile_patterns.py"
    packages = str(DATA.parents[1])
    command = [sys.executable, "-B", str(script), packages, str(folder / PATTERNS)]
    subprocess.run(command, check=True, timeout=120)
    return folder


def test_a_pattern_compiled_ahead_is_the_pattern(patterns):
    known = marshal.loads((patterns / PATTERNS).read_bytes())["patterns"]  # noqa: S302
    assert len(known) > 80
    for (pattern, flags), parts in known.items():
        ours, theirs = _sre.compile(pattern, *parts), re.compile(pattern, flags)
        assert ours == theirs
        assert ours.groupindex == theirs.groupindex
        assert ours.groups == theirs.groups


def test_what_was_compiled_ahead_is_not_parsed_again(patterns):
    code = (
        "import re, sys\n"
        f"sys.path.append({str(patterns)!r})\n"
        "parsed = []\n"
        "real = re._parser.parse\n"
        "re._parser.parse = lambda p, *rest: parsed.append(p) or real(p, *rest)\n"
        "import zerotrip, botocore.client, pydantic.main\n"
        "print(len(parsed), re.compile('(?P<a>x+)y').match('xxy')['a'], parsed[-1])"
    )
    count, found, last = _in_a_fresh_interpreter(code).split()
    assert int(count) < 10
    assert (found, last) == ("xx", "(?P<a>x+)y")


def test_patterns_of_another_engine_are_left_alone(patterns, tmp_path):
    said = marshal.loads((patterns / PATTERNS).read_bytes())  # noqa: S302
    said["magic"] += 1
    (tmp_path / PATTERNS).write_bytes(marshal.dumps(said))
    unchanged = re._compiler.compile
    use_patterns(str(tmp_path / PATTERNS))
    assert re._compiler.compile is unchanged


def test_annotations_of_one_text_are_compiled_once():
    said = _in_a_fresh_interpreter(
        "import zerotrip, typing\n"
        "one, two = typing.ForwardRef('list[int]'), typing.ForwardRef('list[int]')\n"
        "def f(a: 'list[int]', b: 'list[str]') -> 'None': ...\n"
        "print(one.__forward_code__ is two.__forward_code__,"
        " typing.get_type_hints(f)['b'])"
    )
    assert said == "True list[str]"


@pytest.mark.parametrize("function", ["register_licence", "receive_material"])
def test_steps_that_storage_wakes_need_no_pydantic(function):
    said = _in_a_fresh_interpreter(
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT / 'functions' / function)!r})\n"
        f"import {function}\n"
        "print('pydantic' in sys.modules)"
    )
    assert said == "False"


def test_the_collector_does_not_look_while_a_start_makes_its_objects():
    said = _in_a_fresh_interpreter(
        "import gc, zerotrip\n"
        "before = gc.get_stats()[0]['collections']\n"
        "import zerotrip.cases.steps, zerotrip.runtime.batch, zerotrip.kernel.store\n"
        "print(gc.get_stats()[0]['collections'] - before, gc.isenabled())"
    )
    assert said == "0 True"
