"""What a node can be used for, and what each further thing needs: the end of ``ccm doctor``.

A capability is one small declaration: what it does, what it cannot do without (``needs``), and what
makes it whole (``more``). A need is a question to what was seen of the node, with the words that
say how to meet it. Whoever builds something that needs a file of asterisk/, a class of the manager
user or a setting declares it in the file of its part here and adds it to ``registry.ALL``.

Pure: what was seen comes in, standings go out. Asking Asterisk is ``cli.checks.asked``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ccmiddleware.cli.checks import Finding

if TYPE_CHECKING:
    from ccmiddleware.config import NodeSettings, Settings

State = Literal["works", "in part", "needs", "unknown"]


@dataclass(frozen=True)
class Seen:
    """What was found out about one node. None stands for what could not be found out.

    ``allowed`` are the actions that the manager user may use, ``contexts`` the contexts of ours
    that were asked for, ``blind`` says why there was no answer, ``findings`` are the checks, by
    subject (without the node's name).
    """

    node: "NodeSettings"
    settings: "Settings"
    allowed: frozenset[str] | None = None
    contexts: Mapping[str, bool | None] = field(default_factory=dict)
    blind: str = ""
    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)


@dataclass(frozen=True)
class Need:
    """One thing without which something does not work.

    ``met`` answers None when it can't be told; ``blind`` then says why. ``context`` is a context of
    the dialplan that must be asked for.
    """

    mend: str
    met: Callable[[Seen], bool | None]
    blind: Callable[[Seen], str] = lambda seen: seen.blind
    context: str = ""


@dataclass(frozen=True)
class Capability:
    """Something that a node can be used for. ``remark`` adds what is worth knowing now."""

    name: str
    does: str
    needs: Sequence[Need] = ()
    more: Sequence[Need] = ()
    remark: Callable[[Seen], str] = lambda seen: ""


@dataclass(frozen=True)
class Standing:
    """How it is with a capability. ``lacks`` says what to do (in state unknown: perhaps),
    ``remarks`` what to know."""

    node: str
    capability: str
    does: str
    state: State
    lacks: list[str]
    remarks: list[str]


def judge(capability: Capability, seen: Seen) -> Standing:
    """How it is with one capability."""
    state: State = "works"
    lacks, unclear = _unmet(capability.needs, seen), _unclear(capability.needs, seen)
    if lacks:
        state, unclear = "needs", []
    elif unclear:
        state, lacks = "unknown", [need.mend for need in unclear]
    else:
        lacks, unclear = _unmet(capability.more, seen), _unclear(capability.more, seen)
        state = "in part" if lacks else "works"
    remarks = [f"can't tell: {need.blind(seen)}" for need in unclear]
    if state in ("works", "in part"):
        remarks = [f"perhaps it needs {need.mend} ({need.blind(seen)})" for need in unclear]
        remarks += [said] if (said := capability.remark(seen)) else []
    return Standing(
        node=seen.node.name,
        capability=capability.name,
        does=capability.does,
        state=state,
        lacks=list(dict.fromkeys(lacks)),
        remarks=list(dict.fromkeys(remarks)),
    )


def _unmet(needs: Sequence[Need], seen: Seen) -> list[str]:
    return [need.mend for need in needs if need.met(seen) is False]


def _unclear(needs: Sequence[Need], seen: Seen) -> list[Need]:
    return [need for need in needs if need.met(seen) is None]


# Kinds of needs ----------------------------------------------------------------------------


def action(name: str, manager_class: str, file: str = "manager/ccm.conf") -> Need:
    """An action that the manager user may use, the class that gives it and our file that does."""
    where = f"asterisk/{file} in manager.conf"
    if file != "manager/ccm.conf":
        where += ", after ccm.conf"
    words = f"class {manager_class} for {name}" if manager_class else name
    return Need(
        f"AMI {words}: include {where}",
        lambda seen: None if seen.allowed is None else name in seen.allowed,
    )


def context(name: str, file: str, then: str = "") -> Need:
    """A context of our dialplan library that Asterisk has; ``then`` is what else is to be done."""
    words = f"include asterisk/dialplan/{file} in extensions.conf"
    return Need(
        f"{words}, {then}" if then else words,
        lambda seen: seen.contexts.get(name),
        context=name,
    )


def good(subject: str, mend: str, *, note: bool | None = None) -> Need:
    """A check of that subject that went well. ``note`` is the answer where all that it left is one:
    None when that means that it could not be looked at."""

    def met(seen: Seen) -> bool | None:
        verdicts = {finding.verdict for finding in seen.findings.get(subject, ())}
        if not verdicts:
            return None
        if "ok" in verdicts and "failed" not in verdicts:
            return True
        return note if verdicts == {"note"} else False

    def blind(seen: Seen) -> str:
        found = "; ".join(finding.found for finding in seen.findings.get(subject, ()))
        return found or "it was not looked at, see above"

    return Need(mend, met, blind)


def holds(mend: str, met: Callable[[Seen], bool]) -> Need:
    """Something that the configuration tells."""
    return Need(mend, met)
