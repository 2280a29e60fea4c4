"""The whole daemon beside a real Asterisk: what it stores of calls is what queue_log tells of them.

One mix of calls is played once; each test looks at another side of what came of it.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
import witness
from lab import audio
from lab.asterisk import VOICES, Asterisk
from lab.daemon import LINK, Daemon, part
from lab.database import rows
from lab.plan import ALICE, CHEN, JOERG, Agent, Plan, Queue
from lab.processes import until
from lab.relay import Relay
from lab.root import Servers
from lab.script import Answer, Decline, Dtmf, Hangup, Hold, Ring, Step, Talk

pytestmark = [pytest.mark.lab, pytest.mark.asyncio(loop_scope="module")]

SUPPORT, DESK, BRIEF, BELL, COLD, NEXT, CROWD = (f"1202555010{n}" for n in range(1, 8))
EVA = Agent("1004", "Éva O'Neil")
FAYE, GIL, HOA = Agent("1005", "Faye Fox"), Agent("1006", "Gil Gold"), Agent("1007", "Hoa Hồ")

PLAN = Plan(
    agents=(ALICE, JOERG, CHEN, EVA, FAYE, GIL, HOA),
    queues=(
        Queue("support", SUPPORT, members=("1001",), ring=4),
        Queue("desk", DESK, members=("1002", "1003"), strategy="linear", ring=1),
        Queue("brief", BRIEF, members=("1004",), ring=1, patience=5),
        Queue("bell", BELL, members=("1005",), ring=30),
        Queue("cold", COLD, members=("1004",), ring=4, answer_first=False),
        Queue("crowd", CROWD, members=("1006", "1007"), ring=4),
    ),
    # A caller whom brief lets go in time comes to support.
    dialplan=f"""
[trunk]
exten => {NEXT},1,Answer()
 same => n,Queue(brief,,,,2)
 same => n,Queue(support)
 same => n,Hangup()
""",
)
BUSY_ONE: list[Step] = [Answer(0.2), Talk(1), Hangup()]
PHONES: dict[str, list[Step]] = {
    "1001": [Answer(0.3), Talk(2), Hangup()],
    "1002": [Ring()],
    "1003": [Answer(0.4), Talk(1), Hold(1.5), Talk()],
    "1004": [Decline()],
    "1005": [Ring()],
    "1006": BUSY_ONE,
    "1007": BUSY_ONE,
}


@dataclass(frozen=True)
class Call:
    """A caller: when (seconds from the start), where to, what he does, and what comes of it."""

    at: float
    did: str
    script: tuple[Step, ...]
    outcome: str
    patience: float = 60.0


CALLS = (
    Call(0.0, SUPPORT, (), "answered"),  # Alice hangs up
    Call(0.2, DESK, (Talk(7.5), Hangup()), "answered"),  # Jörg lets it ring, Chen holds
    Call(0.4, BRIEF, (), "timed_out"),
    Call(0.6, BRIEF, (Talk(1), Dtmf("1")), "left_by_key"),
    Call(0.8, NEXT, (), "answered"),  # not by brief, but by support
    Call(1.0, SUPPORT, (Talk(0.8), Hangup()), "abandoned"),  # behind another
    Call(1.2, BELL, (Talk(1.5), Hangup()), "abandoned"),  # while a phone rings
    Call(1.4, SUPPORT, (), "answered"),  # has to wait
    Call(1.6, COLD, (), "abandoned", patience=1.5),  # before the PBX took the call
    Call(1.8, BRIEF, (Talk(1), Hangup()), "abandoned"),
    Call(2.0, SUPPORT, (Talk(60), Hangup()), "answered"),  # waits longer
    Call(8.5, DESK, (Talk(5.5), Hangup()), "answered"),
)


def number(call: int) -> str:
    return f"120255502{call:02}"


@dataclass
class Scene:
    """The servers of this module."""

    pbx: Asterisk
    relay: Relay
    daemon: Daemon
    url: str
    """Address of the daemon's database."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    lab_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    directory = tmp_path_factory.mktemp("calls")
    async with (
        Asterisk(lab_servers, PLAN) as pbx,
        Relay((pbx.host, pbx.ami_port)) as relay,
        Daemon(directory, pbx, ami_address=relay.address) as daemon,
    ):
        for extension, script in PHONES.items():
            await pbx.phone(extension, script).start()
        ran = await daemon.ccm("db", "url")
        assert ran.code == 0, ran.err
        yield Scene(pbx, relay, daemon, ran.out.strip())


