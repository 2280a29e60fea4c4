"""What callers and agents do in the simulated PBX: one script for each way a call can go.

Each script makes the events in the orders that tests/recorded shows, chooses at random where those
differ from call to call, and writes down beside it what really happened.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from simulation.pbx_model import SECOND, Agent, Channel, Pbx, Queue, Script
from simulation.truth import CallTruth, OfferTruth, TalkTruth, VisitTruth

from ccmiddleware.pbx import events as ami

GIVES_UP = {"timed_out": "TIMEOUT", "no_agents": "LEAVEEMPTY", "withdrawn": "WITHDRAW"}
"""Outcomes that Asterisk explains by QUEUESTATUS."""

Step = Callable[[], None]


class Call:
    """A customer's call while it goes on."""

    def __init__(self, pbx: Pbx, customer: Channel, truth: CallTruth) -> None:
        self.pbx = pbx
        self.customer = customer
        self.truth = truth
        pbx.calls[truth.uniqueid] = truth

    @property
    def there(self) -> bool:
        return self.customer.uniqueid in self.pbx.channels

    def hang_up(self) -> None:
        """The customer's channel goes."""
        self.pbx.hang_up(self.customer)
        self.truth.ended_at = self.pbx.at

    def leave(self) -> None:
        """The customer leaves the bridge, and so every talk there."""
        self.pbx.leave(self.customer)
        for talk in self.truth.talks:
            talk.end(self.pbx.at)

    def over(self) -> None:
        """Nothing more comes of this call."""
        self.truth.over_at = self.pbx.at
        self.pbx.calls.pop(self.truth.uniqueid, None)
        self.pbx.over.append(self.truth)


class Leg:
    """An agent's channel in a call."""

    def __init__(self, call: Call, agent: Agent, channel: Channel, offer: OfferTruth) -> None:
        self.call = call
        self.agent = agent
        self.channel = channel
        self.offer = offer
        self.talk: TalkTruth | None = None
        self.queue: Queue | None = None

    def hang_up(self) -> None:
        """The phone's channel goes."""
        pbx = self.call.pbx
        pbx.hang_up(self.channel)
        pbx.phone(self.agent, ringing=-1 if self.talk is None else 0, engaged=-1)
        if self.talk is not None and self.talk.wrap_up:
            self.agent.free_at = pbx.now + self.talk.wrap_up * SECOND

    def leave(self) -> None:
        self.call.pbx.leave(self.channel)
        if self.talk is not None:
            self.talk.end(self.call.pbx.at)

    def queue_event(
        self, kind: type[ami.AgentEvent], *, named: bool = True, dest: bool = True, **more: object
    ) -> None:
        """An event of app_queue; ``named``: with the caller's channel, ``dest``: the agent's."""
        assert self.queue is not None
        self.call.pbx.emit(
            kind,
            self.call.customer if named else None,
            queue=self.queue.name,
            interface=self.agent.interface,
            member_name=self.agent.name,
            dest_channel=self.channel.name if dest else "",
            dest_uniqueid=self.channel.uniqueid if dest else "",
            **more,
        )

    def dial_end(self, status: str) -> None:
        self.call.pbx.dial(ami.DialEnd, self.call.customer, self.channel, status=status)

    def no_answer(self) -> None:
        self.queue_event(ami.AgentRingNoAnswer)
        self.offer.end("ring_no_answer", self.call.pbx.at)

    def complete(self, reason: str) -> None:
        """AgentComplete; without the caller's channel when that is gone and forgotten."""
        call = self.call
        named = call.there or call.pbx.chance(0.5)
        dest = self.channel.uniqueid in call.pbx.channels or call.pbx.chance(0.3)
        assert self.talk is not None
        seconds = int((call.pbx.at - self.talk.answered_at).total_seconds())
        self.queue_event(
            ami.AgentComplete, named=named, dest=dest, reason=reason, talk_time=seconds
        )
        self.talk.end(call.pbx.at)


# -- calls begin ----------------------------------------------------------------------------------


def arrivals(pbx: Pbx, calls: int, per_second: float) -> Script:
    """So many calls, one after another begun."""
    for _ in range(calls):
        chance = pbx.rng.random()
        way = next(way for share, way in WAYS if (chance := chance - share) < 0)
        pbx.start(way(pbx), kind="call")
        yield int(pbx.rng.expovariate(per_second) * SECOND)


