"""Files that somebody puts where a licence is awaited: none becomes one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.inner_door.doors import FOOD, Doors, forget_adapters, open_doors
from tests.support.memory import Killed
from tests.support.town import Town
from tests.support.world import TENANT
from zerotrip.cases.lifecycle import Stage
from zerotrip.licences.certificates import issue_test_chain, public_key_der
from zerotrip.licences.checking import check_signed_pdf
from zerotrip.licences.model import PREPARED, licence_key, object_key
from zerotrip.licences.rendering import Renderer
from zerotrip.licences.signing import LocalRawSigner, sign_pdf
from zerotrip.licences.steps import RegisterDeps, SigningDeps, sign_licence
from zerotrip.materials.storage_events import ObjectCreated, created_message


@dataclass
class Authority:
    """A signing key under a root of its own."""

    town: Town
    dies: bool = False

    def __post_init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = public_key_der(self.key.public_key())
        self.chain, self.root = issue_test_chain(
            public, "示例机关", now=self.town.world.clock()
        )

    def signing(self) -> SigningDeps:
        """The town's signing step with real rendering and this key."""
        return replace(
            self.town.world._signing(),
            raw_signer=LocalRawSigner(self.key),
            chain=lambda: self.chain,
            render=Renderer().render,
            sign=self._sign,
        )

    def _sign(self, *asked: Any) -> bytes:
        if self.dies:
            raise Killed
        return sign_pdf(*asked)

    def registering(self) -> RegisterDeps:
        """The town's register with the real check, which trusts this root."""
        return replace(
            self.town.world._registering(),
            check=lambda pdf, licence: check_signed_pdf(pdf, self.root, licence),
        )


@dataclass
class Scene:
    """An errand whose licence is prepared, and a genuine licence of another one."""

    doors: Doors
    authority: Authority
    genuine: bytes
    licence_id: str

    @property
    def key(self) -> str:
        return object_key(TENANT, self.doors.town.case_no, self.licence_id)

    def plant(self, content: bytes) -> str:
        """Puts a file there and lets storage tell of it; what came of it."""
        bucket = self.doors.town.world.licences
        version = bucket.put(self.key, content, content_type="application/pdf")
        created = ObjectCreated("licences", self.key, version)
        message = created_message(created, len(content))
        return self.doors.deliver("register_licence", json.dumps(message))

    def stage(self) -> str:
        """Of the licence that is awaited."""
        world = self.doors.town.world
        head = world.records.head(licence_key(TENANT, self.licence_id))
        assert head is not None
        return head.stage


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch:
        town = Town(FOOD)
        authority = Authority(town)
        doors = open_doors(
            town,
            patch,
            __name__,
            signing=authority.signing,
            registering=authority.registering,
        )
        doors.run()
        (genuine,) = [held[0].content for held in town.world.licences.versions.values()]
        yield Scene(doors, authority, genuine, _prepare_another(doors, authority))
    forget_adapters()


def _prepare_another(doors: Doors, authority: Authority) -> str:
    """A second errand whose signing died between the head and the file."""
    doors.begin_another()
    world = doors.town.world

    def until_signing(town: Town) -> None:
        message = world.queue.pop(0)
        if message.step == "sign_licence":
            raise Killed
        doors.carry_out(message)

    with pytest.raises(Killed):
        doors.town.run(until_signing)
    asking = world.history(doors.town.case_no)[-1]
    world.send(asking)
    (message,) = world.take("sign_licence")
    authority.dies = True
    with pytest.raises(Killed):
        doors.carry_out(message)
    authority.dies = False
    world.queue.clear()
    world.queue.append(message)
    return str(asking.body["licence"]["id"])


def test_no_planted_file_becomes_a_licence(scene: Scene) -> None:
    stranger = Authority(scene.doors.town)
    unsigned = scene.genuine[: scene.genuine.rindex(b"startxref")]
    forged = {
        "unsigned": (b"%PDF-1.7\n%%EOF\n", "licence_unsigned"),
        "of another case": (scene.genuine, "licence_id_mismatch"),
        "changed since": (_flipped(scene.genuine), "licence_tampered"),
        "cut": (unsigned, "licence_tampered"),
        "added to": (scene.genuine + b"\n%more", "licence_tampered"),
        "another key": (_signed_by(stranger, scene), "licence_untrusted"),
    }
    for name, (content, code) in forged.items():
        before = dict(scene.doors.town.world.tables.rows)
        assert scene.plant(content) == code, name
        assert dict(scene.doors.town.world.tables.rows) == before, name
    assert scene.stage() == PREPARED
    now = scene.doors.town.world.case(scene.doors.town.case_no)
    assert now.stage is Stage.SIGNING


def test_signing_does_not_adopt_what_was_planted(scene: Scene) -> None:
    """It finds its key taken, has it checked, and that refuses: an operator looks.

    Only the role of `sign_licence` may write there, so somebody broke in before.
    """
    world = scene.doors.town.world
    if scene.key not in world.licences.versions:
        scene.plant(scene.genuine)
    (message,) = [m for m in world.queue if m.step == "sign_licence"]
    scene.doors.carry_out(message)
    (announced,) = world.take("register_licence")
    assert scene.doors.carry_out(announced) in REFUSED
    assert scene.stage() == PREPARED
    # The operator takes the planted file away and puts the message back.
    del world.licences.versions[scene.key]
    scene.doors.run()
    assert world.case(scene.doors.town.case_no).stage is Stage.COMPLETED
    assert len(world.licences.versions[scene.key]) == 1


REFUSED = {"licence_untrusted", "licence_id_mismatch"}


def _signed_by(stranger: Authority, scene: Scene) -> bytes:
    """The awaited licence itself, with everything right but whose key it is."""
    world = scene.doors.town.world
    (message,) = [m for m in world.queue if m.step == "sign_licence"]
    assert message.event is not None
    kept = dict(world.licences.versions)
    world.licences.versions.clear()
    sign_licence(message.event, stranger.signing())
    (made,) = world.licences.versions[scene.key]
    world.licences.versions.clear()
    world.licences.versions.update(kept)
    world.take("register_licence")
    return made.content


def _flipped(pdf: bytes) -> bytes:
    middle = len(pdf) // 3
    return pdf[:middle] + bytes([pdf[middle] ^ 1]) + pdf[middle + 1 :]
