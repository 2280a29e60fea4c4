"""What mail programs make of a relayed mail that is answered: the agent's words alone are read."""

from datetime import UTC, datetime

import pytest
from mail.parsed import text
from mail.written import written

from ccmiddleware.mail.agent_commands import Close, Reply, parse
from ccmiddleware.mail.letters import TO_ANSWER, Identity, Item, Posting, relay
from ccmiddleware.mail.message import Address, Limits, Message
from ccmiddleware.mail.reading import read

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)
IDENTITY = Identity("support", Address("help@shop.example", "Help Desk"), "mark", UTC)
ITEM = Item(12, "help+token@shop.example", Address("alice@agents.example", "Alice"))
RELAYED = text(relay(IDENTITY, Posting("r@shop.example", NOW), ITEM, written(text="#close\nNow!")))
LINES = RELAYED.rstrip("\n").split("\n")
QUOTED = "\r\n".join(f"> {line}" if line else ">" for line in LINES)
BARE = "\r\n".join(LINES)
HTML = "<br>\r\n".join(line.replace("<", "&lt;") for line in LINES)
SHOWN = "Carla Kunz (support)"
OUTLOOK = (
    '<div class="WordSection1"><p class="MsoNormal">It comes tomorrow.</p><div><div style='
    '"border:none;border-top:solid #E1E1E1 1.0pt"><p class="MsoNormal"><b>From:</b> '
    f"{SHOWN} &lt;help@shop.example&gt; <br><b>Sent:</b> Saturday, November 28, 2026 10:00 AM<br>"
    "<b>To:</b> Alice &lt;alice@agents.example&gt;<br><b>Subject:</b> [#12] My invoice</p></div>"
    f'</div><p class="MsoNormal">{HTML}</p></div>'
)
OUTLOOK_WEB = (
    '<div>It comes tomorrow.</div><hr><div id="divRplyFwdMsg" dir="ltr"><b>Von:</b> '
    f"{SHOWN} &lt;help@shop.example&gt;<br><b>Gesendet:</b> Samstag, 28. November 2026 10:00<br>"
    f"<b>An:</b> Alice<br><b>Betreff:</b> [#12] My invoice</div><div>{HTML}</div>"
)
GMAIL = (
    '<div dir="ltr">It comes tomorrow.</div><br><div class="gmail_quote"><div class="gmail_attr">'
    f"On Sat, 28 Nov 2026 at 10:00, {SHOWN} &lt;help@shop.example&gt; wrote:<br></div>"
    f'<blockquote class="gmail_quote">{HTML}</blockquote></div>'
)
APPLE = (
    'It comes tomorrow.<br><div><br><blockquote type="cite"><div>Am 28.11.2026 um 10:00 schrieb '
    f"{SHOWN} &lt;help@shop.example&gt;:</div><br><div>{HTML}</div></blockquote></div>"
)
TEXTS = {
    "Thunderbird": f"It comes tomorrow.\r\n\r\nAm 28.11.26 um 10:00 schrieb {SHOWN}:\r\n{QUOTED}",
    "below": f"Am 28.11.26 um 10:00 schrieb {SHOWN}:\r\n{QUOTED}\r\n\r\nIt comes tomorrow.\r\n",
    "Outlook, plain": f"It comes tomorrow.\r\n\r\nFrom: {SHOWN} <help@shop.example> \r\n"
    "Sent: Saturday, November 28, 2026 10:00 AM\r\nTo: Alice <alice@agents.example>\r\n"
    f"Subject: [#12] My invoice\r\n\r\n{BARE}",
    "original": f"It comes tomorrow.\r\n\r\n-----Original Message-----\r\nFrom: x\r\n\r\n{BARE}",
    "phone": "It comes tomorrow.\r\n\r\nSent from my iPhone\r\n\r\n> On 28 Nov 2026, at 10:00, "
    f"{SHOWN} <help@shop.example> wrote:\r\n> \r\n{QUOTED}",
}
PAGES = {"Outlook": OUTLOOK, "Outlook, web": OUTLOOK_WEB, "Gmail": GMAIL, "Apple": APPLE}


def answered(kind: str, body: str) -> str:
    raw = (
        "From: alice@agents.example\r\nTo: help+token@shop.example\r\n"
        f"Subject: Re: [#12] My invoice\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n{body}"
    )
    message = read(raw.encode(), Limits())
    assert isinstance(message, Message)
    return message.text


@pytest.mark.parametrize("program", TEXTS)
def test_plain_text(program: str) -> None:
    found = answered("plain", TEXTS[program])
    assert found.strip() == "It comes tomorrow."
    assert parse(found, ()) == Reply("It comes tomorrow.")


@pytest.mark.parametrize("program", PAGES)
def test_html(program: str) -> None:
    assert answered("html", PAGES[program]).strip() == "It comes tomorrow."
    command = PAGES[program].replace("It comes", "#close<br><br>It comes")
    assert parse(answered("html", command), ()) == Reply("It comes tomorrow.", Close())


def test_what_is_quoted_without_any_mark_shows_by_its_head() -> None:
    """It can't be told from the agent's text, and is refused for this line of it."""
    assert TO_ANSWER in answered("plain", f"It comes tomorrow.\r\n\r\n{BARE}")