async def play(pbx: Asterisk, call: Call, number: str) -> None:
    await asyncio.sleep(call.at)
    await pbx.caller(call.did, list(call.script), number, patience=call.patience).call()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(scene: Scene) -> Scene:
    """All calls played to their end, and stored."""
    async with asyncio.TaskGroup() as group:
        for index, call in enumerate(CALLS):
            group.create_task(play(scene.pbx, call, number(index)), name=number(index))
    await witness.all_over(scene.url, len(CALLS))
    return scene


async def test_every_call_is_stored_as_queue_log_has_it(played: Scene) -> None:
    asterisk = witness.by_asterisk(played.pbx.queue_log())
    ours = await witness.by_us(played.url)
    assert witness.differences(asterisk, ours) == []
    assert not any(stay.inferred for stays in ours.values() for stay in stays)


async def test_every_caller_has_one_interaction_with_the_planned_outcome(played: Scene) -> None:
    stored = await rows(
        played.url, "SELECT caller_num, outcome, did, inferred FROM ccm.interaction ORDER BY 1"
    )
    assert stored == [
        {
            "caller_num": number(index),
            "outcome": call.outcome,
            "did": call.did,
            "inferred": False,
        }
        for index, call in enumerate(CALLS)
    ]


async def test_hold_is_measured_within_the_talk(played: Scene) -> None:
    held = "SELECT hold_seconds FROM ccm.segment JOIN ccm.interaction ON id = interaction_id"
    (row,) = await rows(played.url, f"{held} WHERE caller_num = $1", number(1))
    assert row["hold_seconds"] == pytest.approx(1.5, abs=0.7)


async def test_a_call_is_shown_as_a_timeline(played: Scene) -> None:
    call = witness.unique_id(played.pbx, number(1))
    ran = await played.daemon.ccm("interaction", "show", call, "--json")
    assert ran.code == 0, ran.err
    kinds = [event["kind"] for event in ran.json["events"]]
    assert kinds == [
        *("joined", "offered", "ring_no_answer", "offered", "answered"),
        *("hold", "unhold", "completed", "ended"),
    ]
    assert [offer["outcome"] for offer in ran.json["offers"]] == ["ring_no_answer", "answered"]
    told = await played.daemon.ccm("interaction", "show", call)
    assert "Jörg Müller" in told.out
    assert "ended by caller" in told.out


RECORDED = """
SELECT r.path, r.state, r.seconds, r.bytes, r.sha256, r.error, i.caller_num,
       extract(epoch FROM s.ended_at - s.answered_at)::float8 AS talk
FROM ccm.segment AS s
JOIN ccm.interaction AS i ON i.id = s.interaction_id
LEFT JOIN ccm.recording AS r ON r.interaction_id = s.interaction_id AND r.segment = s.ordinal
"""


async def test_every_talk_is_recorded_whole(played: Scene) -> None:
    recordings = await rows(played.url, RECORDED)
    assert len(recordings) == sum(call.outcome == "answered" for call in CALLS)
    for row in recordings:
        assert (row["state"], row["error"]) == ("finished", "")
        file = played.pbx.recordings / row["path"]
        content = file.read_bytes()
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["bytes"] == len(content)
        heard = audio.read_wav(file)
        assert row["seconds"] == pytest.approx(heard.seconds, abs=0.001)
        assert heard.seconds == pytest.approx(row["talk"], abs=1)
        assert heard.silence() < 0.6
        assert heard.level_at(VOICES["caller"]) > -30, row
        assert heard.level_at(VOICES["agent"]) > -30, row


