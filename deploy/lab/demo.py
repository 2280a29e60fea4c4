"""The demo: real calls and emails in the queues of a real Asterisk, and what came of them.

Run by ``deploy/demo``, which explains the options. Progress goes to standard error; the result, as
tables or as one JSON object, to standard output. With ``--keep`` a process of its own goes on
holding Asterisk and the daemon, until ``down`` ends it.
"""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import correspondence, demo_campaign, rush
from lab.asterisk import Asterisk
from lab.audio import read_wav
from lab.daemon import REPOSITORY, Daemon
from lab.errors import LabError
from lab.mail import Mail
from lab.phones import CallResult
from lab.processes import until
from lab.root import home, mail_servers, servers

SILENCE_DBFS = -45.0
"""Below this level a recording counts as silent. The lab's voices are at about -15."""

SHOWN = "queue,channel,offered,answered,abandoned,timed_out,left_by_key,service_level_of_ended_rate"

CAMPAIGN_SHOWN = (
    "campaign,attempts,permits,connected,dropped_calls,hung_up,no_answer,busy,failed,drop_rate,"
    "p99_agent_seconds"
)


def directory() -> Path:
    """Where the demo keeps its configuration and state; $CCM_DEMO_DIR if that is set."""
    chosen = os.environ.get("CCM_DEMO_DIR")
    return Path(chosen).absolute() if chosen else home() / "demo"


def pid_file() -> Path:
    """Names the process that holds a kept demo."""
    return directory() / "keeper.pid"


class Progress:
    """Lines on standard error, each with the seconds since the start."""

    def __init__(self) -> None:
        self.begun = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"demo: {time.monotonic() - self.begun:5.1f} s  {text}", file=sys.stderr, flush=True)


# -- the demo itself ------------------------------------------------------------------------------


async def demo(say: Progress, *, as_json: bool, kept: Callable[[], None] | None) -> int:
    """Play the demo; the exit code. ``kept`` is called when it shall stay, before it waits."""
    found, mails = servers(lambda line: say(line)), mail_servers(lambda line: say(line))
    shutil.rmtree(directory(), ignore_errors=True)
    say("starting Asterisk, Dovecot and Postfix")
    async with (
        Asterisk(found, demo_campaign.added(rush.PLAN)) as pbx,
        Mail(mails, correspondence.ACCOUNTS) as mail,
    ):
        version = await pbx.version()
        say(f"Asterisk {version} is up on {pbx.host}, mail on {mail.host}; starting the daemon")
        async with Daemon(
            directory(), pbx,
            node_more=f"queue_log = {json.dumps(str(pbx.queue_log_path))}",
            more=correspondence.settings(mail, directory().with_name("demo-mail"))
            + demo_campaign.settings(),
        ) as daemon:  # fmt: skip
            letters = correspondence.Correspondence(mail, daemon, say)
            campaign = demo_campaign.Campaign(pbx, daemon, say)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(letters.settle_in(), name="mailboxes")
                tasks.create_task(campaign.settle_in(), name="leads")
            say("the daemon follows them; three phones, fifteen callers and seven emails begin")
            async with asyncio.TaskGroup() as tasks:
                playing = tasks.create_task(rush.play(pbx, say), name="calls")
                tasks.create_task(letters.play(), name="emails")
                tasks.create_task(campaign.play(), name="campaign")
            calls = playing.result()
            say("waiting for the last recordings")
            over = await daemon.settled(len(rush.CALLS), 60)
            interactions = [
                row
                for row in over
                if row["channel"] == "voice" and demo_campaign.QUEUE not in row["queues"]
            ]
            result = await figures(pbx, daemon, version, calls, interactions)
            result |= await letters.figures() | await campaign.figures()
            result["differences"] += await letters.differences(result)
            result["differences"] += await campaign.differences()
            if as_json:
                print(json.dumps(result, indent=2))
            else:
                await show(daemon, result)
            if kept is not None:
                print(what_to_try(daemon), file=sys.stderr)
                kept()
                await asked_to_end()
    return 0 if not result["differences"] else 1


