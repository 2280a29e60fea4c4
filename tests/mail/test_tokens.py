"""Tokens: what they prove, each way in which they prove nothing, and no byte can be changed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccmiddleware.errors import PermanentError
from ccmiddleware.mail.tokens import (
    LONGEST_BASE,
    Key,
    Keys,
    Kind,
    Refusal,
    ReplyTo,
    Sent,
    Use,
    message_id,
    read_address,
    read_message_id,
    reply_address,
    token_of,
)

OLD, NEW = Key(1, b"o" * 32), Key(2, b"n" * 32)
KEYS = Keys(NEW, (OLD,))
NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=14)
TALK = UUID("019a0000-0000-7000-8000-000000000001")
OTHER = UUID("019a0000-0000-7000-8000-000000000002")
ROW = UUID("019a0000-0000-7000-8000-0000000000aa")

MID = message_id(KEYS, Kind.ANSWER, TALK, ROW, "example.com")
ADDRESS = reply_address(KEYS, "support@example.com", Use.AGENT, TALK, "anna", LATER)
CUSTOMER = reply_address(KEYS, "support@example.com", Use.CUSTOMER, TALK, "", LATER)


def swap(text: str, at: int) -> str:
    return text[:at] + ("b" if text[at] == "a" else "a") + text[at + 1 :]


def test_a_message_id_is_read_as_it_was_made() -> None:
    assert read_message_id(MID, KEYS) == Sent(Kind.ANSWER, TALK)
    assert MID.startswith("ccm.answer.")
    assert MID.endswith("@example.com")
    assert message_id(KEYS, Kind.ANSWER, TALK, ROW, "example.com") == MID
    assert message_id(KEYS, Kind.ANSWER, TALK, OTHER, "example.com") != MID


HEAD, SIGNATURE = MID.removesuffix("@example.com").rsplit(".", 1)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (MID, Sent(Kind.ANSWER, TALK)),
        (f"<{MID}>", Sent(Kind.ANSWER, TALK)),
        (f"  <{MID}> ", Sent(Kind.ANSWER, TALK)),
        (MID.upper(), Sent(Kind.ANSWER, TALK)),
        (MID.split("@")[0], Sent(Kind.ANSWER, TALK)),
        (MID.replace("example.com", "relay.example.net"), Sent(Kind.ANSWER, TALK)),
        ("", Refusal.NO_TOKEN),
        ("abc@example.com", Refusal.NO_TOKEN),
        ("ccm@example.com", Refusal.NO_TOKEN),
        ("xccm.answer.aaaa.bbbb@example.com", Refusal.NO_TOKEN),
        ("ccm.answer.a1a1.bbbb@example.com", Refusal.NO_TOKEN),
        (f"{HEAD}@example.com", Refusal.TRUNCATED),
        (f"{HEAD}.@example.com", Refusal.TRUNCATED),
        (f"{HEAD}.{SIGNATURE[:-1]}@example.com", Refusal.TRUNCATED),
        (HEAD[:-3], Refusal.TRUNCATED),
        (f"{HEAD}a.{SIGNATURE}@example.com", Refusal.FORGED),
        (f"{HEAD}.{SIGNATURE}a@example.com", Refusal.FORGED),
        (f"{HEAD}.{'a' * 16}@example.com", Refusal.FORGED),
        (MID.replace("answer", "relay"), Refusal.FORGED),
        (MID.replace("answer", "other"), Refusal.FORGED),
        (swap(MID, 20), Refusal.FORGED),
        (message_id(Keys(Key(2, b"x" * 32)), Kind.ANSWER, TALK, ROW, "a.b"), Refusal.FORGED),
        (message_id(Keys(OLD), Kind.ANSWER, TALK, ROW, "a.b"), Sent(Kind.ANSWER, TALK)),
        (message_id(Keys(Key(9, b"o" * 32)), Kind.ANSWER, TALK, ROW, "a.b"), Refusal.OLD_KEY),
        (message_id(KEYS, Kind.RELAY, OTHER, ROW, "a.b"), Sent(Kind.RELAY, OTHER)),
        ("ccm.answer." + "é" * 40 + ".aaaa", Refusal.NO_TOKEN),
        ("ccm.answer." + "\u017f" * 40 + "." + "a" * 16, Refusal.NO_TOKEN),
        ("\u212acm.answer." + "a" * 40 + "." + "a" * 16, Refusal.NO_TOKEN),
    ],
)
def test_message_ids(text: str, outcome: object) -> None:
    assert read_message_id(text, KEYS) == outcome


@pytest.mark.parametrize("kind", Kind)
def test_a_message_id_of_another_kind_is_told(kind: Kind) -> None:
    wanted: object = Sent(kind, TALK) if kind is Kind.ANSWER else Refusal.OTHER_KIND
    assert read_message_id(MID, KEYS, kind) == wanted
    assert read_message_id(swap(MID, 20), KEYS, kind) == Refusal.FORGED


@pytest.mark.parametrize("domain", ["", "a b", "a@b", "a\r\nX: y", "-a", "a>", "münchen.example"])
def test_no_message_id_has_an_odd_domain(domain: str) -> None:
    with pytest.raises(PermanentError):
        message_id(KEYS, Kind.ANSWER, TALK, ROW, domain)


def test_an_address_is_read_as_it_was_made() -> None:
    found = read_address(ADDRESS, KEYS, NOW, Use.AGENT, ["berta", "anna"])
    assert isinstance(found, ReplyTo)
    assert (found.item, found.agent, found.use) == (TALK, "anna", Use.AGENT)
    assert LATER <= found.expires < LATER + timedelta(hours=1)
    local = ADDRESS.split("@")[0]
    assert len(local) <= 64
    assert local == local.lower()


TOKEN = token_of(ADDRESS)


@pytest.mark.parametrize(
    ("address", "now", "agents", "outcome"),
    [
        (ADDRESS, NOW, ["anna"], TALK),
        (ADDRESS.upper(), NOW, ["anna"], TALK),
        (f"other+{TOKEN}@relay.example.net", NOW, ["anna"], TALK),
        (f"support+x+{TOKEN}@example.com", NOW, ["anna"], TALK),
        (ADDRESS, LATER - timedelta(seconds=1), ["anna"], TALK),
        (ADDRESS, LATER + timedelta(hours=1), ["anna"], Refusal.EXPIRED),
        (ADDRESS, NOW, ["berta"], Refusal.FORGED),
        (ADDRESS, NOW, ["Anna"], Refusal.FORGED),
        (ADDRESS, NOW, [], Refusal.FORGED),
        (swap(ADDRESS, 12), NOW, ["anna"], Refusal.FORGED),
        (swap(ADDRESS, 40), LATER + timedelta(days=99), ["anna"], Refusal.FORGED),
        (CUSTOMER, NOW, ["anna"], Refusal.OTHER_KIND),
        (CUSTOMER, LATER + timedelta(days=9), ["anna"], Refusal.OTHER_KIND),
        (f"support+{TOKEN[:-1]}@example.com", NOW, ["anna"], Refusal.TRUNCATED),
        ("support+a@example.com", NOW, ["anna"], Refusal.TRUNCATED),
        (f"support+{TOKEN}a@example.com", NOW, ["anna"], Refusal.FORGED),
        ("support@example.com", NOW, ["anna"], Refusal.NO_TOKEN),
        ("support+@example.com", NOW, ["anna"], Refusal.NO_TOKEN),
        ("support+new-order@example.com", NOW, ["anna"], Refusal.NO_TOKEN),
        ("support+älter@example.com", NOW, ["anna"], Refusal.NO_TOKEN),
        ("support+" + "\u017f" * 48 + "@example.com", NOW, ["anna"], Refusal.NO_TOKEN),
        ("", NOW, ["anna"], Refusal.NO_TOKEN),
        ("@", NOW, ["anna"], Refusal.NO_TOKEN),
        ("a+b", NOW, ["anna"], Refusal.NO_TOKEN),
        (
            reply_address(Keys(OLD), "s@e.com", Use.AGENT, TALK, "anna", LATER),
            NOW,
            ["anna"],
            TALK,
        ),
        (
            reply_address(Keys(Key(7, b"n" * 32)), "s@e.com", Use.AGENT, TALK, "anna", LATER),
            NOW,
            ["anna"],
            Refusal.OLD_KEY,
        ),
    ],
)
def test_addresses(address: str, now: datetime, agents: list[str], outcome: object) -> None:
    found = read_address(address, KEYS, now, Use.AGENT, agents)
    assert (found.item if isinstance(found, ReplyTo) else found) == outcome


def test_an_agents_address_is_none_for_customers() -> None:
    assert read_address(ADDRESS, KEYS, NOW, Use.CUSTOMER, ["anna"]) == Refusal.OTHER_KIND
    found = read_address(CUSTOMER, KEYS, NOW, Use.CUSTOMER)
    assert isinstance(found, ReplyTo)
    assert (found.item, found.agent) == (TALK, "")


@pytest.mark.parametrize(
    ("queue_address", "expires"),
    [
        ("s" * (LONGEST_BASE + 1) + "@example.com", LATER),
        ("ü" * 8 + "@example.com", LATER),
        ("sup+port@example.com", LATER),
        ("@example.com", LATER),
        ("support", LATER),
        ("support@example.com", datetime(2019, 1, 1, tzinfo=UTC)),
        ("support@example.com", datetime(2500, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_can_have_no_token(queue_address: str, expires: datetime) -> None:
    with pytest.raises(PermanentError):
        reply_address(KEYS, queue_address, Use.AGENT, TALK, "anna", expires)


def test_a_token_fills_the_longest_local_part() -> None:
    address = reply_address(
        KEYS, "s" * LONGEST_BASE + "@example.com", Use.AGENT, TALK, "anna", LATER
    )
    assert len(address.split("@")[0]) == 64
    assert isinstance(read_address(address, KEYS, NOW, Use.AGENT, ["anna"]), ReplyTo)


def test_keys_must_be_long_and_have_numbers_of_their_own_and_are_not_shown() -> None:
    for wrong in (lambda: Key(1, b"short"), lambda: Key(256, b"x" * 32), lambda: Keys(OLD, (OLD,))):
        with pytest.raises(PermanentError) as error:
            wrong()
        assert "short" not in str(error.value)
    assert "nnn" not in repr(KEYS)


CHARACTER = st.sampled_from("abcdefghijklmnopqrstuvwxyz234567.+@=é ")


@given(st.integers(0, len(MID.split("@")[0]) - 1), CHARACTER)
def test_no_byte_of_a_message_id_can_be_changed(at: int, character: str) -> None:
    local = MID.split("@")[0]
    changed = local[:at] + character + local[at + 1 :]
    if changed != local and character != "@":
        assert isinstance(read_message_id(changed + "@example.com", KEYS), Refusal)


@given(st.integers(0, len(TOKEN) - 1), CHARACTER)
def test_no_byte_of_a_token_can_be_changed(at: int, character: str) -> None:
    changed = TOKEN[:at] + character + TOKEN[at + 1 :]
    if changed != TOKEN:
        address = f"support+{changed}@example.com"
        assert isinstance(read_address(address, KEYS, NOW, Use.AGENT, ["anna"]), Refusal)


@given(st.text())
def test_whatever_comes_is_read_without_an_exception(text: str) -> None:
    assert isinstance(read_message_id(text, KEYS), Refusal)
    assert isinstance(read_message_id("ccm.answer." + text, KEYS), Refusal)
    assert isinstance(read_address(text, KEYS, NOW, Use.AGENT, [text]), Refusal)
    assert isinstance(read_address(f"a+{text}@b", KEYS, NOW, Use.AGENT, ["anna"]), Refusal)


@given(st.uuids(), st.text(max_size=40), st.integers(0, 20_000))
def test_what_is_made_is_read(item: UUID, agent: str, hours: int) -> None:
    expires = NOW + timedelta(hours=hours, minutes=1)
    address = reply_address(KEYS, "support@example.com", Use.AGENT, item, agent, expires)
    found = read_address(address, KEYS, NOW, Use.AGENT, [agent, "somebody else"])
    assert isinstance(found, ReplyTo)
    assert (found.item, found.agent) == (item, agent)
    assert expires <= found.expires <= expires + timedelta(hours=1)
