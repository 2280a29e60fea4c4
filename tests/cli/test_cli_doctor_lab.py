"""``ccm doctor`` against a real Asterisk: what it says when all is well, and of each mistake."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ccm_day import Ccm
from lab.asterisk import SHIPPED, Asterisk
from lab.plan import Plan
from lab.root import servers

pytestmark = pytest.mark.lab


@pytest.fixture
async def pbx() -> AsyncIterator[Asterisk]:
    """An Asterisk of its own, with the shipped manager user."""
    there = await asyncio.to_thread(servers, print)
    async with Asterisk(there, Plan()) as running:
        yield running


def configure(ccm: Ccm, pbx: Asterisk, *, secret: str = "", policy: str = "never") -> None:
    """A configuration for that Asterisk."""
    ccm.write(
        f"""
state_dir = "{ccm.directory / "state"}"
[[node]]
name = "pbx1"
recordings = "{pbx.recordings}"
[node.ami]
host = "{pbx.host}"
port = {pbx.ami_port}
user = "{pbx.user}"
secret = "{secret or pbx.ami_secret}"
connect_timeout = 3
[node.ari]
url = "{pbx.ari_url}"
user = "{pbx.user}"
secret = "{pbx.ari_secret}"
timeout = 3
[recording]
policy = "{policy}"
[queue.suport]
service_level_seconds = 30
[web]
port = 1
"""
    )


async def findings(ccm: Ccm, code: int) -> dict[str, list[dict[str, Any]]]:
    """What the doctor says, by subject."""
    result = await asyncio.to_thread(ccm.process, "doctor", "--json")
    assert result.returncode == code, result.stdout + result.stderr
    assert result.stderr == ""
    by_subject: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(result.stdout)["findings"]:
        by_subject.setdefault(finding["subject"], []).append(finding)
    return by_subject


async def test_a_healthy_asterisk(ccm: Ccm, pbx: Asterisk) -> None:
    configure(ccm, pbx, policy="always")
    found = await findings(ccm, 0)
    assert found["pbx1 AMI"][0]["verdict"] == "ok"
    assert found["pbx1 AMI rights"][0]["verdict"] == "ok"
    assert (await pbx.version()) in found["pbx1 Asterisk"][0]["found"]
    assert "sales (2), support (3)" in found["pbx1 queues"][0]["found"]
    assert found["pbx1 queues"][1]["mend"] == "did you mean support?"
    assert found["pbx1 clock"][0]["verdict"] == "ok"
    assert found["pbx1 ARI"][0]["verdict"] == "ok"
    assert [each["verdict"] for each in found["pbx1 recordings"]] == ["note", "ok"]


async def test_a_wrong_secret(ccm: Ccm, pbx: Asterisk) -> None:
    configure(ccm, pbx, secret="n0t-the-0ne")
    found = await findings(ccm, 1)
    refused = found["pbx1 AMI"][0]
    assert refused["verdict"] == "failed"
    assert "Authentication failed" in refused["found"]
    assert "manager.conf" in refused["mend"]
    assert "n0t-the-0ne" not in json.dumps(found)


async def test_rights_that_are_missing_and_rights_that_are_too_many(
    ccm: Ccm, pbx: Asterisk
) -> None:
    for name, text in (
        ("manager.conf", "[poor]\nsecret = x1\nread = system\nwrite = call,originate\n"),
        ("manager.conf", "[deaf]\nsecret = x1\nread = call,agent\nwrite = call\n"),
    ):
        with (pbx.directory / "etc" / name).open("a") as file:
            file.write(text)
    await pbx.cli("manager reload")
    configure(ccm, pbx, policy="always", secret="x1")
    text = ccm.config.read_text().replace(f'user = "{pbx.user}"', 'user = "poor"', 1)
    ccm.write(f"{text}\n[supervision]\nenabled = false\n")
    found = await findings(ccm, 1)
    missing, too_many, _ = found["pbx1 AMI rights"]
    assert missing["verdict"] == "failed"
    assert "MixMonitor" in missing["found"]
    assert "reporting, system" in missing["mend"]
    assert too_many["verdict"] == "warning"
    assert "originate" in too_many["found"]
    assert "CoreSettings: Permission denied" in found["pbx1 AMI"][1]["found"]
    ccm.write(ccm.config.read_text().replace('user = "poor"', 'user = "deaf"', 1))
    deaf = (await findings(ccm, 1))["pbx1 AMI"][0]
    assert "FullyBooted" in deaf["found"]
    assert "read =" in deaf["mend"]


async def test_a_frozen_and_a_dead_asterisk(ccm: Ccm, pbx: Asterisk) -> None:
    configure(ccm, pbx)
    await pbx.freeze()
    frozen = (await findings(ccm, 1))["pbx1 AMI"][0]
    assert frozen["verdict"] == "failed"
    assert "took more than 3 s" in frozen["found"]
    pbx.thaw()
    await pbx.kill()
    dead = (await findings(ccm, 1))["pbx1 AMI"][0]
    assert "Connect call failed" in dead["found"]
    assert "is Asterisk running?" in dead["mend"]


AGENT_CODES = """
#include "ccm-agents.conf"
#include "ccm-queues.conf"
[agents]
include => ccm-agents
"""
CALLBACKS = """
#include "ccm-recording.conf"
#include "ccm-callbacks.conf"
#include "ccm-work.conf"
#include "ccm-dial.conf"
#include "ccm-opt-out.conf"
[ccm-callback-customer]
exten => _12025XXXXXX,1,Dial(PJSIP/${EXTEN}@outside)
"""
LIBRARIES = (
    "ccm-agents.conf",
    "ccm-callbacks.conf",
    "ccm-dial.conf",
    "ccm-opt-out.conf",
    "ccm-queues.conf",
    "ccm-recording.conf",
    "ccm-work.conf",
)
FULL = Plan(
    manager=("ccm-agents.conf", "ccm-callbacks.conf", "ccm-supervision.conf"),
    files={name: (SHIPPED / "dialplan" / name).read_text() for name in LIBRARIES},
    dialplan=AGENT_CODES + CALLBACKS,
)

NOT_HERE = {"recording store"}
"""What needs more than an Asterisk: a bucket."""


async def capabilities(ccm: Ccm) -> dict[str, dict[str, Any]]:
    """How it is with each capability, by its name."""
    result = await asyncio.to_thread(ccm.process, "doctor", "--json")
    assert result.stderr == ""
    return {each["capability"]: each for each in json.loads(result.stdout)["capabilities"]}


async def test_a_plain_queues_conf_and_one_manager_user(
    ccm: Ccm, pbx: Asterisk, database_url: str
) -> None:
    configure(ccm, pbx)
    plain = ccm.config.read_text().partition("[node.ari]")[0]
    ccm.write(f'{plain}\n[database]\nurl = "{database_url}"\n[web]\nport = 1\n')
    found = await capabilities(ccm)
    working = {name for name, each in found.items() if each["state"] == "works"}
    assert working == {"observe", "record", "report", "pause recording"}
    assert found["dispositions"]["state"] == "in part"
    for name, words in {
        "complete": "queue_log of the node in ccm.toml",
        "agent commands": "class agent for QueueAdd: include asterisk/manager/ccm-agents.conf",
        "agent codes": "include asterisk/dialplan/ccm-agents.conf in extensions.conf",
        "recording codes": "asterisk/features/ccm-recording.conf in features.conf",
        "supervision": "class originate for Originate: include asterisk/manager/ccm-superv",
        "skills": "class agent for QueuePenalty",
        "dispositions": "asterisk/manager/ccm-agents.conf (class user)",
        "queue settings": "include asterisk/dialplan/ccm-queues.conf in extensions.conf",
    }.items():
        assert words in " ".join(found[name]["lacks"]), found[name]
    shown = (await asyncio.to_thread(ccm.process, "doctor")).stdout
    assert "What pbx1 can be used for" in shown
    assert "+ observe" in shown
    assert "- agent codes" in shown


async def test_everything_included(ccm: Ccm, database_url: str) -> None:
    there = await asyncio.to_thread(servers, print)
    async with Asterisk(there, FULL) as pbx:
        pbx.queue_log_path.touch()
        configure(ccm, pbx, policy="always")
        text = ccm.config.read_text().replace(
            "[node.ami]", f'queue_log = "{pbx.queue_log_path}"\n[node.ami]'
        )
        ccm.write(f'{text}\n[database]\nurl = "{database_url}"\n')
        found = await capabilities(ccm)
        lacking = {name: each for name, each in found.items() if each["state"] != "works"}
        assert set(lacking) == NOT_HERE, lacking
        # Included and not loaded: a class that may ask for what is loaded is told the truth.
        with (pbx.directory / "etc" / "manager.conf").open("a") as file:
            file.write("[ccm](+)\nwrite = reporting\n")
        await pbx.cli("manager reload")
        await pbx.cli("dialplan remove context ccm-agents")
        found = await capabilities(ccm)
        assert found["observe"]["state"] == "works"
        assert found["agent codes"]["state"] == "needs"
        assert "MixMonitor" in " ".join(found["record"]["lacks"])


async def test_a_user_who_may_not_ask_and_an_asterisk_that_is_away(ccm: Ccm, pbx: Asterisk) -> None:
    with (pbx.directory / "etc" / "manager.conf").open("a") as file:
        file.write("[blind]\nsecret = x1\nread = system\nwrite = agent\n")
    await pbx.cli("manager reload")
    configure(ccm, pbx, secret="x1")
    ccm.write(ccm.config.read_text().replace(f'user = "{pbx.user}"', 'user = "blind"', 1))
    found = await capabilities(ccm)
    assert found["agent commands"]["state"] == "works"
    assert found["agent codes"]["state"] == "unknown"
    assert "neither Getvar nor GetConfig" in found["agent codes"]["remarks"][0]
    await pbx.kill()
    found = await capabilities(ccm)
    assert found["observe"]["state"] == "unknown"
    assert "Connect call failed" in found["observe"]["remarks"][0]
