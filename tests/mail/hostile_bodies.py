"""Hostile messages: charsets, encodings, structure, attachments, HTML, encryption, bounces."""

import base64
import binascii
import quopri

from hostile_case import Case, has, lacks, mail, mixed, names, part, text

GREETING = "Grüße aus Köln"


def _html(body: str, **fields: str) -> bytes:
    return mail(body, Content_Type="text/html; charset=utf-8", **fields)


def _file(name: str, data: bytes = b"abc", kind: str = "application/octet-stream") -> bytes:
    return part(
        f"Content-Type: {kind}\nContent-Transfer-Encoding: base64\n"
        f"Content-Disposition: attachment; filename={name}",
        base64.encodebytes(data),
    )


def _named(name: str) -> bytes:
    return mixed(text("see file"), _file(f'"{name}"'))


CHARSETS = [
    Case("utf-8 that claims to be latin-1", lambda: mail(
            GREETING, Content_Type="text/plain; charset=iso-8859-1"),
         noted="not what it is in", expect={"text": GREETING}),
    Case("latin-1 that claims to be utf-8", lambda: mail(
            GREETING.encode("latin-1"), Content_Type="text/plain; charset=utf-8"),
         noted="not what it is in", expect={"text": GREETING}),
    Case("cyrillic that claims to be ascii", lambda: mail(
            "Здравствуйте, где мой заказ? Жду ответа".encode("cp1251"),
            Content_Type="text/plain; charset=us-ascii"),
         noted="not what it is in", expect={"text": "Здравствуйте, где мой заказ? Жду ответа"}),
    Case("a charset that nobody knows", lambda: mail(
            GREETING, Content_Type='text/plain; charset="x-foo\x01"'), expect={"text": GREETING}),
    Case("no charset, 8 bit", lambda: mail(GREETING.encode("latin-1")), noted="no charset",
         expect={"text": GREETING}),
    Case("utf-16 that is ascii", lambda: mail("Hello", Content_Type="text/plain; charset=utf-16"),
         expect={"text": "Hello"}),
    Case("charset rot13", lambda: mail("Hello", Content_Type="text/plain; charset=rot13"),
         expect={"text": "Hello"}),
    Case("charset idna, 1 MB", lambda: mail("ä" * 500_000, Content_Type="text/plain; charset=idna"),
         expect={"text": lambda t: t.startswith("ää")}),
    Case("japanese in escapes, undeclared", lambda: mail("日本語のメール".encode("iso2022_jp")),
         expect={"text": "日本語のメール"}),
    Case("gb2312 that is gb18030", lambda: mail(
            "镕€朱".encode("gb18030"), Content_Type="text/plain; charset=gb2312"),
         expect={"text": "镕€朱"}),
    Case("NUL bytes in the text", lambda: mail(b"a\0b\0c\n"), expect={"text": "a\ufffdb\ufffdc"}),
    Case("escape sequences for terminals", lambda: mail(b"a\x1b[2Jb\x07\n"),
         expect={"text": "a\ufffd[2Jb\ufffd"}),
    Case("surrogates in utf-8", lambda: mail(b"\xed\xa0\x80\xed\xb0\x80 ok"), expect={"text": has("ok")}),
    Case("surrogates in utf-7", lambda: mail(b"+2AA- ok", Content_Type="text/plain; charset=utf-7"),
         expect={"text": has("ok")}),
    Case("every byte, 1 MB", lambda: mail(bytes(range(256)) * 4096), expect={"sender": lambda s: s}),
]  # fmt: skip

