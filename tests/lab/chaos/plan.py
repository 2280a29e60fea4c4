"""What will happen, from a seed: the PBX, the fate of each caller, the faults and when. Pure.

A seed gives the same callers and the same faults after the same pauses. What the servers are in the
middle of when a fault comes depends on the machine; so a run is not the same to the letter again.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from lab.plan import Agent, Plan, Queue
from lab.script import Answer, Dtmf, Hangup, Ring, Step, Talk

DESK, SHY, BRIEF, NEXT = "12025550101", "12025550102", "12025550103", "12025550104"
NOBODY = "1009"
MOST_AT_ONCE = 30
"""Callers who are on at the same time."""

STORM_ROUNDS = 300
"""Pauses and unpauses of one storm, each of which becomes several facts."""

DESK_AGENTS = [
    Agent(f"100{n}", name) for n, name in enumerate(("Ada", "Jörg Müller", "Cy", "Di"), 1)
]
BELL = Agent("1005", "Bell O'Ringer")
SHY_AGENTS = [Agent("1006", "Éva Örs"), Agent("1007", "Flo")]

PHONES: dict[str, list[Step]] = {
    **{agent.extension: [Answer(0.3), Talk(4), Hangup()] for agent in DESK_AGENTS},
    BELL.extension: [Ring()],
    **{agent.extension: [Answer(0.6), Talk(3), Hangup()] for agent in SHY_AGENTS},
}

PBX = Plan(
    agents=(*DESK_AGENTS, BELL, *SHY_AGENTS, Agent(NOBODY, "Nobody")),
    queues=(
        Queue("desk", DESK, members=tuple(agent.extension for agent in DESK_AGENTS), ring=5),
        # Bell never answers, and has to be rung before Éva or Flo every now and then.
        Queue("shy", SHY, members=(BELL.extension, "1006", "1007"), ring=1),
        Queue("brief", BRIEF, members=(BELL.extension,), ring=2, patience=3),
        # Where transfers lead to.
        Queue("next", NEXT, members=("1006", "1007"), ring=5, patience=15),
        Queue("storm", "12025550109", members=(NOBODY,)),
    ),
    # The long reason makes the facts large, so that fewer of them fill the journal.
    dialplan=f"""
[storm]
exten => s,1,Answer()
 same => n,Set(left={STORM_ROUNDS})
 same => n(again),PauseQueueMember(storm,PJSIP/{NOBODY},,{"a long reason " * 14})
 same => n,UnpauseQueueMember(storm,PJSIP/{NOBODY})
 same => n,Set(left=$[${{left}} - 1])
 same => n,GotoIf($[${{left}} > 0]?again)
 same => n,Hangup()
""",
)

KINDS = ("daemon", "postgres", "asterisk", "freeze", "link", "journal")
LANES = (("asterisk", "freeze"), ("postgres", "journal"), ("daemon", "link"))
"""Kinds of one lane come one after another; the lanes go on side by side."""

LASTS: dict[tuple[str, str], tuple[float, float]] = {
    ("daemon", "kill -9"): (0.0, 5.0),
    ("postgres", "stop"): (1.0, 5.0),
    ("postgres", "kill -9"): (1.0, 5.0),
    ("postgres", "hang"): (1.0, 7.0),
    ("asterisk", "kill -9"): (0.0, 2.0),
    ("asterisk", "restart"): (0.0, 0.0),
    ("freeze", "SIGSTOP"): (0.5, 7.0),
    ("link", "reset"): (0.0, 4.0),
    ("link", "half-open"): (1.0, 7.0),
    ("journal", "full"): (0.5, 3.0),
}
"""Seconds that a fault of each kind lasts, at least and at most, by how it is done. What starting
again takes, and filling a journal, comes on top."""

PAUSE = 6.5
"""Seconds between two faults of a lane, on average: so that 40 of them are done in the time that
500 callers take."""


@dataclass(frozen=True)
class Fault:
    """``after`` the fault before it, ``kind`` is done in the way ``how`` and ``lasts`` seconds."""

    kind: str
    how: str
    after: float
    lasts: float


def lanes(seed: int, of_each: int, pause: float = PAUSE) -> list[list[Fault]]:
    """The faults of each lane, ``of_each`` kind, with pauses of ``pause`` seconds on average."""
    chance = random.Random(f"faults {seed}")
    made = []
    for kinds in LANES:
        # Each way of doing it in turn, so that a short run has different ones with each seed.
        faults = []
        for kind in kinds:
            ways = [how for of, how in LASTS if of == kind]
            first = chance.randrange(len(ways))
            faults += [(kind, ways[(first + n) % len(ways)]) for n in range(of_each)]
        chance.shuffle(faults)
        made.append(
            [
                Fault(
                    *what,
                    after=chance.uniform(0.3, 1.7) * pause,
                    lasts=chance.uniform(*LASTS[what]),
                )
                for what in faults
            ]
        )
    return made


@dataclass(frozen=True)
class Planned:
    """One caller: from which number, where to, what he does, and where he is transferred to."""

    fate: str
    number: str
    did: str
    script: tuple[Step, ...]
    transfer_after: float | None = None
    """Seconds after the answer at which the agent transfers him blindly to the queue next."""


def callers(seed: int) -> Iterator[Planned]:
    """Callers without end, each with a number of his own."""
    chance = random.Random(f"callers {seed}")
    number = 12025600000
    while True:
        number += 1
        fate = chance.choice(FATES)
        match fate:
            case "agent ends":
                yield Planned(fate, str(number), DESK, ())
            case "caller ends":
                steps: tuple[Step, ...] = (Talk(chance.uniform(1.0, 5.0)), Hangup())
                yield Planned(fate, str(number), DESK, steps)
            case "rings in vain first":
                yield Planned(fate, str(number), SHY, ())
            case "gives up":
                did = chance.choice((BRIEF, SHY))
                steps = (Talk(chance.uniform(0.2, 2.5)), Hangup())
                yield Planned(fate, str(number), did, steps)
            case "times out":
                yield Planned(fate, str(number), BRIEF, ())
            case "leaves by key":
                steps = (Talk(chance.uniform(0.3, 2.0)), Dtmf("1"))
                yield Planned(fate, str(number), BRIEF, steps)
            case "is transferred":
                after = chance.uniform(0.0, 1.5)
                yield Planned(fate, str(number), DESK, (), transfer_after=after)


FATES = (
    *["agent ends"] * 4, *["caller ends"] * 5, *["rings in vain first"] * 2, *["gives up"] * 3,
    *["times out"] * 2, *["leaves by key"] * 2, *["is transferred"] * 2,
)  # fmt: skip
"""What becomes of a caller if nothing breaks; as often as it stands here."""
