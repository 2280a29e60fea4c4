"""What the mail server that took a message found out about its sender (RFC 8601). Pure.

Anybody can write an Authentication-Results field. The one of our own server is known by the name
that stands first in it (the authserv-id); that server must take out fields of others which bear
this name (RFC 8601, section 5). Should it not, its own still stands above them: of each method the
topmost result counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

_COMMENT = re.compile(r"\\.|\(|\)|\"(?:\\.|[^\"\\])*\"")
_RESULT = re.compile(r"\s*([a-z0-9_-]{1,40})(?:/\d+)?\s*=\s*([a-z0-9_-]{1,40})", re.I)
_PROPERTY = re.compile(r"([a-z0-9_.-]{1,60})\s*=\s*(\"[^\"]{0,320}\"|[^\s;\"]{1,320})", re.I)


def unproven(values: Iterable[str], authserv_id: str, sender: str) -> str:
    """Why ``sender``, an address in lower case, is not proven to have sent it; empty where it is.

    ``values``: those of Authentication-Results, from the top. It is proven by a pass of DMARC; by
    one of SPF or DKIM for the very domain of the address; or by a login (``auth``) as it.
    """
    found: dict[str, tuple[str, Mapping[str, str]]] = {}
    for method, result, properties in _results(values, authserv_id.lower()):
        found.setdefault(method, (result, properties))
    if not found:
        return f"{authserv_id} says nothing about its sender"
    domain = sender.rpartition("@")[2]
    shown = []
    for method, (result, properties) in found.items():
        if result == "pass" and _is_about(method, properties, sender, domain):
            dmarc = found.get("dmarc", ("", {}))[0]
            if dmarc != "fail":
                return ""
        shown.append(f"{method}={result}")
    return f"{authserv_id} does not find its sender proven: {', '.join(shown)[:200]}"


def _is_about(method: str, properties: Mapping[str, str], sender: str, domain: str) -> bool:
    match method:
        case "dmarc":
            return properties.get("header.from", "").rpartition("@")[2] == domain
        case "spf":
            return properties.get("smtp.mailfrom", "").rpartition("@")[2] == domain
        case "dkim":
            return properties.get("header.d", "") == domain
        case "auth":
            return sender in (properties.get("smtp.auth", ""), properties.get("smtp.mailfrom", ""))
        case _:
            return False


def _results(
    values: Iterable[str], authserv_id: str
) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    for value in values:
        first, *results = _without_comments(value).lower().split(";")
        name, _, version = " ".join(first.split()).partition(" ")
        if name != authserv_id or (version and not version.isdigit()):
            continue
        for each in results:
            result = _RESULT.match(each)
            if result is not None:
                rest = each[result.end() :]
                named = {key: text.strip('"') for key, text in reversed(_PROPERTY.findall(rest))}
                yield result[1], result[2], named


def _without_comments(value: str) -> str:
    """Comments nest, and may hold what looks like a result."""
    kept, depth, end = [], 0, 0
    for found in _COMMENT.finditer(value):
        if depth == 0:
            kept.append(value[end : found.start()])
            if found[0].startswith('"'):
                kept.append(found[0].replace(";", " "))
        depth = depth + 1 if found[0] == "(" else max(0, depth - 1) if found[0] == ")" else depth
        end = found.end()
    if depth == 0:
        kept.append(value[end:])
    return " ".join(kept)
