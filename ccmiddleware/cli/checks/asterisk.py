"""Checks of one Asterisk node: reachable, which rights, version, queues, clock; ARI when it is set.

Rights to *do* are read from the answer to ListCommands, which lists exactly the actions that this
user may use (main/manager.c: action_listcommands). Rights to *hear* can't be asked for: ``system``
is proven by FullyBooted, the others show only when something happens.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches

from ccmiddleware.cli.checks import Finding
from ccmiddleware.cli.checks.asked import Asked, ask
from ccmiddleware.cli.checks.files import records
from ccmiddleware.clock import Clock
from ccmiddleware.config import NodeSettings, Settings
from ccmiddleware.errors import CcmError, ConfigError, PermanentError, TemporaryError
from ccmiddleware.pbx.link import IN_USE, AmiLink, UnsafeValue

OLDEST = 16
"""The oldest major version of Asterisk on which the middleware was tried."""

NEEDED = {
    "CoreShowChannels": ("reporting", "to find out after a gap which calls there are"),
    "CoreSettings": ("reporting", "to know Asterisk's version"),
    "QueueStatus": ("", "to know queues, members and who waits"),
}
"""Actions without which observing is not reliable: class that gives them, and what for."""

NEEDED_TO_RECORD = {
    "MixMonitor": ("system", "to start recordings"),
    "StopMixMonitor": ("call", "to stop recordings"),
}

TOO_MUCH = {
    "Command": "command",
    "UpdateConfig": "config",
}
"""Actions that nothing here uses and that would be a gift to whoever finds the secret."""

OF_SUPERVISION = {"Originate": "originate"}
"""The same where supervision is switched off."""

HEARD = "call, agent and dialplan"
CLOCK_TOLERANCE = 2.0
"""Seconds by which Asterisk's clock may differ from ours without a warning."""

POLL = 0.05
GRACE = 10.0
"""Seconds beyond its own limit in which the link must have said how its first try went."""


async def ami(
    settings: Settings, node: NodeSettings, clock: Clock, contexts: Sequence[str] = ()
) -> tuple[list[Finding], Asked]:
    """Everything that the manager interface of a node tells, and the answers for capabilities."""
    subject = f"{node.name} AMI"
    try:
        link = AmiLink(node.name, node.ami)
    except ConfigError as error:
        mend = "see above: the secret must be readable"
        return [Finding(subject, "failed", str(error), mend)], Asked(blind=str(error))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(_keep_up(link), name=f"link to {node.name}")
        try:
            if not await _up(link, running, node.ami.connect_timeout):
                not_up = _not_up(node, link, running.result() if running.done() else "")
                return [not_up], Asked(blind=not_up.found)
            where = f"{node.ami.host}:{node.ami.port}"
            findings = [Finding(subject, "ok", f"logged in to {where} as {node.ami.user}")]
            findings += await _look_around(settings, node, link, clock)
            return findings, await ask(link, contexts)
        finally:
            running.cancel()


async def _keep_up(link: AmiLink) -> str:
    """Run the link; ends only when user or secret can't be sent at all, and says why."""
    try:
        await link.run()
    except UnsafeValue as error:
        return str(error)
    return ""


async def _up(link: AmiLink, running: "asyncio.Task[str]", limit: float) -> bool:
    """Wait until the link is up or the first try has failed."""
    loop = asyncio.get_running_loop()
    before = link.state.reason
    end = loop.time() + limit + GRACE
    while not link.state.up and link.state.reason == before and not running.done():
        if loop.time() > end:
            return False
        await asyncio.sleep(POLL)
    return link.state.up


