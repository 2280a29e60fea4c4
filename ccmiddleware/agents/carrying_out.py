"""Carries out commands about agents: the actions of ``commands``, one after the other."""

from collections.abc import Mapping
from typing import Any

from ccmiddleware.agents.commands import KINDS, asks, parse
from ccmiddleware.commands import Handler, Outcome, summary
from ccmiddleware.pbx.asking import ask_asterisk
from ccmiddleware.pbx.link import AmiLink

NEEDS = "the manager user needs write class agent (asterisk/manager/ccm-agents.conf)"


def agent_handlers(link: AmiLink) -> dict[str, Handler]:
    """A handler for each kind of command about agents."""

    def handler(kind: str) -> Handler:
        async def carry_out(arguments: Mapping[str, Any]) -> Outcome:
            todo = asks(parse(kind, arguments))
            return summary([await ask_asterisk(link, ask, needs=NEEDS) for ask in todo])

        return carry_out

    return {kind: handler(kind) for kind in KINDS}