def _inbound(pbx: Pbx, exten: str) -> Call:
    number = f"1202555{int(pbx.rng.random() * 10000):04}"
    channel = pbx.channel("PJSIP/trunk", number, exten)
    truth = CallTruth(channel.linkedid, channel.uniqueid, "inbound", number, exten, pbx.at, pbx.at)
    return Call(pbx, channel, truth)


def calls_a_queue(pbx: Pbx) -> Script:
    """A customer calls a queue."""
    call = _inbound(pbx, "8001")
    yield pbx.seconds(0.001, 0.5)
    yield from _queues(call)
    call.over()


def calls_an_agent(pbx: Pbx) -> Script:
    """A customer dials an agent's own number."""
    agent = _free_agent(pbx)
    call = _inbound(pbx, agent.number if agent else "0")
    yield pbx.moment()
    if agent is None:
        call.truth.counts = False
        call.hang_up()
    else:
        yield from _ring_directly(call, agent)
        yield from _goes_on(call)
    call.over()


def is_refused(pbx: Pbx) -> Script:
    """A customer whom a queue does not take: nothing but the reason is told."""
    call = _inbound(pbx, "8002")
    call.truth.counts = False
    yield pbx.moment()
    value = "FULL" if pbx.chance(0.5) else "JOINEMPTY"
    pbx.emit(ami.QueueStatusSet, call.customer, variable="QUEUESTATUS", value=value)
    yield pbx.seconds(0.01, 2)
    call.hang_up()
    call.over()


def agent_calls_a_queue(pbx: Pbx) -> Script:
    """An agent is the customer of a queue."""
    agent = _free_agent(pbx)
    if agent is None:
        return
    pbx.phone(agent, engaged=1)
    channel = pbx.channel(agent.interface, agent.number, "8001")
    truth = CallTruth(
        channel.linkedid, channel.uniqueid, "internal", agent.number, "8001", pbx.at, pbx.at
    )
    call = Call(pbx, channel, truth)
    yield pbx.moment()
    yield from _visit(call, _any_queue(pbx), plainly=True)
    if call.there:
        pbx.ask_to_end(channel)
        call.hang_up()
    pbx.phone(agent, engaged=-1)
    call.over()


def agent_calls_an_agent(pbx: Pbx) -> Script:
    """Two agents talk: nobody's contact."""
    agent = _free_agent(pbx)
    if agent is None:
        return
    pbx.phone(agent, engaged=1)
    channel = pbx.channel(agent.interface, agent.number, "1000")
    truth = CallTruth(channel.linkedid, channel.uniqueid, "", "", "", pbx.at, pbx.at)
    truth.counts = False
    call = Call(pbx, channel, truth)
    other = _free_agent(pbx)
    if other is not None:
        yield from _consult(call, channel, other)
    pbx.hang_up(channel)
    pbx.phone(agent, engaged=-1)
    call.over()


def agent_calls_outside(pbx: Pbx) -> Script:
    """An agent dials a customer by hand."""
    agent = _free_agent(pbx)
    if agent is None:
        return
    pbx.phone(agent, engaged=1)
    number = f"1303555{int(pbx.rng.random() * 10000):04}"
    channel = pbx.channel(agent.interface, agent.number, number)
    channel.application = "Dial"
    yield pbx.moment()
    yield from _dial_outside(pbx, agent, channel, number, _outbound_talk)


