"""How many calls to dial now, so that agents talk and next to nobody who answers meets silence.

This package needs numpy and the standard library only, reads no clock, opens nothing, and never
raises because of what it is told. It can be used by itself::

    from ccmiddleware.dialer.pacing import Pacer, PacingSettings, explain

    pacer = Pacer(PacingSettings(abandonment_limit=0.03, window=8 * 3600.0))
    pacer.agent_logged_in("ann", now)
    decision = pacer.decide(now)              # once a second is right; 0.2 to 5 s work too
    for _ in range(decision.calls):
        pacer.call_dialed(new_id, now)
    print(explain(decision))

**Time.** Each method takes the time of what it tells, in seconds as a float, from any origin that
only grows (a monotonic clock, or the seconds of a simulation). Tell events in the order in which
they happen, and all that happened before ``now`` before ``decide(now)``. Late, doubled and lost
events are borne. When the times given to ``decide`` jump, back or by more than five minutes, the
pacer goes on from there, for 30 s with no more calls than idle agents.

**Ids** of agents and calls are anything that can be a key of a dict. An id of a call may be used
again after the call has ended, an id of an agent always.

**Agents.** Each state lasts until the next event of the agent.

==================================  ================================================================
``agent_logged_in(agent, now)``     Is there, and idle. No effect on one who is there already.
``agent_idle(agent, now)``          Could take a call now. Also the end of a wrap-up or a pause.
``agent_talking(agent, now)``       Talks. ``call_connected`` with the agent says the same; both
                                    may be told.
``agent_wrapping(agent, now)``      The talk is over, the agent is not free yet. Leave it out where
                                    agents have no wrap-up.
``agent_pause_requested(agent,      Goes on with the present talk, but will not be free after it: a
now)``                              pause or a logout was asked for.
``agent_pause_cancelled(agent,      Takes that back.
now)``
``agent_paused(agent, now)``        Is there, but takes no calls. Ends with ``agent_idle``.
``agent_logged_out(agent, now)``    Is gone, at once, whatever the agent did before.
==================================  ================================================================

An agent busy with anything else (inbound, email) is told as talking if that ends soon, else as
paused.

**Calls.** ``call_dialed`` for each call that is really placed, then one of the ways it can end.

==================================  ================================================================
``call_dialed(call, now,            Placed. ``probability``: that a person answers, if something is
probability=None)``                 known of the lead; it is corrected by what is seen overall.
``call_ended(call, now)``           Ended without a person: busy, failed, not answered, given up. Of
                                    one that waits for an agent: the person hung up; that counts
                                    as abandoned. Of one that met an agent: no effect.
``call_machine(call, now)``         A machine answered, and no agent got it. Told after
                                    ``call_connected``, the agent found that out: the call
                                    is then no longer counted as a live answer.
``call_answered(call, now)``        A person answered (or what is taken for one) and now waits for
                                    an agent. With answering-machine detection: when it decides.
``call_connected(call, now,         Met an agent. Tell it for each answered call that does. With
agent=None)``                       ``agent``, the agent talks from now on.
``call_abandoned(call, now)``       Met nobody in time (or was given a recorded message).
``false_positive(call, now)``       A person was taken for a machine and hung up on: counts as
                                    a live answer and as abandoned.
==================================  ================================================================

An answered call that is neither connected nor abandoned within ``forget_waiting_after`` seconds
counts as abandoned; a dialed call of which nothing is heard for ``forget_call_after`` as ended.

**Deciding.** ``decide(now, candidates=None)`` gives a `Decision`; ``decision.calls`` is the number
of calls to place now, in addition to those in flight. ``candidates``: the probabilities, as of
``call_dialed``, of the leads that would be dialed next, in that order; no more calls than these
are asked for. None: there are enough leads, of which nothing is known. Place fewer if you must,
and tell only those placed. The decision holds what it was made of (agents by state, calls, beliefs
and their uncertainty, the bound, the budget, what held); ``as_dict()`` is for a database,
``explain(decision)`` says it in plain words.

``shift_ends(at)`` tells when nobody will be there to talk any more, if that is known (None: it is
not). Tell it if you can, at the beginning: the limit then has to hold at the end only, which lets
small teams be busier, and 14 answers end the cold start. It must be true: if agents leave or leads
run out before that, an abandonment or two may still be owed. In the last half minute only idle
agents get calls, and calls that would still ring at the end are not placed. When the shift goes on,
tell the new end before the old one.

**What is promised.** Abandoned calls stay at or below ``abandonment_limit`` of live answers in any
``window`` (rolling): the number that the limit still allows is kept above a small reserve, so that
it does not matter when a shift ends. Until 1/limit people have answered (34 for 3 %), no more calls
than idle agents are dialed; nor when one more abandonment could not be earned again until a known
end. What can't be promised: when many agents leave at once, or many more people answer than a
moment ago, calls in flight may be abandoned; that is paid back by dialing less. A single quarter of
an hour may then be above the limit, a shift is not.

**Surviving a restart.** ``export(now)`` gives a dict for JSON with what was learned and the budget;
``restore(state, now, elapsed)`` takes it into a new pacer, ``elapsed`` being the seconds between
the two moments; it returns the names of parts that could not be used. Who is there
and which calls are in flight is not in it: tell that again.

``faults`` counts events and decisions that failed in some way; after a failure calls are dialed for
idle agents only, and learning begins anew.

How it decides is described in docs/pacing.md, and in the modules: ``estimators`` (answer rate, ring
times, talk and wrap-up), ``forecast`` (the risk of one more call), ``budget`` (the risk allowed).
"""

from ccmiddleware.dialer.pacing.decision import Decision, explain
from ccmiddleware.dialer.pacing.pacer import Pacer
from ccmiddleware.dialer.pacing.settings import PacingSettings

__all__ = ["Decision", "Pacer", "PacingSettings", "explain"]
