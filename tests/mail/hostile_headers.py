"""Hostile messages: sizes, headers, addresses, ids, dates, marks of machines."""

from datetime import UTC, datetime

from hostile_case import Case, has, lacks, mail, text

from ccmiddleware.mail.message import Address

JANE = Address("jane@example.com", "Jane Roe")


def nested(depth: int, *, distinct: bool = True) -> bytes:
    """Multiparts in each other, and a text in the innermost."""
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(depth)
    )
    closed = b"".join(b"\r\n--b%d--\r\n" % n for n in reversed(range(depth)))
    head = mail(b"").removesuffix(b"\r\n")
    return head + opened + text("deep") + (closed if distinct else b"")


def _many(count: int, line: str) -> str:
    return ",\r\n ".join(line.format(n) for n in range(count))


def _sender(raw: str | bytes) -> bytes:
    return mail(From=raw)


LIMITS = [
    Case("empty file", lambda: b"", "it is empty"),
    Case("only line ends", lambda: b"\r\n" * 5000, "it is empty"),
    Case("random bytes", lambda: bytes(range(256)) * 1000, "no header"),
    Case("a picture", lambda: b"\x89PNG\r\n\x1a\n" + bytes(5000), "no header"),
    Case("text that is no email", lambda: b"Hello there\r\n\r\nthis is all.\r\n", "no header"),
    Case("html that is no email", lambda: b"<!doctype html>\n<p>Hi</p>" * 9, "no header"),
    Case("36 MB", lambda: mail(b"x" * (36 << 20)), "over the limit of"),
    Case("depth 1200", lambda: nested(1200), "nested deeper"),
    Case("depth 1200, never closed", lambda: nested(1200, distinct=False), "nested deeper"),
    Case("depth 40", lambda: nested(40), expect={"text": "deep"}),
    Case(
        "20,000 parts",
        lambda: mail(b"--q\r\n\r\nx\r\n" * 20000, Content_Type="multipart/mixed; boundary=q"),
        "more parts",
    ),
    Case("10,000 recipients", lambda: mail(To=_many(10000, "u{}@x.org")), "more recipients"),
    Case(
        "recipients in To, Cc and Bcc together",
        lambda: mail(To=_many(400, "a{}@x.org"), Cc=_many(400, "b{}@x.org"), Bcc=_many(400, "c{}@x.org")),
        "more recipients",
    ),
    Case(
        "10,000 recipients in 10,000 fields",
        lambda: b"".join(b"To: u%d@x.org\r\n" % n for n in range(10000)) + mail(),
        "recipients",
    ),
    Case(
        "900 recipients",
        lambda: mail(To=_many(900, "User {0} <u{0}@x.org>")),
        expect={"to": lambda to: len(to) == 900 and to[899] == Address("u899@x.org", "User 899")},
    ),
    Case("giant header", lambda: mail(X_Big="y" * 5_000_000), "header is over"),
    Case("giant subject", lambda: mail(Subject="s" * 200_000), expect={"subject": "s" * 998}),
    Case("100,000 header fields", lambda: b"X-A: b\r\n" * 100_000 + mail(), "header is over"),
    Case("40,000 short fields", lambda: b"A:\r\n" * 40_000 + mail(), expect={"sender": JANE}),
    Case("folding bomb", lambda: mail(Subject="a" + "\r\n b" * 50_000), expect={"sender": JANE}),
    Case("folding of spaces", lambda: mail(Subject="a" + "\r\n    " * 30_000 + "b"),
         expect={"subject": lambda subject: subject.startswith("a")}),
    Case("one header line of 10 MB without end", lambda: b"From: a@b.c\r\nX: " + b"z" * (10 << 20), "header is over"),
]  # fmt: skip