async def verified(daemon: Daemon) -> tuple[int, dict[str, str]]:
    """Exit code of `ccm recording verify`, and what is wrong with which file."""
    ran = await daemon.ccm("recording", "verify", "--json")
    return ran.code, {wrong["path"]: wrong["verdict"] for wrong in ran.json["wrong"]}


async def test_tampering_is_found(played: Scene) -> None:
    assert await verified(played.daemon) == (0, {})
    paths = [row["path"] for row in await rows(played.url, RECORDED + "ORDER BY r.started_at")]
    flipped, deleted, copied, *_ = (played.pbx.recordings / path for path in paths)
    original = {path: path.read_bytes() for path in (flipped, deleted)}
    orphan = copied.with_name("01a21efd-9528-7167-a1c6-5ff65167f32c-1.wav")
    try:
        content = bytearray(original[flipped])
        content[len(content) // 2] ^= 1
        flipped.write_bytes(content)
        deleted.unlink()
        orphan.write_bytes(copied.read_bytes())
        os.utime(orphan, (0, 0))
        found = await verified(played.daemon)
    finally:
        for path, whole in original.items():
            path.write_bytes(whole)
        orphan.unlink()
    verdicts = {flipped: "changed", deleted: "missing", orphan: "orphan"}
    assert found == (
        1, {str(path.relative_to(played.pbx.recordings)): one for path, one in verdicts.items()},
    )  # fmt: skip
    assert await verified(played.daemon) == (0, {})


# Callers who mean harm -----------------------------------------------------------------------

HOSTILE = (
    "Eve\r\nAction: Command\r\nCommand: core stop now\r\n\r\n",
    "Eve\r\n\r\nEvent: CoreShowChannelsComplete\r\nEventList: Complete\r\nListItems: 0\r\n\r\n",
    "\"quoted\" 'twice' \\ \\r\\n",
    "Zoë 👩‍👩‍👧 \u202egnitirw",
    "NUL\0NUL",
    "x" * 1000,
    "[red]alarm[/red] {0} %s ${EXTEN}",
    "'; DROP TABLE ccm.interaction; --",
    "../../../../etc/passwd",
    "\x1b]0;owned\x07\x1b[2J\x9b31m",
)
ALLOWED = {"Challenge", "Login", "Ping", "QueueStatus", "CoreShowChannels", "CoreSettings"}
ALLOWED |= {"MixMonitor", "StopMixMonitor"}


def files(*directories: Path) -> set[Path]:
    """All files but those of Postgres, which come and go."""
    found = set()
    for top in directories:
        for folder, inside, names in os.walk(top):
            inside[:] = [name for name in inside if name != "postgres"]
            found |= {Path(folder) / name for name in names}
    return found


def hostile_number(index: int) -> str:
    return f"120255503{index:02}"


@dataclass
class Attack:
    """What was there before and after every hostile caller had talked to an agent."""

    scene: Scene
    files_before: set[Path]
    pid_before: int

    @property
    def new_files(self) -> set[Path]:
        return files(self.scene.pbx.directory, self.scene.daemon.directory) - self.files_before


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def attack(played: Scene) -> Attack:
    """Hostile callers, some of whom wait while the daemon asks Asterisk who waits."""
    pbx, relay, daemon = played.pbx, played.relay, played.daemon
    before = Attack(played, files(pbx.directory, daemon.directory), pbx.pid)
    callers = []
    for index, name in enumerate(HOSTILE):
        if "\n" in name:
            # Asterisk would send the phone a torn INVITE, so he waits until he has had enough.
            did, script = BELL, [Talk(8), Hangup()]
        else:
            did, script = CROWD, []
        callers.append(pbx.caller(did, script, hostile_number(index), name))
        await callers[-1].start()
    joined = [hostile_number(index) for index in range(len(HOSTILE))]
    await until(lambda: all(witness.unique_id(pbx, one) for one in joined), 20, "all to wait")
    relay.cut()
    await daemon.says(lambda health: not part(health, LINK).get("up"), 20, "the cut is noticed")
    await relay.restore()
    await daemon.healthy(20)
    for caller in callers:
        await caller.result()
    await witness.all_over(played.url, len(CALLS) + len(HOSTILE))
    return before


async def test_hostile_names_are_text(attack: Attack) -> None:
    stored = await rows(
        attack.scene.url,
        "SELECT caller_name FROM ccm.interaction WHERE caller_num LIKE '120255503%' "
        "ORDER BY caller_num",
    )
    names = [str(row["caller_name"]) for row in stored]
    assert len(names) == len(HOSTILE)
    # Asterisk cuts names, and keeps the backslashes of a quoted display name.
    assert names[0].startswith("Eve��Action: Command��Command: core stop now")
    assert names[2] == r"\"quoted\" 'twice' \\ \\r\\n"
    assert names[3] == "Zoë 👩‍👩‍👧 �gnitirw"
    assert names[5].startswith("xxxx")
    assert names[6:9] == list(HOSTILE[6:9])
    assert names[9].endswith("]0;owned��[2J�31m")
    assert not any(unsafe(name) for name in names)


def unsafe(text: str) -> list[str]:
    """Control characters and those that turn the direction of writing."""
    return [letter for letter in text if ord(letter) < 32 or letter in "\x7f\x9b\u202e"]


async def test_hostile_names_disturb_no_call(attack: Attack) -> None:
    scene = attack.scene
    asterisk = witness.by_asterisk(scene.pbx.queue_log())
    ours = await witness.by_us(scene.url)
    # Some rang and talked while the link was away: what went on then is only known in part.
    assert ours.keys() == asterisk.keys()
    forgers = [witness.unique_id(scene.pbx, hostile_number(index)) for index in (0, 1)]
    assert witness.differences(
        {call: asterisk[call] for call in forgers}, {call: ours[call] for call in forgers}
    ) == []  # fmt: skip
    assert not any(stay.inferred for call in forgers for stay in ours[call])


async def test_hostile_names_reach_neither_asterisk_nor_the_disk(attack: Attack) -> None:
    scene = attack.scene
    assert scene.pbx.pid == attack.pid_before
    sent = scene.relay.sent.decode()
    actions = [line.partition(": ")[2] for line in sent.split("\r\n") if line[:7] == "Action:"]
    assert {"MixMonitor", "QueueStatus"} <= set(actions) <= ALLOWED
    for word in ("Eve\r", "Eve\ufffd", "core", "quoted", "Zo", "xxx", "alarm", "DROP", "passwd"):
        assert word not in sent
    recordings = {path for path in attack.new_files if path.is_relative_to(scene.pbx.recordings)}
    paths = {scene.pbx.recordings / str(row["path"]) for row in await rows(scene.url, RECORDED)}
    assert recordings
    assert recordings <= paths
    ours = (scene.pbx.directory / "sip", scene.daemon.directory / "state" / "journal")
    elsewhere = attack.new_files - recordings
    assert not [path for path in elsewhere if not any(map(path.is_relative_to, ours))]


async def test_hostile_names_stay_in_their_line(attack: Attack) -> None:
    daemon = attack.scene.daemon
    for arguments in (("interaction", "list"), ("interaction", "list", "--json")):
        ran = await daemon.ccm(*arguments)
        assert ran.code == 0, ran.err
        assert not unsafe(ran.out.replace("\n", ""))
        assert "[red]alarm[/red]" in ran.out
    table = (await daemon.ccm("interaction", "list", "--limit", "500")).out.splitlines()
    assert len(table) == 1 + len(CALLS) + len(HOSTILE)
    for line in daemon.log.read_text().splitlines():
        assert not unsafe(line)
        assert json.loads(line)["event"]


async def test_nothing_was_refused_or_said_in_error(attack: Attack) -> None:
    refused = await rows(attack.scene.url, "SELECT * FROM ccm.rejected_fact")
    assert refused == []
    levels = [
        json.loads(line)["level"] for line in attack.scene.daemon.log.read_text().splitlines()
    ]
    assert not {"error", "critical"} & set(levels)
