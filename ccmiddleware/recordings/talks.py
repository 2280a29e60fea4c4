"""The talks of one node that go on now, and which of them somebody means. Pure.

The talk that a queue makes is recorded on the customer's channel. A talk that follows a transfer,
or has no queue, is recorded on the agent's: in a three-way call both talks go on at once, and each
must end by itself.
"""

from collections.abc import Iterable
from uuid import UUID

from ccmiddleware.commands import InvalidCommand
from ccmiddleware.facts import AnyFact, Interaction, Segment
from ccmiddleware.recordings.requests import Request

Key = tuple[UUID, int]
"""Interaction and segment."""


class Talks:
    """What the call machine has told of talks. ``going_on`` holds those that have not ended."""

    def __init__(self) -> None:
        self.going_on: dict[Key, Segment] = {}
        self._first: dict[UUID, dict[int, int]] = {}
        """By interaction: the first segment of each visit, which is the one that a queue made."""

    def observe(self, fact: AnyFact) -> None:
        """Look at a fact; only those about interactions and segments matter."""
        match fact:
            case Interaction() if fact.ended_at is not None:
                self._first.pop(fact.id, None)
            case Segment():
                first = self._first.setdefault(fact.interaction_id, {})
                first.setdefault(fact.visit, fact.ordinal)
                if fact.ended_at is None:
                    self.going_on[fact.interaction_id, fact.ordinal] = fact
                else:
                    self.going_on.pop((fact.interaction_id, fact.ordinal), None)
            case _:
                pass

    def on_customer(self, segment: Segment) -> bool:
        """Whether the talk is recorded on the customer's channel."""
        first = self._first.get(segment.interaction_id, {})
        return segment.visit > 0 and first.get(segment.visit) == segment.ordinal

    def channel_of(self, segment: Segment) -> str:
        """The channel on which a talk is recorded."""
        return segment.channel if self.on_customer(segment) else segment.agent_channel

    def of(self, interaction: UUID) -> list[Segment]:
        """The talks of one interaction, in order."""
        found = (talk for talk in self.going_on.values() if talk.interaction_id == interaction)
        return sorted(found, key=lambda talk: talk.ordinal)

    def meant(self, request: Request) -> list[Segment]:
        """The talks that the request is about. Raises InvalidCommand when there is none."""
        if request.interaction is not None:
            found = self.of(request.interaction)
            if not found:
                raise InvalidCommand(f"nobody talks in {request.interaction} now")
            return found
        talks = self.going_on.values()
        found = [
            talk for talk in talks if request.channel and talk.agent_channel == request.channel
        ]
        found = found or [talk for talk in talks if talk.interface == request.interface]
        if not found:
            raise InvalidCommand(f"{request.interface} talks to nobody now")
        if len(found) > 1:
            raise InvalidCommand(
                f"{request.interface} has several talks: name one of {_named(found)}"
            )
        return found


def _named(talks: Iterable[Segment]) -> str:
    return ", ".join(str(talk.interaction_id) for talk in talks)
