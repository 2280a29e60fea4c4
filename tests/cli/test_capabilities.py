"""What a node can be used for: how needs that are met, not met and unknown add up."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ccmiddleware.cli.capabilities import (
    Capability,
    Need,
    Seen,
    State,
    action,
    context,
    good,
    judge,
    registry,
)
from ccmiddleware.cli.checks import Finding
from ccmiddleware.config import Settings

SHIPPED = Path(__file__).resolve().parents[2] / "asterisk"


def seen(
    *,
    allowed: Sequence[str] | None = None,
    contexts: dict[str, bool | None] | None = None,
    findings: Sequence[Finding] = (),
) -> Seen:
    settings = Settings.model_validate({"node": [{"name": "a", "ami": {"secret": "x"}}]})
    return Seen(
        settings.node[0],
        settings,
        None if allowed is None else frozenset(allowed),
        contexts or {},
        "the link is down",
        {finding.subject: [finding] for finding in findings},
    )


def answers(value: bool | None) -> Need:
    return Need(f"mend {value}", lambda seen: value)


@pytest.mark.parametrize(
    ("needs", "more", "state", "lacks", "remarks"),
    [
        ((), (), "works", 0, 0),
        ((True,), (True,), "works", 0, 0),
        ((True,), (False,), "in part", 1, 0),
        ((True,), (None,), "works", 0, 1),
        ((True, False), (False,), "needs", 1, 0),
        ((None, False), (None,), "needs", 1, 0),
        ((None, True), (False,), "unknown", 1, 1),
    ],
)
def test_how_needs_add_up(
    needs: tuple[bool | None, ...],
    more: tuple[bool | None, ...],
    state: State,
    lacks: int,
    remarks: int,
) -> None:
    capability = Capability(
        "x", "does x", [answers(value) for value in needs], [answers(value) for value in more]
    )
    standing = judge(capability, seen())
    assert (standing.state, len(standing.lacks), len(standing.remarks)) == (state, lacks, remarks)


def test_an_action_is_allowed_refused_or_unknown() -> None:
    need = action("QueueAdd", "agent", "manager/ccm-agents.conf")
    assert need.met(seen(allowed=["Ping", "QueueAdd"])) is True
    assert need.met(seen(allowed=["Ping"])) is False
    assert need.met(seen()) is None
    assert "asterisk/manager/ccm-agents.conf" in need.mend


def test_a_context_is_there_or_not_or_unknown() -> None:
    need = context("ccm-agents", "ccm-agents.conf")
    assert need.met(seen(contexts={"ccm-agents": True})) is True
    assert need.met(seen(contexts={"ccm-agents": False})) is False
    assert need.met(seen()) is None
    assert need.blind(seen()) == "the link is down"


@pytest.mark.parametrize(
    ("verdict", "met"), [("ok", True), ("failed", False), ("warning", False), ("note", None)]
)
def test_a_check_that_went_well(verdict: str, met: bool | None) -> None:
    finding = Finding("database", verdict, "found")  # type: ignore[arg-type]  # of a table
    assert good("database", "mend").met(seen(findings=[finding])) is met
    assert good("database", "mend").met(seen()) is None


def test_every_need_names_files_that_are_shipped() -> None:
    names = [capability.name for capability in registry.ALL]
    assert len(set(names)) == len(names)
    words = " ".join(
        need.mend for capability in registry.ALL for need in (*capability.needs, *capability.more)
    )
    files = {word.strip(",;:()") for word in words.split() if word.startswith("asterisk/")}
    assert files
    for file in files:
        assert (SHIPPED.parent / file).is_file(), file
    text = "".join(path.read_text() for path in SHIPPED.rglob("*.conf"))
    for name in registry.CONTEXTS:
        assert f"[{name}]" in text, name