ENCODINGS = [
    Case("base64 garbage", lambda: mail(b"!!!! \xff\xfe ~~~~ SGVsbG8= ????", Content_Transfer_Encoding="base64"),
         noted="base64", expect={"text": "Hello"}),
    Case("base64 cut off", lambda: mail(b"SGVsbG8gdGhlcmU=\r\nIQ==\r\nA", Content_Transfer_Encoding="base64"),
         noted="cut off", expect={"text": "Hello there!"}),
    Case("quoted-printable broken", lambda: mail(b"a=ZZb=\r\nc=4=3D=", Content_Transfer_Encoding="quoted-printable"),
         expect={"text": has("bc", "=")}),
    Case("transfer encoding unknown", lambda: mail("Hello", Content_Transfer_Encoding="x-rot26"),
         noted="unknown transfer encoding", expect={"text": "Hello"}),
    Case("uuencode", lambda: mail(b"begin 644 a.txt\n" + binascii.b2a_uu(b"Hello uu\n") + b"`\nend\n",
            Content_Transfer_Encoding="x-uuencode"),
         expect={"text": "Hello uu"}),
    Case("uuencode broken", lambda: mail(b"begin 644 a\n" + b"\xff\xfe" * 500 + b"\nend\n",
            Content_Transfer_Encoding="uuencode"), expect={"text": lambda t: len(t) < 5000}),
    Case("a line of 10 MB", lambda: mail(b"x" * 10_000_000), noted="was cut",
         expect={"text": "x" * 262144, "attachments": names("attachment-0.txt")}),
    Case("10 MB of quote marks", lambda: mail(b">" * 10_000_000), expect={"text": ""}),
    Case("5,000,000 empty lines", lambda: mail(b"\n" * 5_000_000 + b"x"), noted="was cut",
         expect={"text": ""}),
    Case("100,000 lines 'From:'", lambda: mail(b"From: x\n" * 100_000), expect={"sender": lambda s: s}),
    Case("100,000 lines 'On'", lambda: mail(b"On 2026 a@b\n" * 100_000), expect={"sender": lambda s: s}),
    Case("empty body", lambda: mail(b""), expect={"text": "", "html": "", "attachments": ()}),
    Case("no body and no end of header", lambda: mail(b"").rstrip(), expect={"text": ""}),
    Case("flowed", lambda: mail("a long \r\nline\r\n> quoted \r\n> on\r\n", Content_Type="text/plain; format=flowed"),
         expect={"text": "a long line", "quoted": "> quoted on"}),
]  # fmt: skip

STRUCTURE = [
    Case("boundary never closed", lambda: mail(
            b"--xx\r\n\r\nHello\r\n", Content_Type="multipart/mixed; boundary=xx"),
         noted="never closed", expect={"text": "Hello"}),
    Case("no boundary named", lambda: mail(b"--xx\r\n\r\nHello\r\n", Content_Type="multipart/mixed"),
         noted="names no boundary", expect={"text": has("Hello")}),
    Case("boundary that never comes", lambda: mail("Hello", Content_Type="multipart/mixed; boundary=q"),
         noted="no part of it", expect={"text": "Hello"}),
    Case("a boundary that begins like another", lambda: mixed(
            part('Content-Type: multipart/alternative; boundary="xxy"',
                 b"--xxy\r\n\r\nHello\r\n--xxy--\r\n"), _file("b.bin")),
         expect={"text": "Hello", "attachments": names("b.bin")}),
    Case("the same boundary inside", lambda: mixed(
            part('Content-Type: multipart/mixed; boundary="xx"', b""), text("Hello")),
         expect={"text": has("Hello")}),
    Case("boundary of 5,000 letters", lambda: mixed(text("Hello"), boundary="b" * 5000),
         expect={"text": has("Hello")}),
    Case("boundary of one dash, 5 MB of dashes", lambda: mail(
            b"-" * 5_000_000, Content_Type="multipart/mixed; boundary=-"),
         expect={"sender": lambda s: s}),
    Case("boundary with a star and brackets", lambda: mixed(text("Hello"), boundary="(.*)+[x"),
         expect={"text": "Hello"}),
    Case("content type that lies", lambda: mixed(
            text("Hello"), _file("a.pdf", b"MZ\x90", "application/pdf")),
         expect={"attachments": lambda a: a[0].content_type == "application/pdf" and a[0].bytes == 3}),
    Case("content type that is none", lambda: mail("Hello", Content_Type=";;;=\"=\";"),
         expect={"text": "Hello"}),
    Case("100,000 parameters", lambda: mail("Hello", Content_Type="text/plain" + "; a=b" * 40_000),
         expect={"text": "Hello"}),
    Case("text as an image", lambda: mail(b"\x89PNG", Content_Type="image/png"),
         expect={"text": "", "attachments": names("attachment-0.png")}),
    Case("text, file, text", lambda: mixed(text("one"), _file("a.bin"), text("two")),
         expect={"text": "one\n\ntwo", "attachments": names("a.bin")}),
    Case("a text file beside the text", lambda: mixed(
            text("one"), part('Content-Type: text/plain; name="log.txt"\nContent-Disposition: inline', "log")),
         expect={"text": "one", "attachments": names("log.txt")}),
    Case("forwarded as attachment", lambda: mixed(
            text("See there"), part("Content-Type: message/rfc822", mail("Secret words", Subject="Old: one"))),
         expect={"text": "See there", "quoted": "", "attachments": names("Old_ one.eml")}),
    Case("digest", lambda: mixed(mail("one"), mail("two"), kind="digest"), expect={"text": ""}),
    Case("1,000 messages in each other", lambda: b"".join(
            [mail(b"", Content_Type="message/rfc822")] * 1000),
         expect={"attachments": lambda a: len(a) == 1}),
    Case("invitation", lambda: mixed(text("Please come"), part(
            "Content-Type: text/calendar; method=REQUEST; charset=utf-8",
            "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Bud\r\n get\\, yearly\r\n"
            "DTSTART;TZID=Europe/Berlin:20260302T090000\r\nLOCATION:Room 4\r\n"
            "ORGANIZER;CN=Ann:mailto:ann@x.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"), kind="alternative"),
         expect={"text": "[Invitation: Budget, yearly, 2026-03-02 09:00 (Europe/Berlin), Room 4, from ann@x.org]"
                 "\n\nPlease come", "attachments": names("invite.ics")}),
    Case("invitation that is none", lambda: mail("BEGIN:" * 100_000, Content_Type="text/calendar"),
         expect={"text": ""}),
]  # fmt: skip

