"""The simulation finds bugs: each of these, put into the product on purpose, breaks it soon.

Each function below makes one plausible mistake in the call machine or in presence. The simulation
must notice within ``WITHIN`` calls, and must not without the mistake.
"""

from collections.abc import Callable
from typing import Any

import pytest
from simulation.driver import Simulation
from simulation.rows import Broken

from ccmiddleware.agents.presence import Presence
from ccmiddleware.calls import queueing, resync, table, talks
from ccmiddleware.calls.call import Call, Phase
from ccmiddleware.calls.machine import CallMachine
from ccmiddleware.pbx import events as ami

WITHIN = 3000
Patch = pytest.MonkeyPatch


def offers_stay_open_when_the_caller_gives_up(patch: Patch) -> None:
    real = Call.leave

    def leave(self: Call, *args: Any, **more: Any) -> None:
        patch.setattr(Call, "open_offers", lambda self: [])
        real(self, *args, **more)
        patch.setattr(Call, "open_offers", open_offers)

    open_offers = Call.open_offers
    patch.setattr(Call, "leave", leave)


def abandon_is_taken_to_be_final(patch: Patch) -> None:
    def on_abandon(machine: CallMachine, event: ami.QueueCallerAbandon, now: Any) -> None:
        call = machine.call_of(event)
        if call is not None and call.phase is Phase.WAITING:
            call.leave("abandoned", event.at)

    patch.setitem(table.TRANSITIONS, ami.QueueCallerAbandon, on_abandon)


def a_break_is_forgotten(patch: Patch) -> None:
    real = talks.note_breaks

    def note_breaks(machine: CallMachine, call: Call, at: Any, now: Any) -> None:
        real(machine, call, at, now)
        if len(machine.by_id) % 2:
            call.breaks.clear()

    patch.setattr(talks, "note_breaks", note_breaks)


def the_version_does_not_grow(patch: Patch) -> None:
    real = Call.complete

    def complete(self: Call, *args: Any, **more: Any) -> None:
        if self.row.direction == "outbound":
            self.version -= 1
        real(self, *args, **more)

    patch.setattr(Call, "complete", complete)


def resync_closes_calls_that_go_on(patch: Patch) -> None:
    real = resync.Resync.apply

    def apply(self: resync.Resync, machine: CallMachine, at: Any) -> None:
        self.alive -= {one for one in self.alive if one.endswith("7")}
        real(self, machine, at)

    patch.setattr(resync.Resync, "apply", apply)


def presence_forgets_the_wrap_up(patch: Patch) -> None:
    patch.setattr(Presence, "tick", lambda self, now: [])


def a_key_is_used_again(patch: Patch) -> None:
    real = Call.tell

    def tell(self: Call, key: str, *args: Any, **more: Any) -> None:
        real(self, "joined" if key.startswith("joined") else key, *args, **more)

    patch.setattr(Call, "tell", tell)


def talks_are_not_unbound(patch: Patch) -> None:
    real = CallMachine.complete

    def complete(self: CallMachine, *args: Any, **more: Any) -> None:
        bound = dict(self.talks)
        real(self, *args, **more)
        self.talks.update(bound)

    patch.setattr(CallMachine, "complete", complete)


def a_late_end_closes_whatever_fits(patch: Patch) -> None:
    def segment_of(machine: CallMachine, event: ami.AgentComplete) -> Any:
        for call in machine.by_id.values():
            for segment in call.open_segments():
                if segment.interface == event.interface:
                    return call, segment
        return None

    patch.setattr(queueing, "_segment_of", segment_of)


def holds_are_added_twice(patch: Patch) -> None:
    real = Call.unhold

    def unhold(self: Call, segment: Any, at: Any) -> None:
        since = self.held_since.get(segment.ordinal)
        real(self, segment, at)
        if since is not None:
            self.held_since[segment.ordinal] = since

    patch.setattr(Call, "unhold", unhold)


def agents_of_ended_talks_go_on_talking(patch: Patch) -> None:
    real = Presence.observe

    def observe(self: Presence, facts: Any) -> Any:
        facts = list(facts)
        return real(self, facts[:1] if len(facts) > 3 else facts)

    patch.setattr(Presence, "observe", observe)


def an_exit_key_loses_the_talk_it_leads_to(patch: Patch) -> None:
    """As it was until the simulation found it."""
    real = talks.on_dial_begin

    def on_dial_begin(machine: CallMachine, event: ami.DialBegin, now: Any) -> None:
        call = machine.by_uniqueid.get(event.uniqueid)
        if call is None or call.phase is not Phase.LEAVING:
            real(machine, event, now)

    patch.setitem(table.TRANSITIONS, ami.DialBegin, on_dial_begin)


BUGS: list[tuple[Callable[[Patch], None], bool]] = [
    (offers_stay_open_when_the_caller_gives_up, False),
    (abandon_is_taken_to_be_final, False),
    (a_break_is_forgotten, False),
    (the_version_does_not_grow, False),
    (resync_closes_calls_that_go_on, True),
    (presence_forgets_the_wrap_up, False),
    (a_key_is_used_again, False),
    (talks_are_not_unbound, False),
    (a_late_end_closes_whatever_fits, False),
    (holds_are_added_twice, False),
    (agents_of_ended_talks_go_on_talking, False),
    (an_exit_key_loses_the_talk_it_leads_to, False),
]
"""Each bug, and whether it takes faults to show it."""


@pytest.mark.parametrize(("bug", "faults"), BUGS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_bug_is_found(
    bug: Callable[[Patch], None], faults: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    with pytest.raises(Broken):
        Simulation(101, WITHIN, faults=faults).run()


@pytest.mark.parametrize("faults", [False, True])
def test_nothing_is_found_without_a_bug(faults: bool) -> None:
    report = Simulation(101, WITHIN, faults=faults).run()
    assert report.calls == WITHIN
