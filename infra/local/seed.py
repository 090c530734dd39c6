"""First data of a laptop cloud: what an operator installs once in the cloud.

Partner secrets, a declared TEST signing certificate for the key in KMS, the items of
`catalogue/`, two offices and their officers, and where the partners call back. Every
part may run again: it changes nothing that is already so.
"""

from __future__ import annotations

import json
import os
import urllib.request
from datetime import UTC, datetime

from pydantic import ValidationError

from infra.local.deploy import DeployFailed, Outputs
from infra.local.home import REGION, ROOT, Home, read_json
from infra.local.partners.people import PEOPLE
from zerotrip.catalogue.authoring import folders, load
from zerotrip.catalogue.commands import publish_folder
from zerotrip.catalogue.publication import Catalogue
from zerotrip.catalogue.shared_entries import (
    publish_elements,
    publish_shared_materials,
)
from zerotrip.catalogue.shared_files import read_elements, read_shared_materials
from zerotrip.identity.model import Organisation, Role
from zerotrip.identity.staff import register_officer, register_organisation
from zerotrip.kernel.errors import Conflict
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.objects import S3Objects
from zerotrip.kernel.store import DynamoTables
from zerotrip.kernel.times import legal_day
from zerotrip.licences.certificates import issue_test_chain

TENANT = "441882"
PARTNER_SECRETS = {
    "identity": "IdentityPartnerSecret",
    "payments": "PaymentsPartnerSecret",
    "courier": "CourierPartnerSecret",
    "shared_data": "SharedDataPartnerSecret",
}
OFFICE = {
    "name": "示例市政务服务中心收发室",
    "telephone": "07630000000",
    "address": "示例省示例市示例区示例大道1号",
}
OFFICERS = {  # who works where, by the role that the item's route asks for
    "zhao": ("vehicle-office", Role.OFFICER),
    "sun": ("food-licensing", Role.OFFICER),
    "zhou": ("food-licensing", Role.APPROVER),
    "wu": ("vehicle-office", Role.AUDITOR),
    "jiang": ("road-transport", Role.APPROVER),
    "shen": ("public-hygiene", Role.APPROVER),
    "han": ("drainage", Role.APPROVER),
    "yang": ("exit-entry", Role.OFFICER),
    "wei": ("social-insurance", Role.OFFICER),
    "feng": ("food-licensing", Role.EDITOR),
}
REVIEWERS = {  # two offices of the county, of their own
    "chen": (
        Organisation(
            "11441882000000090Y", "示例市机构编制委员会办公室", "Staffing Office"
        ),
        Role.STAFFING_REVIEWER,
    ),
    "chu": (
        Organisation("114418820000000912", "示例市司法局", "Justice Bureau"),
        Role.LEGAL_REVIEWER,
    ),
}


def tables_of(home: Home, outputs: Outputs) -> DynamoTables:
    """The Tables port on this laptop cloud."""
    names = {
        short: outputs[f"{short.capitalize()}Table"]
        for short in ("records", "drafts", "keys", "answers", "identity", "catalogue")
    }
    os.environ.update(
        {
            name: value
            for name, value in home.environment().items()
            if name.startswith("AWS_")
        }
    )
    return DynamoTables(names, region=REGION, host=home.endpoint)


def catalogue_of(home: Home, outputs: Outputs) -> Catalogue:
    """The catalogue of this laptop cloud."""
    objects = S3Objects(home.client("s3"), outputs["CatalogueBucket"])
    return Catalogue(tables_of(home, outputs), objects, lambda: datetime.now(UTC))


def seed(outputs: Outputs, home: Home) -> None:
    """Installs everything that a deployed stack needs before the first case."""
    partners = read_json(home.partners_file)
    secrets = home.client("secretsmanager")
    for partner, output in PARTNER_SECRETS.items():
        config = dict(partners[partner])
        if "notify_url" in config:
            config["notify_url"] = (
                f"{home.partners_url}/v1/partners/wechat_pay/callbacks"
            )
        if partner == "courier":
            config["office"] = OFFICE
        secrets.put_secret_value(
            SecretId=outputs[output], SecretString=json.dumps(config)
        )
    _install_trust(home, outputs)
    _publish_items(home, outputs)
    _register_staff(home, outputs)
    _tell_partners(home)


def _install_trust(home: Home, outputs: Outputs) -> None:
    catalogue = S3Objects(home.client("s3"), outputs["CatalogueBucket"])
    if catalogue.get("trust/licence-signer.pem") is not None:
        return
    key = home.client("kms").get_public_key(KeyId=outputs["LicenceKey"])
    chain, root = issue_test_chain(
        key["PublicKey"], "示例市电子证照签发", now=datetime.now(UTC)
    )
    catalogue.put("trust/roots.pem", root, content_type="application/x-pem-file")
    catalogue.put(
        "trust/licence-signer.pem", chain, content_type="application/x-pem-file"
    )


def _publish_items(home: Home, outputs: Outputs) -> None:
    root, tables = ROOT / "catalogue", tables_of(home, outputs)
    publish_shared_materials(tables, TENANT, read_shared_materials(root).values())
    publish_elements(tables, TENANT, read_elements(root).values())
    catalogue = catalogue_of(home, outputs)
    for folder in folders(ROOT / "catalogue"):
        try:
            publish_folder(folder, catalogue, TENANT, "operator:seed")
        except ValidationError as older:
            raise DeployFailed(
                "本机云中的数据由旧版本保存，当前版本无法读取。"
                "请运行 make reset 清除后重试。\n"
                "The laptop cloud holds data of an older version, which this one "
                "cannot read. Run `make reset`, which forgets it, and try again."
            ) from older
        except Conflict as refused:
            # The state on disk outlives an edit: the published revision stays.
            print(f"  ! {folder.name}: {refused.zh} {refused.en}")


def _register_staff(home: Home, outputs: Outputs) -> None:
    tables = tables_of(home, outputs)
    secret = home.client("secretsmanager").get_secret_value(
        SecretId=outputs["IdentityHashSecret"]
    )
    today = legal_day(datetime.now(UTC))
    items = [load(folder, today).item for folder in folders(ROOT / "catalogue")]
    offices = {item.department: item.organisation for item in items}
    for organisation in offices.values():
        register_organisation(
            tables,
            TENANT,
            Organisation(organisation.uscc, organisation.name.zh, organisation.name.en),
        )
    places = {
        person: (offices[department].uscc, department, role)
        for person, (department, role) in OFFICERS.items()
    }
    for person, (office, role) in REVIEWERS.items():
        register_organisation(tables, TENANT, office)
        places[person] = (office.uscc, "review", role)
    for person, (uscc, department, role) in places.items():
        register_officer(
            tables,
            secret["SecretString"].encode(),
            TENANT,
            PEOPLE[person].sub,
            organisation=uscc,
            department=department,
            roles=frozenset({role}),
            mint=Mint(os.urandom),
        )


def _tell_partners(home: Home) -> None:
    ports = read_json(home.path / "partners" / "ports.json")
    for sandbox, name in {"payments": "wechat_pay", "courier": "courier"}.items():
        url = f"{home.partners_url}/v1/partners/{name}/callbacks"
        request = urllib.request.Request(
            f"http://127.0.0.1:{ports[sandbox]}/_control/callbacks",
            data=json.dumps({"url": url}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()