SENDERS = [
    Case("no From", lambda: mail(From=None), "no sender"),
    Case("empty From", lambda: _sender(""), "no sender"),
    Case("From without address", lambda: _sender("Jane Roe"), "no sender"),
    Case("From <>", lambda: _sender("<>"), "no sender"),
    Case("From is a group without members", lambda: _sender("undisclosed:;"), "no sender"),
    Case("no From, but Sender", lambda: mail(From=None, Sender="x@y.org"), noted="Sender was taken",
         expect={"sender": Address("x@y.org")}),
    Case("several in From", lambda: _sender("a@x.org, Bob <b@x.org>"), noted="several senders",
         expect={"sender": Address("a@x.org")}),
    Case("From twice", lambda: b"From: first@x.org\r\n" + mail(), noted="several senders",
         expect={"sender": Address("first@x.org")}),
    Case("From as a group", lambda: _sender("Team: Ann <ann@x.org>, bob@x.org;"),
         expect={"sender": Address("ann@x.org", "Ann")}),
    Case("injection by an encoded name",
         lambda: _sender("=?utf-8?q?a=0D=0ABcc:_evil@x.org?= <jane@example.com>"),
         expect={"sender": Address("jane@example.com", "a Bcc: evil@x.org"), "cc": ()}),
    Case("injection by a name in base64", lambda: _sender("=?utf-8?B?YQ0KQmNjOiBl?= <j@x.org>"),
         expect={"sender": Address("j@x.org", "a Bcc: e")}),
    Case("an address in an encoded name",
         lambda: _sender("=?utf-8?q?boss=40bank=2Ecom_=3Cboss=40bank=2Ecom=3E=2C?= <thief@x.org>"),
         expect={"sender": Address("thief@x.org", "boss@bank.com <boss@bank.com>,")}),
    Case("line end in an address", lambda: _sender('"a\r\n b" <j@x.\r\n org>'),
         expect={"sender": Address("j@x.org", "a b")}),
    Case("NUL in the name", lambda: _sender(b"Ja\0ne <j@x.org>"),
         expect={"sender": Address("j@x.org", "Ja\ufffdne")}),
    Case("NUL in the address", lambda: _sender(b"Jane <j\0@x.org>"), "no sender"),
    Case("RTL override in the name", lambda: _sender("\u202emoc.knab\u202c <j@x.org>"),
         expect={"sender": Address("j@x.org", "\ufffdmoc.knab\ufffd")}),
    Case("homoglyphs in the domain", lambda: _sender("PayPal <a@\u0440\u0430ypal.com>"),
         expect={"sender": Address("a@xn--ypal-43d9g.com", "PayPal")}),
    Case("emoji everywhere", lambda: _sender("\U0001f600 Jo <jo@m\u00fcll.example>"),
         expect={"sender": Address("jo@xn--mll-hoa.example", "\U0001f600 Jo")}),
    Case("a domain of symbols", lambda: _sender("Jo <jo@\u2603.example>"), "no sender"),
    Case("8-bit header in latin-1", lambda: _sender("J\xfcrgen <j@x.org>".encode("latin-1")),
         expect={"sender": Address("j@x.org", "J\xfcrgen")}),
    Case("8-bit header in the charset of the body", lambda: mail(
            "Привет всем".encode("koi8-r"), Subject="Вопрос".encode("koi8-r"),
            Content_Type="text/plain; charset=koi8-r"),
         expect={"subject": "Вопрос", "text": "Привет всем"}),
    Case("lone surrogates", lambda: _sender(b"\xed\xa0\x80 x <j@x.org>"),
         expect={"sender": lambda s: s.address == "j@x.org" and s.name.isprintable()}),
    Case("surrogates by utf-7", lambda: _sender("=?utf-7?Q?+2AA-?= <j@x.org>"),
         expect={"sender": lambda s: s.name in ("", "\ufffd")}),
    Case("the whole From encoded", lambda: _sender("=?utf-8?B?Sm8gPGpvQHgub3JnPg==?="),
         noted="no address", expect={"sender": Address("jo@x.org", "Jo")}),
    Case("2000 brackets", lambda: _sender("(" * 2000 + "<j@x.org>"), "no sender"),
    Case("100,000 quotes", lambda: _sender('"' * 100_001 + " <j@x.org>"), "no sender"),
    Case("100,000 angles", lambda: _sender("<" * 100_000 + "j@x.org>"), "no sender"),
    Case("100,000 commas", lambda: _sender("," * 100_000 + "j@x.org"),
         expect={"sender": Address("j@x.org")}),
    Case("a name with a comma, unquoted", lambda: _sender("Roe, Jane <j@x.org>"),
         expect={"sender": Address("j@x.org", "Roe, Jane")}),
    Case("upper case and a dot at the end", lambda: _sender("Jane <Jane@EXAMPLE.Com.>"),
         expect={"sender": Address("Jane@example.com", "Jane")}),
    Case("spaces in the quoted local part", lambda: _sender('"j roe"@x.org'),
         expect={"sender": Address('"j roe"@x.org')}),
    Case("a domain of 100,000 labels", lambda: _sender("j@" + "a." * 50_000 + "org"), "no sender"),
    Case("a domain of 3,000 odd letters", lambda: _sender("j@" + "\u00fc" * 3000 + ".org"), "no sender"),
]  # fmt: skip

