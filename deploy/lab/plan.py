"""What a PBX of the lab should look like: its agents, its queues, what trunk numbers lead to."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Agent:
    """A person with a phone. ``name`` is the MemberName in every queue.

    ``more`` holds other lines of the phone's endpoint in pjsip.conf.
    """

    extension: str
    name: str
    more: tuple[str, ...] = ()

    @property
    def interface(self) -> str:
        """The member's interface."""
        return f"PJSIP/{self.extension}"


@dataclass(frozen=True)
class Queue:
    """One queue of app_queue, and the trunk number that leads to it. Times in whole seconds.

    ``ring``, ``retry`` and ``wrapup`` are app_queue's timeout, retry and wrapuptime; short, so
    that tests are short. ``patience`` is how long Queue() keeps a caller (0: for ever). ``keys``
    are the digits by which a caller can leave. ``answer_first`` is whether the dialplan answers
    before Queue(), as most do; without it a caller who gives up sends CANCEL instead of BYE.
    ``more`` holds other lines of queues.conf.
    """

    name: str
    did: str
    members: tuple[str, ...]
    strategy: str = "rrmemory"
    ring: int = 3
    retry: int = 1
    wrapup: int = 0
    patience: int = 0
    keys: str = "1"
    answer_first: bool = True
    joinempty: str = "yes"
    leavewhenempty: str = "no"
    maxlen: int = 0
    service_level: int = 20
    musicclass: str = "default"
    more: tuple[str, ...] = ()


ALICE = Agent("1001", "Alice Arnold")
JOERG = Agent("1002", "Jörg Müller")
CHEN = Agent("1003", "Chen Wei")

SUPPORT = Queue("support", "12025550101", members=("1001", "1002", "1003"))
SALES = Queue("sales", "12025550102", members=("1002", "1003"), strategy="leastrecent")


@dataclass(frozen=True)
class Plan:
    """A whole PBX. ``dialplan`` is added to extensions.conf, context lines and all."""

    agents: tuple[Agent, ...] = (ALICE, JOERG, CHEN)
    queues: tuple[Queue, ...] = (SUPPORT, SALES)
    dialplan: str = ""
    files: dict[str, str] = field(default_factory=dict)
    """More configuration files, or others in place of ours, by name."""
    manager: tuple[str, ...] = ()
    """Files of asterisk/manager that are included after ccm.conf: more rights."""

    def agent(self, extension: str) -> Agent:
        """The agent with that extension."""
        return next(agent for agent in self.agents if agent.extension == extension)

    def queue(self, name: str) -> Queue:
        """The queue with that name."""
        return next(queue for queue in self.queues if queue.name == name)
