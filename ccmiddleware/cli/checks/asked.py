"""What Asterisk is asked for the capabilities: which actions are allowed, which contexts are there.

Only looks. Whether a context is loaded is told by the function DIALPLAN_EXISTS, for which the
manager user needs class call or reporting; with class system alone, extensions.conf is asked for it
(GetConfig), which tells what the file holds and not whether it was reloaded since.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ccmiddleware.errors import CcmError, PermanentError
from ccmiddleware.pbx.link import AmiLink

FUNCTION = "DIALPLAN_EXISTS"


@dataclass(frozen=True)
class Asked:
    """The answers of one Asterisk; None for what it did not answer, ``blind`` says why."""

    allowed: frozenset[str] | None = None
    contexts: dict[str, bool | None] = field(default_factory=dict)
    blind: str = ""


async def ask(link: AmiLink, contexts: Iterable[str]) -> Asked:
    """Ask for everything. An Asterisk that does not answer leaves the rest unknown."""
    allowed: frozenset[str] | None = None
    found: dict[str, bool | None] = {}
    try:
        allowed = frozenset((await link.send("ListCommands")).headers)
        for name in contexts:
            found[name] = await _context(link, name, allowed)
    except CcmError as error:
        return Asked(allowed, found, str(error))
    blind = "the manager user may use neither Getvar nor GetConfig: class system or reporting"
    return Asked(allowed, found, blind)


async def _context(link: AmiLink, name: str, allowed: frozenset[str]) -> bool | None:
    """Whether Asterisk has a context of ours."""
    if "Getvar" in allowed:
        answer = await link.send("Getvar", {"Variable": f"{FUNCTION}({name})"})
        if (told := answer.headers.get("Value", "")) in ("0", "1"):
            return told == "1"
    if "GetConfig" in allowed:
        try:
            file = await link.send("GetConfig", {"Filename": "extensions.conf", "Category": name})
        except PermanentError:
            return None  # no such file: the dialplan lies elsewhere
        return any(key.startswith("Category-") for key in file.headers)
    return None
