"""The commented example file and the reference table, both made from the settings classes.

The example sets only what has no default; everything else stands there as a comment with its
default, so that a reader sees all there is and what holds if nothing is said.
"""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ccmiddleware.config import DEFAULT_PATH, PATH_VARIABLE, Settings
from ccmiddleware.config_environment import (
    DATABASE_URL,
    SMTP_SECRET,
    STORE_SECRET,
    mailbox_variable,
    variable,
)
from ccmiddleware.config_problems import is_table_of_sections, section_of

_FILL_IN: dict[str, Any] = {"node.name": "pbx1", "node.ami.secret": ""}
"""What the example sets although it has no default."""

_SAMPLES: dict[str, Any] = {
    "node.ami.secret_file": "/etc/ccmiddleware/ami.secret",
    "node.ami.tls_ca_file": "/etc/ssl/certs/pbx-ca.pem",
    "node.ari.secret": "",
    "node.ari.secret_file": "/etc/ccmiddleware/ari.secret",
    "node.recordings_on_asterisk": "/var/spool/asterisk/monitor",
    "node.queue_log": "/var/log/asterisk/queue_log",
    "database.url": "postgresql://ccm@db.example.net/ccm",
    "database.password_file": "/etc/ccmiddleware/database.password",
    "recording_store.secret": "",
    "recording_store.secret_file": "/etc/ccmiddleware/store.secret",
    "recording_store.endpoint": "https://s3.example.net",
    "recording_store.bucket": "recordings",
    "recording_store.access_key": "AKIAEXAMPLE",
    "mailbox.sales.secret": "",
    "mailbox.sales.secret_file": "/etc/ccmiddleware/sales.secret",
    "mailbox.sales.queue": "sales",
    "mailbox.sales.node": "pbx1",
    "mailbox.sales.address": "sales@example.com",
    "mailbox.sales.signature_file": "/etc/ccmiddleware/sales.signature",
    "mailbox.sales.acknowledge": "/etc/ccmiddleware/sales.acknowledgement",
    "mailbox.sales.host": "imap.example.com",
    "mailbox.sales.port": 993,
    "mailbox.sales.tls_ca_file": "/etc/ssl/certs/mail-ca.pem",
    "mailbox.sales.user": "sales@example.com",
    "mailbox.sales.move_to": "Taken",
    "mailbox.sales.spam_threshold": 7.5,
    "smtp.secret": "",
    "smtp.secret_file": "/etc/ccmiddleware/smtp.secret",
    "smtp.host": "smtp.example.com",
    "smtp.port": 465,
    "smtp.tls_ca_file": "/etc/ssl/certs/mail-ca.pem",
    "smtp.user": "ccm@example.com",
    "dialing.profiles": "/etc/ccmiddleware/profiles",
    "queue.sales.service_level_seconds": 30,
    "queues.callback.time_zone": "Europe/Berlin",
    "queue.sales.callback.time_zone": "Europe/Berlin",
}
"""What stands in a comment where the default is "not set"."""

_QUEUE = "sales"
_NODE = str(_FILL_IN["node.name"])


def example() -> str:
    """A TOML file that ``load`` accepts once the manager user's secret is filled in."""
    lines = [
        "# Configuration of ccmiddleware. Check it with `ccm config check`.",
        "#",
        "# Lines that begin with `#` and a name show a setting with its default. Only what stands",
        "# there without `#` must be set.",
        f"# The file is looked for in {DEFAULT_PATH}, or where --config or {PATH_VARIABLE} says.",
        "# Secrets can come from the environment instead, and win over this file:",
        f"# {variable(_NODE, 'ami')}, {variable(_NODE, 'ari')}, {DATABASE_URL},",
        f"# {STORE_SECRET}, {mailbox_variable(_QUEUE)}, {SMTP_SECRET}.",
    ]
    lines += _section(Settings, "", "", needed=True)
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def reference() -> str:
    """The same as a Markdown table: key, type, default, meaning."""
    lines = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, field in _fields(Settings, ""):
        cells = (f"`{key}`", _type_words(field), _default_words(field), field.description or "")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def toml_value(value: Any) -> str:
    """``value`` as TOML writes it. Paths and secrets become strings (secrets are masked)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = json.dumps(str(value), ensure_ascii=False)
    return text.replace("\x7f", "\\u007f")


def _section(model: type[BaseModel], key: str, header: str, *, needed: bool) -> list[str]:
    """The lines of one section; plain settings first, since TOML ends them at the next header."""
    mark = "" if needed else "#"
    lines = []
    if header:
        lines += ["", *_comment(_first_line(model)), f"{mark}{header}"]
    nested = []
    for name, field in model.model_fields.items():
        below = section_of(field.annotation)
        if below is not None:
            nested.append((name, field, below))
            continue
        lines += [] if header else [""]
        lines += _comment(field.description or "")
        lines.append(_setting(f"{key}{name}", name, field, mark))
    for name, field, below in nested:
        lines += _nested(f"{key}{name}", field, below, needed=needed)
    return lines


def _setting(key: str, name: str, field: FieldInfo, mark: str) -> str:
    if key in _FILL_IN and not mark:
        hint = "  # fill in" if _FILL_IN[key] == "" else ""
        return f"{name} = {toml_value(_FILL_IN[key])}{hint}"
    value = _SAMPLES.get(key, field.default)
    if value is None or value is PydanticUndefined:
        raise LookupError(f"{key} has no default and no sample: give it one in {__name__}")
    return f"#{name} = {toml_value(value)}"


def _nested(key: str, field: FieldInfo, below: type[BaseModel], *, needed: bool) -> list[str]:
    if get_origin(field.annotation) is list:
        return _section(below, f"{key}.", f"[[{key}]]", needed=True)
    if is_table_of_sections(field.annotation):
        key = f"{key}.{_QUEUE}"
    return _section(below, f"{key}.", f"[{key}]", needed=needed and field.is_required())


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 96, initial_indent="# ", subsequent_indent="# ")


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or model.__name__).strip().splitlines()[0]


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    below: list[tuple[str, type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        section = section_of(field.annotation)
        if section is None:
            yield prefix + name, field
        else:
            named = ".NAME" if is_table_of_sections(field.annotation) else ""
            below.append((f"{prefix}{name}{named}.", section))
    for key, section in below:
        yield from _fields(section, key)


_TYPE_NAMES: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    SecretStr: "text, secret",
}


def _type_words(field: FieldInfo) -> str:
    annotation = field.annotation
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    inner = [part for part in get_args(annotation) if part is not type(None)]
    choices = [value for part in inner for value in get_args(part) if isinstance(value, str)]
    kind = inner[0] if inner else annotation
    metadata = [*field.metadata, *getattr(kind, "__metadata__", ())]
    if kind not in _TYPE_NAMES:
        kind = get_args(kind)[0]
    return " or ".join([_TYPE_NAMES[kind] + _bounds(metadata), *(f"`{one}`" for one in choices)])


def _bounds(metadata: list[Any]) -> str:
    words = []
    for item in metadata:
        for one in getattr(item, "metadata", [item]):
            match one:
                case Ge(ge=limit):
                    words.append(f"at least {limit}")
                case Gt(gt=limit):
                    words.append(f"above {limit}")
                case Le(le=limit):
                    words.append(f"at most {limit}")
                case Lt(lt=limit):
                    words.append(f"below {limit}")
                case _:
                    pass
    return f", {', '.join(words)}" if words else ""


def _default_words(field: FieldInfo) -> str:
    if field.is_required():
        return "must be set"
    return "not set" if field.default is None else f"`{toml_value(field.default)}`"
