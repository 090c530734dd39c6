"""What the layers leave out is not missed: tried in interpreters of their own.

The layers themselves are not built here (that needs the package registry); their
Makefiles' own lists say which packages may not be imported.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from .conftest import LAYOUT, LICENCE_ID, Issued, certificate

LAYERS = Path(__file__).parents[3] / "layers"
MODULES = {"attrs": "attr", "common-expression-language": "cel"}
# Left out of one layer because the other one carries them.
SHARED = {"attrs", "cffi", "cryptography", "typing-extensions"}

BLOCKER = """
import sys
class LeftOut:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"not in the layer: {name}", name=name)
sys.meta_path.insert(0, LeftOut())
"""

SIGN = """
import json
from datetime import datetime, UTC
from pathlib import Path
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from zerotrip.licences import rendering, signing
home = Path(HOME)
pdf = rendering.Renderer().render(
    Path(LAYOUT).read_bytes(), json.loads((home / "data.json").read_text())
)
key = load_pem_private_key((home / "key.pem").read_bytes(), None)
signed = signing.sign_pdf(
    pdf, signing.LocalRawSigner(key), (home / "chain.pem").read_bytes(),
    datetime(2026, 11, 21, 8, tzinfo=UTC), "reason",
)
(home / "signed.pdf").write_bytes(signed)
print(len(signed) > len(pdf))
"""

CHECK = """
import sys
from pathlib import Path
from zerotrip.licences import checking
home = Path(HOME)
checked = checking.check_signed_pdf(
    (home / "signed.pdf").read_bytes(), (home / "root.pem").read_bytes()
)
print(checked.licence_id, "pyhanko" in sys.modules)
"""

FUNCTIONS = """
import types
sys.modules["cel.cli"] = types.ModuleType("cel.cli")  # as the layer has it: empty
import cel
from chalice import AuthResponse, Chalice, Response
import boto3, jsonschema, jwt, pydantic, pynamodb.models, yaml
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.batch import BatchProcessor
from aws_lambda_powertools.utilities.parser import parse
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
print(cel.evaluate("1 + 2 * 3"))
"""


def left_out(layer: str) -> set[str]:
    """The modules that a layer's Makefile keeps out and no other layer brings."""
    lines = re.findall(
        r"^LEFT_OUT := (.+)$", (LAYERS / layer / "Makefile").read_text(), re.M
    )
    names = {name for line in lines for name in line.split("|")}
    names -= SHARED | {"$(LEFT_OUT)"}
    return {MODULES.get(name, name).replace("-", "_") for name in names}


def run(blocked: set[str], script: str, home: Path) -> list[str]:
    """The words that a script prints where `blocked` cannot be imported."""
    constants = (
        f"BLOCKED = {blocked!r}\nHOME = {str(home)!r}\nLAYOUT = {str(LAYOUT)!r}\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", constants + BLOCKER + script],
        env={"PYTHONPATH": ":".join(entry for entry in sys.path if entry)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.split()


def test_a_licence_is_signed_and_checked_with_what_the_layers_hold(
    issued: Issued, tmp_path: Path
) -> None:
    key = issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "chain.pem").write_bytes(issued.chain_pem)
    (tmp_path / "root.pem").write_bytes(issued.root_pem)
    (tmp_path / "data.json").write_text(json.dumps(certificate()))
    blocked = left_out("rendering") | left_out("dependencies")
    assert {"aiohttp", "lxml", "oscrypto", "pycparser"} <= blocked
    assert run(blocked, SIGN, tmp_path) == ["True"]
    assert run(blocked, CHECK, tmp_path) == [LICENCE_ID, "False"]


def test_functions_import_what_the_dependency_layer_holds(tmp_path: Path) -> None:
    assert run(left_out("dependencies"), FUNCTIONS, tmp_path) == ["7"]


def test_a_package_that_is_left_out_would_be_missed_by_this_test(
    tmp_path: Path,
) -> None:
    with pytest.raises(AssertionError, match="not in the layer"):
        run({"asn1crypto"}, CHECK, tmp_path)
