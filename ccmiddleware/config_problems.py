"""What is wrong with a configuration, in words: which key, why, and what would be right.

Turns one error of pydantic into one line. Values of unknown keys and of secrets are never shown:
a misspelt ``pasword`` is a secret too.
"""

import difflib
import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

_WORDS = {
    "missing": "must be set",
    "list_type": "must be a list of tables, written as [[{key}]]",
    "model_type": "must be a table of settings, written as [{key}]",
    "dict_type": "must be a table, written as [{key}]",
}
_FORMS = {
    "name": "must be letters, digits, '.', '_' and '-', begin with a letter or digit, and have at "
    "most 63 characters",
    "url": "must begin with http:// or https://",
    "address": "must be an email address, such as sales@example.com",
    "folder": "must be the name of a folder, without control characters",
    "move_to": "must be the name of a folder, without control characters",
    "hello": "must be a host name or an address in brackets",
    "app": "must be lower-case letters, digits, '_' and '-'",
}
"""What the patterns in config.py ask for, by the last part of the key."""

_SHOULD = re.compile(r"^(Input|String|Value|URL) should ")


def problem(root: type[BaseModel], raw: dict[str, Any], detail: Any) -> str:
    """One line for one entry of ``ValidationError.errors()``, got by checking ``raw``."""
    location: tuple[int | str, ...] = detail["loc"]
    key = dotted(location, raw) or "(file)"
    kind: str = detail["type"]
    if kind == "extra_forbidden":
        return f"{key}: no such setting; {_meant(root, location)}"
    if kind == "too_short" and is_secret(key):
        return f"{key}: is empty; write the secret here, or remove this and set secret_file"
    if kind == "too_short" and key == "node":
        return "node: there is no [[node]]; each Asterisk server needs one"
    words = _SHOULD.sub("must ", detail["msg"].removeprefix("Value error, "))
    if kind in _WORDS:
        words = _WORDS[kind].format(key=key)
    elif kind == "string_pattern_mismatch":
        words = _FORMS.get(str(location[-1]), words)
    value = detail.get("input")
    shown = isinstance(value, str | int | float | bool) and not is_secret(key)
    return f"{key}: {words}" + (f" (it is {value!r})" if shown else "")


def is_secret(key: str) -> bool:
    """Whether the value of a dotted key must never be shown."""
    last = key.rsplit(".", 1)[-1]
    return "secret" in last or "password" in last or last == "url"


def dotted(location: tuple[int | str, ...], raw: Any) -> str:
    """The key as people say it: ``node[pbx1].ami.port``; a node without name by its number."""
    text = ""
    here = raw
    for part in location:
        here = _below(here, part)
        if isinstance(part, int):
            name = here.get("name") if isinstance(here, dict) else None
            text += f"[{name}]" if isinstance(name, str) and name else f"[number {part + 1}]"
        else:
            text += f".{part}" if text else part
    return text


def _below(here: Any, part: int | str) -> Any:
    try:
        return here[part]
    except (KeyError, IndexError, TypeError):
        return None


def _meant(root: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """The settings that an unknown key may stand for: near in its section, or elsewhere by name."""
    *parents, wrong = (str(part) for part in location if isinstance(part, str))
    section = _section(root, location[:-1])
    if section is not None:
        near = difflib.get_close_matches(wrong.lower(), list(section.model_fields), n=1, cutoff=0.6)
        if near:
            return f"did you mean {near[0]}?"
    elsewhere = [key for key in known_keys(root) if key.rsplit(".", 1)[-1] == wrong]
    if elsewhere:
        return f"there is {' and '.join(elsewhere)}"
    if section is not None and parents:
        return f"{'.'.join(parents)} has {', '.join(section.model_fields)}"
    return "`ccm config example` lists all of them"


def _section(root: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    here: type[BaseModel] | None = root
    free_name = False
    for part in location:
        if isinstance(part, int):
            continue
        if free_name:
            free_name = False
            continue
        field = here.model_fields.get(part) if here is not None else None
        if field is None:
            return None
        here = section_of(field.annotation)
        free_name = is_table_of_sections(field.annotation)
    return here


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that a field of this type holds: itself, optional, in a list or in a table."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        found = section_of(part)
        if found is not None:
            return found
    return None


def is_table_of_sections(annotation: Any) -> bool:
    """Whether the section stands under a name of the operator's choice, as ``[queue.sales]``."""
    return get_origin(annotation) is dict


def known_keys(root: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every dotted key there is; ``NAME`` stands for names of the operator's choice."""
    for name, field in root.model_fields.items():
        section = section_of(field.annotation)
        if section is None:
            yield prefix + name
        else:
            named = ".NAME" if is_table_of_sections(field.annotation) else ""
            yield from known_keys(section, f"{prefix}{name}{named}.")