def _not_up(node: NodeSettings, link: AmiLink, unsafe: str) -> Finding:
    """What is in the way, and what to do about it."""
    ami_settings, state = node.ami, link.state
    if unsafe:
        mend = f"node[{node.name}].ami: user and secret must be one line each"
        return Finding(f"{node.name} AMI", "failed", unsafe, mend)
    where = f"{ami_settings.host}:{ami_settings.port}"
    key = f"node[{node.name}].ami"
    if IN_USE in state.reason:
        mend = "set allowmultiplelogin = yes in manager.conf to have rights and queues checked too"
        found = f"{where}: user {ami_settings.user} is logged in already, most likely by the daemon"
        return Finding(f"{node.name} AMI", "warning", found, mend)
    if state.auth_refused:
        mend = (
            f"compare user and secret in manager.conf (section [{ami_settings.user}]) with {key}; "
            "its permit and deny lines must allow this machine; then asterisk -rx 'manager reload'"
        )
    elif "FullyBooted" in state.reason:
        mend = (
            f"Asterisk is still starting, or user {ami_settings.user} may not hear class system: "
            f"add it to its line read = in manager.conf, then asterisk -rx 'manager reload'"
        )
    elif "banner" in state.reason:
        mend = (
            f"Asterisk hangs (it takes connections and says nothing), or what listens on {where} "
            f"is no manager interface, or {key}.tls is set wrongly"
        )
    else:
        mend = (
            "is Asterisk running? manager.conf needs enabled = yes in [general], with bindaddr and "
            f"port as {key}.host and {key}.port say; a firewall may be in between"
        )
    return Finding(f"{node.name} AMI", "failed", f"{where}: {state.reason}", mend)


async def _look_around(
    settings: Settings, node: NodeSettings, link: AmiLink, clock: Clock
) -> list[Finding]:
    """The checks that need a link. One that gets no answer does not hide the others."""
    findings = []
    for look in (
        _rights(settings, node, link),
        _version(node, link),
        _clock(node, link, clock),
        _queues(settings, node, link),
    ):
        try:
            findings += await look
        except (TemporaryError, PermanentError) as error:
            findings.append(
                Finding(f"{node.name} AMI", "failed", str(error), "see the checks of rights above")
            )
    return findings


async def _rights(settings: Settings, node: NodeSettings, link: AmiLink) -> list[Finding]:
    subject = f"{node.name} AMI rights"
    allowed = (await link.send("ListCommands")).headers
    needed = dict(NEEDED)
    if records(settings):
        needed |= NEEDED_TO_RECORD
    missing = [action for action in needed if action not in allowed]
    findings = []
    if missing:
        classes = sorted({needed[action][0] for action in missing} - {""})
        give = f"add {', '.join(classes)} to its line write =" if classes else "load app_queue"
        uses = "; ".join(f"{action} ({needed[action][1]})" for action in missing)
        findings.append(
            Finding(
                subject,
                "failed",
                f"user {node.ami.user} may not use {uses}",
                f"{give} in manager.conf, then asterisk -rx 'manager reload'",
            )
        )
    else:
        uses = ", ".join(sorted(needed))
        findings.append(Finding(subject, "ok", f"may use all that is needed: {uses}"))
    too_much = TOO_MUCH if settings.supervision.enabled else TOO_MUCH | OF_SUPERVISION
    spare = [name for action, name in too_much.items() if action in allowed]
    if spare:
        findings.append(
            Finding(
                subject,
                "warning",
                f"has classes that nothing here needs: {', '.join(spare)}",
                "take them from its line write = in manager.conf (see asterisk/manager/ccm.conf)",
            )
        )
    findings.append(
        Finding(
            subject,
            "note",
            f"hears class system; {HEARD} can't be asked for and show with the first call",
        )
    )
    return findings


async def _version(node: NodeSettings, link: AmiLink) -> list[Finding]:
    subject = f"{node.name} Asterisk"
    text = (await link.send("CoreSettings")).headers.get("AsteriskVersion", "")
    major = text.split(".")[0]
    if not major.isdigit():
        return [Finding(subject, "warning", f"version {text or 'not told'}: not known here")]
    if int(major) < OLDEST:
        mend = f"use Asterisk {OLDEST} or newer"
        return [Finding(subject, "warning", f"version {text} is older than was tried", mend)]
    return [Finding(subject, "ok", f"version {text}")]


