"""Registering organisations and officers from a terminal; what registers say.

    python -m zerotrip.identity.commands list

`docs/manage-officers.md` shows each command. Settings are options, or the variables
that the functions use: ZEROTRIP_TENANT, IDENTITY_TABLE, IDENTITY_HASH_SECRET,
AWS_REGION.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TextIO

from zerotrip.identity import staff
from zerotrip.identity.model import (
    STAFF,
    Officer,
    Organisation,
    Role,
    refuse_faults,
)
from zerotrip.identity.registers import note_number
from zerotrip.identity.rows import number_mark
from zerotrip.kernel.errors import Invalid, NotFound, ZeroTripError
from zerotrip.kernel.identifiers import (
    Mint,
    identity_number_fault,
    is_identity_number,
    is_uscc,
    uscc_fault,
)
from zerotrip.kernel.names import normalised_number
from zerotrip.kernel.tables import Tables


@dataclass(frozen=True, slots=True)
class Desk:
    """What the commands work with; the secret is fetched only where it is needed."""

    tenant: str
    tables: Tables
    hash_key: Callable[[], bytes] = field(repr=False)
    mint: Mint
    clock: Callable[[], datetime]


def main(
    argv: Sequence[str],
    environment: Mapping[str, str],
    out: TextIO,
    connect: Callable[[argparse.Namespace], Desk] | None = None,
) -> int:
    """Runs one command; 0, or 1 with what was wrong, Chinese first."""
    arguments = _parser(environment).parse_args(argv)
    try:
        lines = _COMMANDS[arguments.command](
            arguments, (connect or _connect)(arguments)
        )
    except ZeroTripError as error:
        faults = error.faults if isinstance(error, Invalid) else ()
        lines = [f"✗ {error.zh} {error.en} ({error.code})"]
        lines += [f"  {fault.path}: {fault.zh} {fault.en}" for fault in faults]
        out.write("\n".join(lines) + "\n")
        return 1
    out.write("\n".join(lines) + "\n")
    return 0


def _add_organisation(arguments: argparse.Namespace, desk: Desk) -> list[str]:
    made = Organisation(arguments.uscc, arguments.name_zh, arguments.name_en)
    staff.register_organisation(desk.tables, desk.tenant, made)
    return [f"✓ 机构已登记 organisation registered: {made.uscc} {made.name_zh}"]


def _add_officer(arguments: argparse.Namespace, desk: Desk) -> list[str]:
    sub = staff.register_officer(
        desk.tables,
        desk.hash_key(),
        desk.tenant,
        arguments.oidc_subject,
        organisation=arguments.organisation,
        department=arguments.department,
        roles=frozenset(Role(role) for role in arguments.role),
        mint=desk.mint,
    )
    return [f"✓ 工作人员已登记 officer registered: {sub}"]


def _suspend(arguments: argparse.Namespace, desk: Desk) -> list[str]:
    sub = _sub(arguments, desk)
    officer = staff.suspend_officer(desk.tables, desk.tenant, sub, desk.clock())
    return [f"✓ 已停用 suspended since {officer.suspended_at}: {officer.sub}"]


def _reinstate(arguments: argparse.Namespace, desk: Desk) -> list[str]:
    sub = _sub(arguments, desk)
    officer = staff.reinstate_officer(desk.tables, desk.tenant, sub)
    return [f"✓ 已恢复 reinstated: {officer.sub}"]


def _end_subject(arguments: argparse.Namespace, desk: Desk) -> list[str]:
    company = arguments.reason == "deregistered"
    number = _number(arguments.number, company=company)
    return _noted(desk, number, ended=arguments.reason)


def _reopen_subject(arguments: argparse.Namespace, desk: Desk) -> list[str]:
    return _noted(desk, normalised_number(arguments.number), ended=None)


def _change_representative(arguments: argparse.Namespace, desk: Desk) -> list[str]:
    number = _number(arguments.number, company=True)
    representative = _number(arguments.representative_number, company=False)
    mark = number_mark(desk.hash_key(), representative)
    return _noted(desk, number, representative=mark, register=True)


def _number(text: str, *, company: bool) -> str:
    """A USCC, or an identity number. Raises Invalid for anything else."""
    number = normalised_number(text)
    if company and not is_uscc(number):
        refuse_faults((uscc_fault("--number"),))
    if not company and not is_identity_number(number):
        refuse_faults((identity_number_fault("--number"),))
    return number


def _noted(desk: Desk, number: str, **facts: str | bool | None) -> list[str]:
    """Keeps what a register says of a number, whoever signs in by it."""
    subs = note_number(desk.tables, desk.hash_key(), desk.tenant, number, **facts)
    known = ", ".join(subs) or "目前没有对应的登录方式 no login yet"
    return [f"✓ 已记录 noted: {known}"]


def _kin(arguments: argparse.Namespace, desk: Desk) -> list[str]:
    mark = number_mark(desk.hash_key(), normalised_number(arguments.number))
    if not staff.lift_kin(desk.tables, desk.tenant, _sub(arguments, desk), mark):
        raise NotFound(
            "kin_unknown",
            "没有申报过这项回避关系。",
            "No such relation was declared.",
        )
    return ["✓ 已解除回避关系 relation lifted"]


def _list(_arguments: argparse.Namespace, desk: Desk) -> list[str]:
    lines = []
    for organisation in staff.organisations(desk.tables, desk.tenant):
        lines.append(
            f"{organisation.uscc} {organisation.name_zh} {organisation.name_en}"
        )
        officers = staff.officers_of(desk.tables, desk.tenant, organisation.uscc)
        lines += [f"  {_spoken(officer)}" for officer in officers]
    return lines or ["尚未登记机构 no organisation is registered yet"]


def _spoken(officer: Officer) -> str:
    state = (
        f"已停用 suspended since {officer.suspended_at}"
        if officer.suspended_at
        else "在岗 active"
    )
    roles = ", ".join(sorted(officer.roles))
    return f"{officer.sub} {officer.department} {roles} {state}"


def _sub(arguments: argparse.Namespace, desk: Desk) -> str:
    if arguments.sub:
        return str(arguments.sub)
    return staff.find_officer(
        desk.tables, desk.hash_key(), desk.tenant, arguments.oidc_subject
    )


_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Desk], list[str]]] = {
    "add-organisation": _add_organisation,
    "add-officer": _add_officer,
    "suspend": _suspend,
    "reinstate": _reinstate,
    "end-subject": _end_subject,
    "reopen-subject": _reopen_subject,
    "change-representative": _change_representative,
    "lift-kin": _kin,
    "list": _list,
}


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m zerotrip.identity.commands",
        description="机构与工作人员管理 organisations and officers",
    )
    for option, variable in (
        ("--tenant", "ZEROTRIP_TENANT"),
        ("--identity-table", "IDENTITY_TABLE"),
        ("--hash-secret", "IDENTITY_HASH_SECRET"),
        ("--region", "AWS_REGION"),
    ):
        held = environment.get(variable)
        parser.add_argument(option, default=held, required=not held, help=variable)
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add-organisation", help="登记机构")
    for option in ("--uscc", "--name-zh", "--name-en"):
        adding.add_argument(option, required=True)
    adding = commands.add_parser("add-officer", help="登记工作人员，或更改其部门和角色")
    for option in ("--oidc-subject", "--organisation", "--department"):
        adding.add_argument(option, required=True)
    roles = sorted(role.value for role in STAFF)
    adding.add_argument("--role", action="append", required=True, choices=roles)
    for name, words in (("suspend", "停用"), ("reinstate", "恢复")):
        one = commands.add_parser(name, help=words).add_mutually_exclusive_group(
            required=True
        )
        one.add_argument("--sub")
        one.add_argument("--oidc-subject")
    ended = commands.add_parser("end-subject", help="登记机关：人员去世、单位注销")
    ended.add_argument("--number", required=True, help="证件号码或统一社会信用代码")
    ended.add_argument("--reason", required=True, choices=["deceased", "deregistered"])
    reopened = commands.add_parser("reopen-subject", help="更正上一项")
    reopened.add_argument("--number", required=True)
    changed = commands.add_parser("change-representative", help="法定代表人变更")
    for option in ("--number", "--representative-number"):
        changed.add_argument(option, required=True)
    lifted = commands.add_parser("lift-kin", help="机关决定：解除申报的回避关系")
    lifted.add_argument("--number", required=True)
    who = lifted.add_mutually_exclusive_group(required=True)
    who.add_argument("--sub")
    who.add_argument("--oidc-subject")
    commands.add_parser("list", help="列出机构和工作人员")
    return parser


def _connect(arguments: argparse.Namespace) -> Desk:
    from zerotrip.identity.rows import IDENTITY_TABLE
    from zerotrip.kernel.store import DynamoTables

    names = {IDENTITY_TABLE: arguments.identity_table}
    tables = DynamoTables(names, region=arguments.region)

    def hash_key() -> bytes:
        session = tables.connection.session
        secrets: Any = session.create_client(
            "secretsmanager", region_name=arguments.region
        )
        answer = secrets.get_secret_value(SecretId=arguments.hash_secret)
        return str(answer["SecretString"]).encode()

    return Desk(
        tenant=arguments.tenant,
        tables=tables,
        hash_key=hash_key,
        mint=Mint(os.urandom),
        clock=lambda: datetime.now(UTC),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, sys.stdout))