ATTACHMENTS = [
    Case("30 MB attachment", lambda: mixed(text("Hi"), _file("a.bin", b"\x01" * 22_000_000)),
         expect={"text": "Hi", "attachments": lambda a: a[0].bytes == 22_000_000}),
    Case("../ in the name", lambda: _named("../../../etc/passwd"), noted="name was changed",
         expect={"attachments": names("passwd")}),
    Case("a path of Windows", lambda: _named(r"C:\Windows\System32\evil.dll"),
         expect={"attachments": names("evil.dll")}),
    Case("only dots", lambda: _named(".."), expect={"attachments": names("attachment-2.bin")}),
    Case("dots by encoding", lambda: mixed(text("x"), _file("*=utf-8''..%2F..%2Fx%00y.txt").replace(b"filename=*", b"filename*")),
         expect={"attachments": names("xy.txt")}),
    Case("RTL override in a file's name", lambda: _named("invoice\u202efdp.exe"),
         expect={"attachments": names("invoicefdp.exe")}),
    Case("a device of Windows", lambda: _named("con.txt"), expect={"attachments": names("_con.txt")}),
    Case("a name like an option", lambda: _named("-rf"), expect={"attachments": names("_-rf")}),
    Case("a name for a shell", lambda: _named("a;rm $(x)|`y`.txt"),
         expect={"attachments": names("a_rm _(x)__y_.txt")}),
    Case("a name of 10,000 letters", lambda: _named("n" * 10_000 + ".pdf"),
         expect={"attachments": lambda a: len(a[0].name) == 120}),
    Case("a zip bomb", lambda: mixed(text("x"), _file("42.zip", b"PK\x03\x04" * 1000, "application/zip")),
         expect={"attachments": names("42.zip")}),
    Case("continued name", lambda: mixed(text("x"), part(
            "Content-Type: application/pdf\nContent-Disposition: attachment;\n"
            " filename*0*=utf-8''Rechnung%20;\n filename*1*=f%C3%BCr%20;\n filename*2=\"M\xe4rz.pdf\"", b"x")),
         expect={"attachments": names("Rechnung für März.pdf")}),
    Case("continuations out of order", lambda: mixed(text("x"), part(
            "Content-Disposition: attachment; filename*2=c; filename*0=a; filename*999=z; filename*1=b", b"x")),
         expect={"attachments": names("abcz")}),
    Case("a name in encoded words", lambda: _named("=?utf-8?B?RsO8ci5wZGY=?="),
         expect={"attachments": names("Für.pdf")}),
    Case("the same name three times", lambda: mixed(text("x"), *[_file("A.txt"), _file("a.TXT"), _file("a.txt")]),
         expect={"attachments": names("A.txt", "a (2).TXT", "a (3).txt")}),
    Case("400 files with one name", lambda: mixed(text("x"), *[_file("a.bin")] * 400),
         expect={"attachments": lambda a: len({x.name for x in a}) == 400}),
    Case("winmail.dat", lambda: mixed(text("x"), _file("winmail.dat", b"\x78\x9f\x3e\x22", "application/ms-tnef")),
         noted="winmail.dat", expect={"attachments": names("winmail.dat")}),
    Case("S/MIME encrypted", lambda: mail(base64.encodebytes(bytes(300)), Content_Transfer_Encoding="base64",
            Content_Type="application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m"),
         noted="S/MIME", expect={"encrypted": True, "text": "", "attachments": names("smime.p7m")}),
    Case("S/MIME signed", lambda: mixed(text("Signed words"), _file("smime.p7s", b"sig", "application/pkcs7-signature"), kind="signed"),
         expect={"encrypted": False, "text": "Signed words", "attachments": names("smime.p7s")}),
    Case("PGP/MIME", lambda: mixed(part("Content-Type: application/pgp-encrypted", "Version: 1"),
            _file("encrypted.asc"), kind="encrypted"),
         expect={"encrypted": True, "text": "", "attachments": lambda a: len(a) == 2}),
    Case("PGP in the text", lambda: mail("-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n"),
         noted="PGP", expect={"encrypted": True, "text": "", "attachments": lambda a: len(a) == 1}),
    Case("6,000 beginnings of PGP signed", lambda: mail(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: X\n\n" * 6000), expect={"text": has("Hash")}),
    Case("signed with PGP in the text", lambda: mail(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello\n- -- \nJane\n"
            "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"),
         noted="not checked", expect={"text": "Hello", "quoted": "--\nJane"}),
]  # fmt: skip

HTML = [
    Case("HTML only", lambda: _html("<p>Hello <b>you</b></p><ul><li>a<li>b</ul>"),
         expect={"text": "Hello you\n\n- a\n- b", "html": has("<b>you</b>")}),
    Case("script, style, handlers", lambda: _html(
            "<style>p{}</style><script>alert(1)</script><p onclick=x onload=y style='a:b'>Hi"
            "<img src=x onerror=alert(1)><iframe src=//evil></iframe><form action=x><input></form>"),
         expect={"text": "Hi", "html": lacks("script", "style", "on", "iframe", "form", "alert")}),
    Case("javascript: and data: URLs", lambda: _html(
            "<a href='javascript:alert(1)'>a</a><a href='data:text/html,x'>b</a>"
            "<a href=' jAvA&#x09;script:x'>c</a><img src='data:image/png;base64,AA'>"),
         expect={"text": "abc", "html": lacks("javascript", "data:", "script")}),
    Case("a picture that tells who reads", lambda: _html(
            "Hi<img src='https://evil.example/p.gif'><img src='cid:a@b' alt='logo'>"),
         expect={"html": lambda h: "evil" not in h and "cid:a@b" in h}),
    Case("hidden text", lambda: _html("<div style='display:none'>hidden<p>too</p></div><p>seen"),
         expect={"text": "seen"}),
    Case("20,000 nested divs", lambda: _html("<div>" * 20_000 + "deep"), noted="beyond reason",
         expect={"text": has("deep"), "html": ""}),
    Case("1,000 nested divs", lambda: _html("<div>" * 1000 + "deep"), expect={"text": "deep"}),
    Case("1,000 nested blockquotes", lambda: _html("Hi" + "<blockquote>" * 1000 + "deep"),
         expect={"text": "Hi", "quoted": has("deep")}),
    Case("1 MB of <", lambda: _html("<" * 1_000_000), expect={"sender": lambda s: s}),
    Case("500,000 unclosed quotes", lambda: _html("<a x=\"" * 150_000), expect={"sender": lambda s: s}),
    Case("1 MB of entities", lambda: _html("&amp" * 250_000), noted="beyond reason", expect={"text": has("&&&")}),
    Case("1 MB of pilcrows", lambda: _html("\u00b6" * 1_000_000), noted="beyond reason", expect={"text": has("\u00b6")}),
    Case("1 MB of ampersands", lambda: _html("&" * 1_000_000), noted="beyond reason", expect={"text": has("&&&")}),
    Case("1,400 nested divs and 200,000 tags", lambda: _html("<div>" * 1400 + "<hr>" * 200_000 + "deep"),
         noted="beyond reason", expect={"text": has("deep")}),
    Case("a table of 100,000 cells", lambda: _html("<table>" + ("<tr>" + "<td>c" * 100) * 1000),
         expect={"text": has("c  c")}),
    Case("5 MB of HTML", lambda: _html("<p>word</p>" * 500_000), noted="was cut",
         expect={"text": has("word\n\nword"), "html": lambda h: len(h) <= 1_200_000}),
    Case("HTML that claims another charset inside", lambda: mail(
            "<meta charset=koi8-r><p>Привет".encode("koi8-r"), Content_Type="text/html"),
         expect={"text": "Привет"}),
    Case("tag soup", lambda: _html("<b><i></b></i><p><table><p></td></p>x<![CDATA[y]]><?php z ?><!-- -- > -->"),
         expect={"text": has("x")}),
    Case("NUL in a tag", lambda: _html("<scr\0ipt>alert(1)</scr\0ipt>ok"), expect={"html": lacks("<scr", "\0")}),
    Case("both, with an empty plain text", lambda: mixed(
            text("  \n"), part("Content-Type: text/html", "<p>Hello"), kind="alternative"),
         expect={"text": "Hello"}),
    Case("quoted-printable HTML", lambda: mail(quopri.encodestring("<p>Größe &lt;b&gt;".encode()),
            Content_Type="text/html; charset=utf-8", Content_Transfer_Encoding="quoted-printable"),
         expect={"text": "Größe <b>", "html": has("&lt;b&gt;")}),
]  # fmt: skip

CASES = [*CHARSETS, *ENCODINGS, *STRUCTURE, *ATTACHMENTS, *HTML]
