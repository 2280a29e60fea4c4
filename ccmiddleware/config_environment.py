"""Secrets from the environment, which win over what stands in the file.

Only secrets and the database's address can be given this way: everything else belongs into the
file, where ``ccm config check`` and whoever reads it see it. This module changes the raw table
before it is checked, so that a secret from the environment is checked like any other.
"""

import re
from collections.abc import Mapping
from typing import Any

PREFIX = "CCM_NODE_"
DATABASE_URL = "CCM_DATABASE_URL"
MAILBOX_PREFIX = "CCM_MAILBOX_"
STORE_SECRET = "CCM_RECORDING_STORE_SECRET"  # noqa: S105 - the name of a variable
SMTP_SECRET = "CCM_SMTP_SECRET"  # noqa: S105 - the name of a variable
_NODE_VARIABLE = re.compile(PREFIX + r"(?P<node>[A-Z0-9_]+)_(?P<part>AMI|ARI)_SECRET")


def variable(node: str, part: str) -> str:
    """The variable that holds the secret of ``part`` (``ami`` or ``ari``) of a node.

    Capitals; what is no letter or digit becomes an underscore: ``CCM_NODE_PBX_1_AMI_SECRET``.
    """
    return f"{PREFIX}{_capitals(node)}_{part.upper()}_SECRET"


def mailbox_variable(mailbox: str) -> str:
    """The variable that holds the secret of a mailbox: ``CCM_MAILBOX_HELP_DESK_SECRET``."""
    return f"{MAILBOX_PREFIX}{_capitals(mailbox)}_SECRET"


def override(raw: dict[str, Any], environ: Mapping[str, str]) -> list[str]:
    """Put the secrets that ``environ`` holds into the table; returns what is wrong with them.

    Empty variables count as not set. A variable of a node that is not there is a mistake, since
    otherwise a misspelt name would silently leave the old secret in use.
    """
    if environ.get(DATABASE_URL):
        database = raw.setdefault("database", {})
        if isinstance(database, dict):
            database["url"] = environ[DATABASE_URL]
    problems = []
    for name, key in ((STORE_SECRET, "recording_store"), (SMTP_SECRET, "smtp")):
        if not environ.get(name):
            continue
        section = raw.get(key)
        if isinstance(section, dict):
            section.pop("secret_file", None)
            section["secret"] = environ[name]
        else:
            problems.append(f"{name} is set, but there is no section {key}")
    problems += _override_mailboxes(raw, environ)
    for name in sorted(environ):
        found = _NODE_VARIABLE.fullmatch(name)
        if found and environ[name]:
            problems += _override_secret(raw, name, found, environ[name])
    return problems


def _override_mailboxes(raw: dict[str, Any], environ: Mapping[str, str]) -> list[str]:
    found = raw.get("mailbox")
    mailboxes = found if isinstance(found, dict) else {}
    problems = []
    for name in sorted(environ):
        if not (name.startswith(MAILBOX_PREFIX) and name.endswith("_SECRET") and environ[name]):
            continue
        meant = [key for key in mailboxes if mailbox_variable(key) == name]
        if len(meant) != 1 or not isinstance(mailboxes[meant[0]], dict):
            known = ", ".join(mailbox_variable(key) for key in mailboxes) or "none"
            problems.append(f"{name} belongs to {len(meant)} mailboxes; right would be {known}")
            continue
        mailboxes[meant[0]].pop("secret_file", None)
        mailboxes[meant[0]]["secret"] = environ[name]
    return problems


def _override_secret(
    raw: dict[str, Any], name: str, found: re.Match[str], secret: str
) -> list[str]:
    listed = raw.get("node")
    nodes = [node for node in listed if isinstance(node, dict)] if isinstance(listed, list) else []
    meant = [node for node in nodes if _capitals(str(node.get("name", ""))) == found["node"]]
    if not meant:
        known = ", ".join(variable(str(node.get("name", "")), "ami") for node in nodes)
        return [f"{name} belongs to no node of the configuration; right would be {known or 'none'}"]
    if len(meant) > 1:
        return [f"{name} belongs to {len(meant)} nodes; give them names that differ in letters"]
    part = (
        meant[0].setdefault(found["part"].lower(), {})
        if found["part"] == "AMI"
        else (meant[0].get("ari"))
    )
    if not isinstance(part, dict):
        return [f"{name} is set, but the node has no section {found['part'].lower()}"]
    part.pop("secret_file", None)
    part["secret"] = secret
    return []


def _capitals(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())