def _dial_outside(
    pbx: Pbx,
    agent: Agent,
    channel: Channel,
    number: str,
    then: Callable[[Call, Leg], Script],
) -> Script:
    """An agent's channel dials a number outside; ``then`` is what follows an answer."""
    outside = pbx.channel("PJSIP/carrier", number, linkedid=channel.linkedid)
    outside.application = "AppDial"
    truth = CallTruth(
        channel.linkedid, outside.uniqueid, "outbound", number, "", pbx.at, pbx.at
    )  # fmt: skip
    call = Call(pbx, outside, truth)
    yield pbx.moment()
    truth.started_at = pbx.at
    pbx.dial(ami.DialBegin, channel, outside)
    yield pbx.seconds(0.5, 6)
    if pbx.chance(0.3):
        statuses = {"BUSY": "busy", "CONGESTION": "failed", "NOANSWER": "not_answered",
                    "CANCEL": "not_answered"}  # fmt: skip
        status = list(statuses)[int(pbx.rng.random() * 4)]
        truth.unanswered = statuses[status]
        truth.way.append(f"outside {status}")
        pbx.dial(ami.DialEnd, channel, outside, status=status)
        yield pbx.moment()
        yield from pbx.mixed([call.hang_up], [partial(pbx.hang_up, channel)])
        pbx.phone(agent, engaged=-1)
    else:
        pbx.dial(ami.DialEnd, channel, outside, status="ANSWER")
        bridge = pbx.bridge()
        yield pbx.moment()
        pbx.enter(outside, bridge)
        yield pbx.moment()
        pbx.enter(channel, bridge)
        leg = Leg(call, agent, channel, OfferTruth(agent.interface, 0, pbx.at))
        leg.talk = TalkTruth(agent.interface, 0, channel.name, pbx.at, pbx.at, by_queue=False)
        truth.talks.append(leg.talk)
        yield from then(call, leg)
    call.over()


def _outbound_talk(call: Call, leg: Leg) -> Script:
    yield from _talk(call, leg)
    yield from _goes_on(call)


# -- queues ---------------------------------------------------------------------------------------


def _any_queue(pbx: Pbx, other_than: str = "") -> Queue:
    queues = [queue for queue in pbx.queues.values() if queue.name != other_than]
    return queues[int(pbx.rng.random() * len(queues))]


def _free_agent(pbx: Pbx) -> Agent | None:
    """An agent whose phone is not in use, for a call that no queue makes."""
    for _ in range(5):
        agent = pbx.agents[int(pbx.rng.random() * len(pbx.agents))]
        if not agent.engaged and agent.reachable:
            return agent
    return None


def _queues(call: Call) -> Script:
    """The dialplan: a queue, and perhaps another when that one ended without an agent."""
    yield from _visit(call, _any_queue(call.pbx))
    yield from _goes_on(call)


def _goes_on(call: Call) -> Script:
    """After a queue or a talk: the customer is sent on, or hangs up."""
    pbx = call.pbx
    while call.there:
        call.customer.application, call.customer.data = "Playback", "goodbye"
        yield pbx.seconds(0.001, 4) if pbx.chance(0.5) else pbx.moment()
        chance = pbx.rng.random() if len(call.truth.visits) < 4 else 1.0
        agent = _free_agent(pbx) if 0.35 < chance < 0.5 else None
        if chance < 0.35:
            yield from _visit(call, _any_queue(pbx))
        elif agent is not None:
            yield from _ring_directly(call, agent)
        else:
            if pbx.chance(0.5):
                pbx.ask_to_end(call.customer)
            call.hang_up()


def _visit(call: Call, queue: Queue, *, plainly: bool = False) -> Script:
    """A stay in a queue and the talk that comes of it. ``plainly``: no transfers."""
    pbx, customer, truth = call.pbx, call.customer, call.truth
    customer.application, customer.data = "Queue", f"{queue.name},tT"
    queue.waiting.append(customer)
    queue.joined[customer.uniqueid] = pbx.now
    visit = VisitTruth(queue.name, pbx.at)
    truth.visits.append(visit)
    position = len(queue.waiting)
    pbx.emit(ami.QueueCallerJoin, customer, queue=queue.name, position=position)
    kind = "abandoned"
    until = pbx.now + (pbx.seconds(0.3, 8) if pbx.chance(0.2) else pbx.seconds(15, 90))
    if queue.keys and pbx.chance(0.4):
        kind = "left_by_key"
    elif queue.timeout and pbx.now + queue.timeout * SECOND < until:
        kind, until = "timed_out", pbx.now + queue.timeout * SECOND
    elif pbx.chance(0.05):
        kind = "withdrawn" if pbx.chance(0.5) else "no_agents"
    yield pbx.moment()
    while True:
        free = pbx.free(queue)
        if not free:
            legs: list[Leg] = []
            yield max(1, min(until - pbx.now, pbx.seconds(0.5, 2)))
        else:
            chosen = free[:4] if queue.ring_all else [free[int(pbx.rng.random() * len(free))]]
            answered, legs = yield from _ring(call, queue, chosen, until)
            if answered is not None:
                truth.way.append(f"{queue.name} answered")
                yield from _connect(call, queue, visit, answered, legs)
                yield from _talk(call, answered, plainly=plainly)
                return
            if not legs:
                yield max(1, min(until - pbx.now, pbx.seconds(0.05, 1)))
        if pbx.now >= until:
            truth.way.append(f"{queue.name} {kind}")
            yield from _give_up(call, queue, visit, kind, legs)
            return


