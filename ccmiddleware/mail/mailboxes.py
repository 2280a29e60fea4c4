"""The mailboxes of one node, while this daemon leads it: what each is made of, one task for all.

A mailbox that can't be taken in says so in ``troubles`` and keeps nobody waiting but itself.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

from ccmiddleware.clock import Clock
from ccmiddleware.config_mail import MailboxSettings
from ccmiddleware.errors import ConfigError, PermanentError, TemporaryError
from ccmiddleware.mail import stationery
from ccmiddleware.mail.acknowledging import Acknowledging
from ccmiddleware.mail.agent_replies import AgentReplies, Linking
from ccmiddleware.mail.carrying_out import CarryingOut
from ccmiddleware.mail.filing import Filing
from ccmiddleware.mail.imap_folder import open_folder
from ccmiddleware.mail.intake import Intake
from ccmiddleware.mail.keys import loop_mark, signing_keys
from ccmiddleware.mail.letters import Identity
from ccmiddleware.mail.parsing import Readers
from ccmiddleware.mail.settling import Rules, Settling
from ccmiddleware.mail.tokens import Keys
from ccmiddleware.store.database import Database

log = structlog.get_logger(__name__)

RETRY_SECONDS = 2.0


class Mailboxes:
    """Those of one node in one term of its leader.

    ``everywhere``: the settings of the mailboxes of all nodes, by node and name. ``certain`` waits
    while it is doubtful whether this daemon still leads the node. ``linking``: what
    agents' #contact does.
    """

    def __init__(
        self,
        node: str,
        term: int,
        everywhere: Mapping[str, Mapping[str, MailboxSettings]],
        database: Database,
        readers: Readers,
        *,
        certain: Callable[[], Awaitable[None]],
        clock: Clock,
        linking: Linking | None = None,
    ) -> None:
        self._node = node
        self._term = term
        self._everywhere = everywhere
        self._database = database
        self._readers = readers
        self._certain = certain
        self._clock = clock
        self._linking = linking
        self._intakes: dict[str, Intake] = {}
        self._unacknowledged: dict[str, str] = {}
        self._waits_for = "not looked into yet"

    @property
    def troubles(self) -> dict[str, str]:
        """Each mailbox of the node, and what does not work with it; empty where all is well."""
        return {
            name: (self._intakes[name].trouble if name in self._intakes else self._waits_for)
            or self._unacknowledged.get(name, "")
            for name in self._everywhere[self._node]
        }

    async def run(self) -> None:
        """Take in all of them until cancelled."""
        keys = await self._keys()
        async with asyncio.TaskGroup() as group:
            for name, settings in self._everywhere[self._node].items():
                self._intakes[name] = self._intake(name, settings, keys)
                group.create_task(self._intakes[name].run(), name=f"mailbox {name}")

    async def _keys(self) -> Keys:
        while True:
            try:
                await self._certain()
                return await signing_keys(self._database, self._clock)
            except (TemporaryError, PermanentError) as error:
                if str(error) != self._waits_for:
                    self._waits_for = str(error)
                    log.warning("mailboxes wait", node=self._node, reason=self._waits_for)
                await asyncio.sleep(RETRY_SECONDS)

    def _intake(self, name: str, settings: MailboxSettings, keys: Keys) -> Intake:
        rules = rules_for(settings, self._everywhere, keys)
        word = self._acknowledging(name, settings, rules)
        filing = Filing(
            self._database,
            self._node,
            self._term,
            name,
            Settling(rules, self._clock).decide,
            self._clock,
            ours=rules.ours,
            source=settings.source,
            acknowledge=word.acknowledge if word is not None else None,
            for_agents=self._agent_replies(settings, rules),
        )
        return Intake(
            name,
            settings,
            filing,
            lambda: open_folder(settings, self._clock),
            self._readers.parse_all,
            certain=self._certain,
            chance=random.Random(name),  # noqa: S311 - spreads retries
        )

    def _agent_replies(self, settings: MailboxSettings, rules: Rules) -> AgentReplies:
        return AgentReplies(
            stationery.unsigned(settings, rules.loop_mark),
            rules,
            carrying_out(self._everywhere[self._node], rules, self._clock),
            self._readers,
            self._clock,
            proven_by=settings.agents_proven_by,
            receipts=settings.answer_receipts,
            to_all=settings.answer_all,
            reply_life=timedelta(days=settings.reply_days),
            linking=self._linking,
        )

    def _acknowledging(
        self, name: str, settings: MailboxSettings, rules: Rules
    ) -> Acknowledging | None:
        """Broken files keep no mail from being taken in."""
        try:
            return acknowledging(settings, rules, self._clock)
        except ConfigError as error:
            reason = f"nothing is acknowledged: {'; '.join(error.problems)}"
            self._unacknowledged[name] = reason
            log.error("mailbox can't write", mailbox=name, reason=reason)
            return None


def acknowledging(settings: MailboxSettings, rules: Rules, clock: Clock) -> Acknowledging | None:
    """What acknowledges the mail of a mailbox, if anything does. Raises ConfigError."""
    template = stationery.acknowledgement(settings)
    if template is None:
        return None
    identity = stationery.identity(settings, rules.loop_mark)
    return Acknowledging(identity, template, rules.keys, rules.ours, clock)


def carrying_out(
    mailboxes: Mapping[str, MailboxSettings], rules: Rules, clock: Clock
) -> CarryingOut:
    """What does what agents ask for, for a node with these mailboxes."""

    def identity(name: str) -> Identity | None:
        settings = mailboxes.get(name)
        return stationery.identity(settings, rules.loop_mark) if settings is not None else None

    return CarryingOut(identity, rules.keys, rules.ours, clock)


def rules_for(
    settings: MailboxSettings, everywhere: Mapping[str, Mapping[str, MailboxSettings]], keys: Keys
) -> Rules:
    """What holds for a mailbox. ``everywhere``: those of all nodes, by node and name."""
    by_queue: dict[tuple[str, str], frozenset[str]] = {}
    for node, mailboxes in everywhere.items():
        for one in mailboxes.values():
            addresses = by_queue.get((node, one.queue), frozenset())
            by_queue[node, one.queue] = addresses | {one.address.lower()}
    return Rules(
        own=frozenset({settings.address.lower()}),
        mailboxes=by_queue,
        keys=keys,
        loop_mark=loop_mark(keys),
        spam_threshold=settings.spam_threshold,
    )