async def _clock(node: NodeSettings, link: AmiLink, clock: Clock) -> list[Finding]:
    """Asterisk's clock against ours, by the time in its answer to a ping."""
    subject = f"{node.name} clock"
    before = clock()
    told = (await link.send("Ping")).headers.get("Timestamp", "")
    after = clock()
    try:
        theirs = datetime.fromtimestamp(float(told), before.tzinfo)
    except (ValueError, OverflowError):
        return [Finding(subject, "note", "Asterisk does not tell its time")]
    difference = (theirs - (before + (after - before) / 2)).total_seconds()
    found = f"{abs(difference):.3f} s {'ahead of' if difference > 0 else 'behind'} this machine"
    if abs(difference) > CLOCK_TOLERANCE + (after - before).total_seconds():
        return [
            Finding(
                subject,
                "warning",
                f"Asterisk is {found}: times of events will be wrong by that",
                "let both machines keep time with NTP (systemd-timesyncd, chrony)",
            )
        ]
    return [Finding(subject, "ok", f"Asterisk is {found}")]


async def _queues(settings: Settings, node: NodeSettings, link: AmiLink) -> list[Finding]:
    subject = f"{node.name} queues"
    items = await link.send_list("QueueStatus")
    members: dict[str, list[Mapping[str, str]]] = {
        item.get("Queue", ""): [] for item in items if item.get("Event") == "QueueParams"
    }
    for item in items:
        if item.get("Event") == "QueueMember":
            members.setdefault(item.get("Queue", ""), []).append(item)
    if not members:
        mend = "define one in queues.conf, then asterisk -rx 'queue reload all'"
        return [Finding(subject, "warning", "Asterisk has no queues", mend)]
    listed = ", ".join(f"{queue} ({len(found)})" for queue, found in sorted(members.items()))
    findings = [Finding(subject, "ok", f"with members: {listed}")]
    for queue in sorted(set(settings.queue) - set(members)):
        if len(settings.node) > 1:
            continue  # it may be on another node
        near = get_close_matches(queue, members, n=1)
        mend = f"did you mean {near[0]}?" if near else f"Asterisk has {', '.join(sorted(members))}"
        findings.append(
            Finding(subject, "warning", f"[queue.{queue}] is configured and not there", mend)
        )
    nameless = sorted(
        {
            item.get("Location", "")
            for found in members.values()
            for item in found
            if item.get("Name", "") == item.get("Location", "")
        }
    )
    if nameless:
        findings.append(
            Finding(
                subject,
                "note",
                f"members without a name: {', '.join(nameless)}",
                "give a member name in queues.conf or AddQueueMember; reports use it",
            )
        )
    return findings


async def ari(node: NodeSettings) -> list[Finding]:
    """Whether the REST interface answers and lets us write. Nothing when it is not configured."""
    if node.ari is None:
        return []
    from ccmiddleware.pbx.ari import AriClient, Denied, open_session

    subject, key = f"{node.name} ARI", f"node[{node.name}].ari"
    try:
        async with open_session() as session:
            client = AriClient(node.name, node.ari, session)
            info = await client.info()
            await client.set_device_state("Stasis:ccm-doctor", "NOT_INUSE")
            await client.delete_device_state("Stasis:ccm-doctor")
    except Denied as error:
        mend = f"compare user and password in ari.conf (and read_only = no) with {key}"
        return [Finding(subject, "failed", str(error), mend)]
    except ConfigError as error:
        return [Finding(subject, "failed", str(error), f"correct {key}")]
    except CcmError as error:
        mend = (
            f"http.conf needs enabled = yes, ari.conf too, res_ari must be loaded; {key}.url must "
            "end in /ari"
        )
        return [Finding(subject, "failed", f"{node.ari.url}: {error}", mend)]
    return [Finding(subject, "ok", f"{node.ari.url}: Asterisk {info.system.version}, may write")]