def _ring(call: Call, queue: Queue, chosen: list[Agent], until: int) -> Script:
    """Ring the chosen. Gives who answered, if anybody, and the others who ring still."""
    pbx, customer = call.pbx, call.customer
    for agent in chosen:
        pbx.phone(agent, ringing=1, engaged=1)
    legs: list[Leg] = []
    for agent in chosen:
        channel = pbx.channel(agent.interface, agent.number, linkedid=customer.linkedid)
        channel.application = "AppQueue"
        yield pbx.moment()
        offer = OfferTruth(agent.interface, len(call.truth.visits), pbx.at)
        call.truth.offers.append(offer)
        leg = Leg(call, agent, channel, offer)
        leg.queue = queue
        leg.queue_event(ami.AgentCalled)
        pbx.dial(ami.DialBegin, customer, channel)
        legs.append(leg)
    limit = pbx.now + queue.ring * SECOND
    fates = sorted(
        (pbx.now + pbx.seconds(0.2, 6), n, pbx.chance(0.85))
        for n in range(len(legs))
        if pbx.chance(0.8)
    )
    ringing = list(legs)
    for at, n, answers in fates:
        if at >= min(until, limit):
            break
        yield max(1, at - pbx.now)
        ringing.remove(legs[n])
        if answers:
            return legs[n], ringing
        yield from pbx.mixed(_declined(legs[n]))
    if ringing:
        yield max(1, min(until, limit) - pbx.now)
        if until <= limit:
            return None, ringing
        yield from pbx.mixed(*(_unanswered(leg) for leg in ringing))
    return None, []


def _declined(leg: Leg) -> list[Step]:
    return [partial(leg.dial_end, "NOANSWER"), leg.no_answer, leg.hang_up]


def _unanswered(leg: Leg) -> list[Step]:
    return [
        leg.no_answer, partial(leg.dial_end, "NOANSWER"), partial(leg.dial_end, "CANCEL"),
        leg.hang_up,
    ]  # fmt: skip


def _cancelled(leg: Leg) -> list[Step]:
    return [partial(leg.dial_end, "CANCEL"), leg.hang_up]


def _leaves_queue(call: Call, queue: Queue) -> None:
    queue.waiting.remove(call.customer)
    call.pbx.emit(ami.QueueCallerLeave, call.customer, queue=queue.name)


def _give_up(call: Call, queue: Queue, visit: VisitTruth, kind: str, legs: list[Leg]) -> Script:
    """The stay ends without an agent: by the caller's will or the queue's."""
    pbx, customer = call.pbx, call.customer

    def left(outcome: str) -> None:
        visit.left_at, visit.outcome = pbx.at, outcome
        for leg in legs:
            leg.offer.end("caller_gone", pbx.at)

    def abandon() -> None:
        pbx.emit(ami.QueueCallerAbandon, customer, queue=queue.name)
        left(kind)

    leave = partial(_leaves_queue, call, queue)
    if kind == "abandoned":
        # A phone that has rung in vain for a caller who hangs up.
        if pbx.chance(0.5):
            pbx.ask_to_end(customer)
        for leg in legs:
            leg.dial_end("CANCEL")
        yield pbx.moment()
        yield from pbx.mixed([abandon, leave, call.hang_up], *([leg.hang_up] for leg in legs))
    elif kind == "left_by_key":
        for leg in legs:
            leg.dial_end("CANCEL")
        yield pbx.moment()
        leave()
        left(kind)
        pbx.start(pbx.mixed(*([leg.hang_up] for leg in legs)), pbx.moment(), kind="call")
    else:
        yield from pbx.mixed(*(_unanswered(leg)[:-1] for leg in legs))
        say = partial(
            pbx.emit, ami.QueueStatusSet, customer, variable="QUEUESTATUS", value=GIVES_UP[kind]
        )
        yield from pbx.mixed([abandon, leave, say], *([leg.hang_up] for leg in legs))