FIELDS = [
    Case("no Message-ID", lambda: mail(Message_ID=None), noted="no Message-ID",
         expect={"message_id": ""}),
    Case("an id without brackets", lambda: mail(Message_ID="abc@x.org"),
         expect={"message_id": "abc@x.org"}),
    Case("the same id with other content", lambda: mail("Other\n"),
         expect={"message_id": "one@example.com", "text": "Other"}),
    Case("an id with a line end in it", lambda: mail(Message_ID="<ab\r\n c@x.org>"),
         expect={"message_id": "abc@x.org"}),
    Case("an encoded id", lambda: mail(Message_ID="<=?utf-8?q?a=0Ab?=@x.org>"),
         expect={"message_id": lacks("\n", "\r")}),
    Case("4,000 references", lambda: mail(References="\r\n ".join(f"<{n}@x.org>" for n in range(4000))),
         expect={"references": lambda r: len(r) == 100 and r[0] == "0@x.org" and r[-1] == "3999@x.org"}),
    Case("words in In-Reply-To", lambda: mail(In_Reply_To="Your message of Monday <q@x.org>"),
         expect={"in_reply_to": ("q@x.org",)}),
    Case("nonsense in RFC 2047", lambda: mail(Subject="=?x-none?Z?abc?= =?utf-8?B?!!!?= =?utf-8?Q?=zz?= =?"),
         expect={"subject": has("=?x-none?Z?abc?=")}),
    Case("a codec that is no charset", lambda: mail(Subject="=?zlib?B?eJwDAAAAAAE=?= =?idna?Q?x?="),
         expect={"subject": lambda s: len(s) < 100}),
    Case("encoded words cut inside a letter", lambda: mail(Subject="=?utf-8?B?R3LDvMM=?=\r\n =?utf-8?B?n2U=?="),
         expect={"subject": "Gr\xfc\xdfe"}),
    Case("20,000 encoded words", lambda: mail(Subject="=?utf-8?q?a?= " * 14_000),
         expect={"subject": lambda s: len(s) <= 998}),
    Case("line end in an encoded subject", lambda: mail(Subject="=?utf-8?q?a=0D=0AX-CCM-Loop:_1?="),
         expect={"subject": "a X-CCM-Loop: 1", "machine": lambda m: m.loop_marks == ()}),
    Case("a field name with a space", lambda: b"Odd : x\r\n" + mail(), expect={"sender": JANE}),
    Case("a line that is no field", lambda: b"this is no field\r\n" + mail(), noted="no fields",
         expect={"sender": JANE}),
    Case("no empty line before the body", lambda: mail(b"").removesuffix(b"\r\n") + b"Dear all,\r\nhi\r\n",
         noted="no fields", expect={"text": "Dear all,\nhi"}),
    Case("mbox line first", lambda: b"From jane@x.org Mon Mar  2 09:00:00 2026\n" + mail(),
         expect={"sender": JANE}),
    Case("bare CR", lambda: mail("one\r\ntwo\r\n").replace(b"\r\n", b"\r"),
         expect={"sender": JANE, "text": "one\ntwo"}),
    Case("bare LF", lambda: mail("one\r\ntwo\r\n").replace(b"\r\n", b"\n"),
         expect={"sender": JANE, "text": "one\ntwo"}),
    Case("bare CR in a field", lambda: mail(Subject=b"a\rX-CCM-Loop: 1"),
         expect={"subject": "a"}),
    Case("no Date", lambda: mail(Date=None), noted="no Date", expect={"date": None}),
    Case("an absurd Date", lambda: mail(Date="the day after tomorrow"), noted="can't be read",
         expect={"date": None}),
    Case("year 1900", lambda: mail(Date="Mon, 1 Jan 1900 00:00:00 +0000"), noted="no time at which",
         expect={"date": None}),
    Case("year 9999", lambda: mail(Date="Fri, 31 Dec 9999 23:59:59 -1200"), expect={"date": None}),
    Case("year 999999999999", lambda: mail(Date="1 Jan 999999999999 00:00:00 +0000"),
         expect={"date": None}),
    Case("overflowing zone", lambda: mail(Date="Mon, 2 Mar 2026 09:00:00 +9999999999"),
         expect={"date": None}),
    Case("zone by name", lambda: mail(Date="Mon, 2 Mar 2026 09:00:00 EST"),
         expect={"date": datetime(2026, 3, 2, 14, tzinfo=UTC)}),
    Case("31 February", lambda: mail(Date="31 Feb 2026 09:00:00 +0000"), expect={"date": None}),
    Case("automatic reply", lambda: mail(Auto_Submitted="auto-replied (vacation)", Precedence="bulk",
            X_Auto_Response_Suppress="All"),
         expect={"machine": lambda m: (m.auto_submitted, m.precedence, m.auto_response_suppress)
                 == ("auto-replied (vacation)", "bulk", "All")}),
    Case("mailing list", lambda: mail(List_Id="<l.x.org>", Precedence="list"),
         expect={"machine": lambda m: m.list_headers and m.precedence == "list"}),
    Case("own loop marks", lambda: mail(X_CCM_Loop="node-1\r\n\tsigned"),
         expect={"machine": lambda m: m.loop_marks == ("node-1 signed",)}),
    Case("delivered to", lambda: mail(Delivered_To="Help@X.org", X_Original_To="<sales@x.org>"),
         expect={"delivered_to": ("Help@x.org", "sales@x.org")}),
    Case("spam", lambda: mail(X_Spam_Flag="YES", X_Spam_Status="Yes, score=12.5 required=5.0"),
         expect={"spam_flag": True, "spam_score": 12.5}),
    Case("spam score nonsense", lambda: mail(X_Spam_Score="9" * 5000 + "e999999"),
         expect={"spam_flag": False, "spam_score": 99999.0}),
    Case("rspamd", lambda: mail(X_Spamd_Result="default: False [-3.50 / 15.00]; X"),
         expect={"spam_flag": False, "spam_score": -3.5}),
]  # fmt: skip

CASES = [*LIMITS, *SENDERS, *FIELDS]