async def figures(
    pbx: Asterisk,
    daemon: Daemon,
    version: str,
    calls: Sequence[CallResult],
    interactions: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """All figures of the run, and where they differ from Asterisk's own."""
    tally = await rush.tally(pbx)
    recordings = await daemon.rows("recording", "list")
    verified = await daemon.ccm("recording", "verify", "--json")
    files = [pbx.recordings / row["path"] for row in recordings if row["state"] == "finished"]
    measured = [read_wav(path) for path in files]
    outcomes = [row["outcome"] for row in interactions]
    result: dict[str, Any] = {
        "asterisk": version,
        "calls_placed": len(calls),
        "interactions": len(interactions),
        "answered": outcomes.count("answered"),
        "abandoned": outcomes.count("abandoned"),
        "timed_out": outcomes.count("timed_out"),
        "left_by_key": outcomes.count("left_by_key"),
        "ring_no_answers": sum(row["ring_no_answers"] for row in interactions),
        # Hold included, as in queue_log.
        "talk_seconds": round(
            sum(row["talk_seconds"] + row["hold_seconds"] for row in interactions), 1
        ),
        "recordings": sum(row["state"] == "finished" for row in recordings),
        "recordings_verified": len(files) if verified.code == 0 else 0,
        "recordings_silent": sum(one.dbfs < SILENCE_DBFS for one in measured),
        "audio_seconds": round(sum(one.seconds for one in measured), 1),
        "recording": str(shutil.copy(files[0], directory())) if files else None,
    }
    shown = await queue_show(pbx, tally)
    result["queue_log"] = {
        "joined": tally.joined,
        "answered": tally.answered,
        "abandoned": tally.abandoned,
        "timed_out": tally.timed_out,
        "left_by_key": tally.left_by_key,
        "ring_no_answers": tally.rings_not_answered,
        "talk_seconds": tally.talk_seconds,
    }
    result["queue_show"] = shown
    result["differences"] = differences(result)
    return result


def differences(result: Mapping[str, Any]) -> list[str]:
    """Where our figures and Asterisk's disagree, in words."""
    logged, shown = result["queue_log"], result["queue_show"]
    # `queue show` counts a timeout as abandoned, and a caller who leaves by key as nothing.
    pairs = [
        ("interactions", result["interactions"], "queue_log's callers", logged["joined"]),
        ("calls placed", result["calls_placed"], "interactions", result["interactions"]),
        ("answered", result["answered"], "queue_log", logged["answered"]),
        ("abandoned", result["abandoned"], "queue_log", logged["abandoned"]),
        ("timed out", result["timed_out"], "queue_log", logged["timed_out"]),
        ("left by key", result["left_by_key"], "queue_log", logged["left_by_key"]),
        ("ring-no-answers", result["ring_no_answers"], "queue_log", logged["ring_no_answers"]),
        ("answered", result["answered"], "queue show", shown["completed"]),
        (
            "abandoned and timed out",
            result["abandoned"] + result["timed_out"],
            "queue show",
            shown["abandoned"],
        ),
        ("recordings", result["recordings"], "answered", result["answered"]),
        ("verified recordings", result["recordings_verified"], "recordings", result["recordings"]),
        ("silent recordings", result["recordings_silent"], "expected", 0),
    ]
    found = [
        f"{what}: {ours}, {whose}: {theirs}"
        for what, ours, whose, theirs in pairs
        if ours != theirs
    ]
    # queue_log has whole seconds, cut off, for each talk.
    if abs(result["talk_seconds"] - logged["talk_seconds"]) > result["answered"] + 1:
        found.append(f"talk seconds: {result['talk_seconds']}, queue_log: {logged['talk_seconds']}")
    return found


async def queue_show(pbx: Asterisk, tally: rush.Tally) -> dict[str, int]:
    """Completed and abandoned calls of the queues of callers, as ``queue show`` has them."""
    texts = [await pbx.cli(f"queue show {queue.name}") for queue in rush.PLAN.queues]
    found = re.findall(r"\bC:(\d+), A:(\d+)", "".join(texts))
    return {
        "completed": sum(int(completed) for completed, _ in found) - tally.emails_completed,
        "abandoned": sum(int(abandoned) for _, abandoned in found) - tally.emails_abandoned,
    }


async def show(daemon: Daemon, result: Mapping[str, Any]) -> None:
    """The result for people."""
    for arguments in (
        ("report", "show", "interaction", "--columns", "started_at,caller,caller_name,queues,"
         "agents,outcome,wait_seconds,talk_seconds,recordings"),
        ("report", "show", "queue_interval", "--columns", SHOWN),
        ("report", "show", "campaign_day", "--columns", CAMPAIGN_SHOWN),
    ):  # fmt: skip
        ran = await daemon.ccm(*arguments)
        print(f"\n$ ccm {' '.join(arguments)}\n{ran.out}{ran.err}", end="")
    print(
        f"\n{result['calls_placed']} calls placed, {result['interactions']} interactions stored: "
        f"{result['answered']} answered, {result['abandoned']} abandoned, "
        f"{result['timed_out']} timed out, {result['left_by_key']} left by key; "
        f"{result['recordings']} recordings with {result['audio_seconds']} s of audio."
    )
    print(
        f"{result['emails_received']} emails received, {result['emails_answered']} answered, "
        f"{result['emails_quarantined']} held in quarantine; {result['emails_bounced']} answer "
        "came back."
    )
    results = ", ".join(f"{count} {name}" for name, count in result["attempts_by_result"].items())
    print(
        f"{result['attempts']} leads of a campaign called, each with its permit "
        f"({result['permits']}): {results}; {result['drops']} of {result['live']} answers dropped, "
        f"its agents busy for {result['utilisation_pct']} % of the time."
    )
    if result["differences"]:
        print("These figures differ from Asterisk's own, the mailboxes', or the called parties':")
        for difference in result["differences"]:
            print(f"  {difference}")
    else:
        print(
            "All figures agree with that Asterisk, the customers' mailboxes and the called parties."
        )
    print(f"A recording to play: {result['recording']}")


# -- keeping it -----------------------------------------------------------------------------------


def what_to_try(daemon: Daemon) -> str:
    """Lines that work as they are pasted."""
    ccm = f"{REPOSITORY}/.venv/bin/ccm --config {daemon.config}"
    return "\n".join(
        [
            "",
            "Asterisk and the daemon go on running. Try:",
            f"  {ccm} queue watch",
            f"  {ccm} agent list",
            f"  {ccm} interaction list",
            f"  {ccm} email list --state all",
            f"  {ccm} campaign explain {demo_campaign.NAME}",
            f"  {ccm} campaign evidence {demo_campaign.NAME} --json",
            f"  {ccm} email quarantine list",
            f"  {ccm} report show queue_interval --format csv",
            f"  {ccm} recording verify",
            f"  {ccm} doctor",
            f"  {ccm} db psql -- -c 'table report.interaction'",
            f"  curl http://{daemon.web_address.ip}:9733/healthz",
            f"Stop it with: {REPOSITORY}/deploy/demo down",
            "",
        ]
    )


async def asked_to_end() -> None:
    """Wait for SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()


def keep(say: Progress, *, as_json: bool) -> int:
    """Play the demo in a process that outlives this one; returns when the demo has been shown."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        os.setsid()
        code = 1

        def shown() -> None:
            pid_file().write_text(str(os.getpid()))
            log = os.open(directory() / "keeper.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            sys.stdout.flush()
            for stream in (1, 2):
                os.dup2(log, stream)
            os.write(writer, b"0")
            os.close(writer)

        try:
            code = run(say, as_json=as_json, kept=shown)
        finally:
            sys.stdout.flush()
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        return 0 if pipe.read() == b"0" else 1


def holder() -> int | None:
    """The process that holds a kept demo, if there is one."""
    try:
        pid = int(pid_file().read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if b"lab.demo" in command else None


def down() -> int:
    """End a kept demo."""
    pid = holder()
    if pid is None:
        print("demo: nothing is running.", file=sys.stderr)
        return 0
    os.kill(pid, signal.SIGTERM)
    asyncio.run(until(lambda: holder() is None, 60, "the end of the demo"))
    pid_file().unlink(missing_ok=True)
    print("demo: stopped.", file=sys.stderr)
    return 0


def run(say: Progress, *, as_json: bool, kept: Callable[[], None] | None = None) -> int:
    """Play the demo; the exit code."""
    try:
        return asyncio.run(demo(say, as_json=as_json, kept=kept))
    except* LabError as errors:
        for error in errors.exceptions:
            print(f"demo: {error}", file=sys.stderr)
    return 2


def main(arguments: Sequence[str]) -> int:
    """As ``deploy/demo`` says."""
    if "down" in arguments:
        return down()
    running = holder()
    if running is not None:
        print(
            f"demo: one is running already (process {running}): deploy/demo down", file=sys.stderr
        )
        return 2
    say = Progress()
    as_json = "--json" in arguments
    return keep(say, as_json=as_json) if "--keep" in arguments else run(say, as_json=as_json)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1:]))
    sys.exit(130)