def _connect(
    call: Call, queue: Queue, visit: VisitTruth, answered: Leg, others: list[Leg]
) -> Script:
    """The queue joins the caller and the agent who answered."""
    pbx, customer = call.pbx, call.customer
    bridge = pbx.bridge()
    rang = pbx.now
    answered.dial_end("ANSWER")
    yield pbx.moment()

    def connect() -> None:
        waited = (pbx.now - queue.joined[customer.uniqueid]) // SECOND
        answered.queue_event(
            ami.AgentConnect, hold_time=waited, ring_time=(pbx.now - rang) // SECOND
        )
        visit.left_at, visit.outcome = pbx.at, "answered"
        answered.offer.end("answered", pbx.at)
        for leg in others:
            leg.offer.end("other_answered", pbx.at)
        answered.talk = TalkTruth(
            answered.agent.interface, len(call.truth.visits), answered.channel.name,
            answered.offer.offered_at, pbx.at, by_queue=True, wrap_up=queue.wrap_up,
        )  # fmt: skip
        call.truth.talks.append(answered.talk)
        pbx.phone(answered.agent, ringing=-1)

    yield from pbx.mixed(
        [
            partial(_leaves_queue, call, queue),
            connect,
            partial(pbx.enter, answered.channel, bridge),
            partial(pbx.enter, customer, bridge),
        ],
        *(_cancelled(leg) for leg in others),
    )


# -- without a queue ------------------------------------------------------------------------------


def _ring_directly(call: Call, agent: Agent) -> Script:
    """An agent's phone is rung without a queue, and the talk that comes of it."""
    pbx, customer, truth = call.pbx, call.customer, call.truth
    if customer.application != "AppDial":
        customer.application, customer.data = "Dial", agent.interface
    pbx.phone(agent, ringing=1, engaged=1)
    channel = pbx.channel(agent.interface, agent.number, linkedid=customer.linkedid)
    channel.application = "AppDial"
    yield pbx.moment()
    offer = OfferTruth(agent.interface, 0, pbx.at)
    truth.offers.append(offer)
    pbx.dial(ami.DialBegin, customer, channel)
    leg = Leg(call, agent, channel, offer)
    yield pbx.seconds(0.1, 5)
    chance = pbx.rng.random()
    if chance < 0.7:
        truth.way.append("direct answered")
        leg.dial_end("ANSWER")
        bridge = pbx.bridge()
        yield pbx.moment()
        pbx.enter(channel, bridge)
        yield pbx.moment()
        pbx.enter(customer, bridge)
        offer.end("answered", pbx.at)
        leg.talk = TalkTruth(
            agent.interface, truth.answered_visit(), channel.name, offer.offered_at, pbx.at,
            by_queue=False,
        )  # fmt: skip
        truth.talks.append(leg.talk)
        pbx.phone(agent, ringing=-1)
        yield from _talk(call, leg)
    elif chance < 0.85:
        status = "NOANSWER" if pbx.chance(0.5) else "BUSY"
        truth.way.append(f"direct {status}")
        leg.dial_end(status)
        offer.end("ring_no_answer", pbx.at)
        yield pbx.moment()
        leg.hang_up()
    else:
        truth.way.append("direct abandoned")
        pbx.ask_to_end(customer)
        yield pbx.moment()
        leg.dial_end("CANCEL")
        offer.end("caller_gone", pbx.at)
        yield pbx.moment()
        yield from pbx.mixed([call.hang_up], [leg.hang_up])


# -- talks ----------------------------------------------------------------------------------------


def _talk(call: Call, leg: Leg, *, plainly: bool = False) -> Script:
    """A talk of customer and agent, to its end or transfer and what follows that."""
    pbx, talk = call.pbx, leg.talk
    assert talk is not None
    yield pbx.seconds(0.5, 8)
    if pbx.chance(0.1):
        pbx.emit(ami.Hold, call.customer)
        yield pbx.seconds(0.2, 2)
        pbx.emit(ami.Unhold, call.customer)
    while pbx.chance(0.2):
        pbx.emit(ami.Hold, leg.channel)
        talk.hold(pbx.at)
        yield pbx.seconds(0.5, 4)
        if pbx.chance(0.1):
            break
        pbx.emit(ami.Unhold, leg.channel)
        talk.unhold(pbx.at)
        yield pbx.seconds(0.2, 2)
    chance = pbx.rng.random()
    if plainly or chance < 0.7 or len(call.truth.talks) > 3:
        yield from _hang_up(call, leg)
    elif chance < 0.85:
        yield from _transfer_blindly(call, leg)
    else:
        other = _free_agent(pbx)
        if other is not None:
            yield from _transfer_attended(call, leg, other)
        else:
            yield from _hang_up(call, leg)


def _hang_up(call: Call, leg: Leg) -> Script:
    """One of the two ends the talk; the customer may stay for what the dialplan has."""
    pbx, talk = call.pbx, leg.talk
    assert talk is not None
    by = "caller" if pbx.chance(0.45) else "agent"
    talk.ended_by = by
    call.truth.way.append(f"{by} hangs up")
    # An outside party whom an agent dialled has no dialplan to go on in.
    stays = by == "agent" and call.truth.direction == "inbound" and pbx.chance(0.2)
    pbx.ask_to_end(call.customer if by == "caller" else leg.channel)
    yield pbx.moment()
    customers: list[Step] = [call.leave] if stays else [call.leave, call.hang_up]
    agents: list[Step] = [leg.leave, leg.hang_up]
    complete = [partial(leg.complete, by)] if talk.by_queue else []
    if complete and not stays and pbx.chance(0.08):
        # Under load app_queue tells it late.
        yield from pbx.mixed(customers, agents)
        yield pbx.seconds(0.1, 6)
        complete[0]()
    else:
        yield from pbx.mixed(customers, agents, complete)


def _transfer_blindly(call: Call, leg: Leg) -> Script:
    pbx, talk = call.pbx, leg.talk
    assert talk is not None
    talk.ended_by = "transfer"
    if talk.held_since is not None or pbx.chance(0.5):
        pbx.emit(ami.Unhold, leg.channel)
        talk.unhold(pbx.at)
        yield pbx.moment()
    chance = pbx.rng.random()
    agent = _free_agent(pbx) if chance < 0.5 else None
    to = agent.number if agent is not None else "8001"
    told = partial(
        pbx.out_blind_transfer, leg.channel, call.customer, to
    )  # fmt: skip
    complete = [partial(leg.complete, "transfer")] if talk.by_queue else []
    if pbx.chance(0.7):
        told()
        yield pbx.moment()
        yield from pbx.mixed([leg.leave, leg.hang_up], [call.leave], complete)
    else:
        yield from pbx.mixed([told, leg.leave, leg.hang_up], [call.leave], complete)
    if agent is not None and not agent.engaged:
        call.truth.way.append("blind to agent")
        yield from _ring_directly(call, agent)
    elif chance < 0.85:
        call.truth.way.append("blind to queue")
        yield from _visit(call, _any_queue(pbx))
    else:
        call.truth.way.append("blind outside")
        yield from _talk_outside(call)


def _talk_outside(call: Call) -> Script:
    """The customer is sent to somebody outside: no agent's talk."""
    pbx, customer = call.pbx, call.customer
    customer.application = "Dial"
    outside = pbx.channel("PJSIP/carrier", "13035550000", linkedid=customer.linkedid)
    outside.application = "AppDial"
    yield pbx.moment()
    pbx.dial(ami.DialBegin, customer, outside)
    yield pbx.seconds(0.5, 4)
    pbx.dial(ami.DialEnd, customer, outside, status="ANSWER")
    bridge = pbx.bridge()
    pbx.enter(outside, bridge)
    yield pbx.moment()
    pbx.enter(customer, bridge)
    yield pbx.seconds(0.5, 6)
    yield from pbx.mixed(
        [partial(pbx.leave, outside), partial(pbx.hang_up, outside)], [call.leave, call.hang_up]
    )


def _consult(call: Call, second: Channel, other: Agent) -> Script:
    """An agent's channel dials a colleague, they talk, and the colleague is let go."""
    pbx = call.pbx
    leg = yield from _dial_colleague(call, second, other)
    yield pbx.seconds(0.5, 4)
    pbx.ask_to_end(second)
    yield from pbx.mixed([partial(pbx.leave, second)], [leg.leave, leg.hang_up])


def _dial_colleague(call: Call, second: Channel, other: Agent) -> Script:
    """A second line of an agent's phone calls a colleague, who answers. Gives that leg."""
    pbx = call.pbx
    second.application = "Dial"
    pbx.phone(other, ringing=1, engaged=1)
    channel = pbx.channel(other.interface, other.number, linkedid=second.linkedid)
    channel.application = "AppDial"
    yield pbx.moment()
    pbx.dial(ami.DialBegin, second, channel)
    yield pbx.seconds(0.3, 4)
    pbx.dial(ami.DialEnd, second, channel, status="ANSWER")
    pbx.phone(other, ringing=-1)
    bridge = pbx.bridge()
    yield pbx.moment()
    pbx.enter(channel, bridge)
    yield pbx.moment()
    pbx.enter(second, bridge)
    leg = Leg(call, other, channel, OfferTruth(other.interface, 0, pbx.at))
    leg.talk = TalkTruth(other.interface, 0, channel.name, pbx.at, pbx.at, by_queue=False)
    return leg


def _transfer_attended(call: Call, leg: Leg, other: Agent) -> Script:
    """The agent asks a colleague on a second line, and joins the two or takes up the talk again."""
    pbx, talk, truth = call.pbx, leg.talk, call.truth
    assert talk is not None
    if talk.held_since is None:
        pbx.emit(ami.Hold, leg.channel)
        talk.hold(pbx.at)
        yield pbx.moment()
    pbx.phone(leg.agent, engaged=1)
    second = pbx.channel(leg.agent.interface, leg.agent.number, other.number)
    yield pbx.moment()
    if pbx.chance(0.2):
        truth.way.append("asks a colleague")
        yield from _consult(call, second, other)
        pbx.hang_up(second)
        pbx.phone(leg.agent, engaged=-1)
        pbx.emit(ami.Unhold, leg.channel)
        talk.unhold(pbx.at)
        yield pbx.seconds(0.1, 3)
        yield from _hang_up(call, leg)
        return
    truth.way.append("attended to agent")
    talk.ended_by = "transfer"
    joined = yield from _dial_colleague(call, second, other)
    yield pbx.seconds(0.3, 4)
    bridge = call.customer.bridge
    pbx.emit(ami.Unhold, leg.channel)
    talk.unhold(pbx.at)
    pbx.emit(ami.Unhold, second)
    yield pbx.moment()
    pbx.leave(joined.channel)
    yield pbx.moment()
    leg.leave()
    joined.channel.linkedid = call.customer.linkedid
    yield pbx.moment()
    pbx.enter(joined.channel, bridge)
    joined.talk = TalkTruth(
        other.interface, truth.answered_visit(), joined.channel.name, pbx.at, pbx.at,
        by_queue=False,
    )  # fmt: skip
    truth.talks.append(joined.talk)
    told = partial(pbx.out_attended_transfer, leg.channel, second, call.customer, bridge)
    complete = [partial(leg.complete, "transfer")] if talk.by_queue else []
    yield pbx.moment()
    if pbx.chance(0.3):
        pbx.leave(second)
        told()
        seconds: list[Step] = [partial(pbx.hang_up, second)]
    else:
        told()
        seconds = [partial(pbx.leave, second), partial(pbx.hang_up, second)]
    yield from pbx.mixed([leg.hang_up], seconds, complete)
    pbx.phone(leg.agent, engaged=-1)
    yield from _talk(call, joined)


WAYS: tuple[tuple[float, Callable[[Pbx], Script]], ...] = (
    (0.80, calls_a_queue),
    (0.07, calls_an_agent),
    (0.06, agent_calls_outside),
    (0.02, agent_calls_a_queue),
    (0.02, agent_calls_an_agent),
    (0.03 + 1e-9, is_refused),
)
