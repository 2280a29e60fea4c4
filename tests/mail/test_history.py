"""What the sender wrote now, in the ways of many mail clients and languages."""

import pytest

from ccmiddleware.mail.history import split
from ccmiddleware.mail.html import text_of

ANSWER = "Yes, please send it again."
QUOTE = "> Shall we send it again?\n> Your order is on its way."

# Introductions before lines with ">": from Gmail, Apple Mail, Thunderbird and others.
INTRODUCTIONS = {
    "gmail en": "On Mon, Mar 2, 2026 at 9:00 AM Help <help@example.org> wrote:",
    "apple en": "On 2 Mar 2026, at 09:00, Help Desk wrote:",
    "folded en": "On Mon, Mar 2, 2026 at 9:00 AM Help Desk of the Long Named Company\n<help@example.org> wrote:",
    "thunderbird en": "On 3/2/26 09:00, Help wrote:",
    "gmail de": "Am Mo., 2. März 2026 um 09:00 Uhr schrieb Help <help@example.org>:",
    "thunderbird de": "Am 02.03.26 um 09:00 schrieb Help:",
    "apple de": "Am 02.03.2026 um 09:00 schrieb Help <help@example.org>:",
    "gmail fr": "Le lun. 2 mars 2026 à 09:00, Help <help@example.org> a écrit :",
    "thunderbird fr": "Le 02/03/2026 à 09:00, Help a écrit :",
    "gmail es": "El lun, 2 mar 2026 a las 9:00, Help (<help@example.org>) escribió:",
    "gmail it": "Il giorno lun 2 mar 2026 alle ore 09:00 Help <help@example.org> ha scritto:",
    "apple it": "Il 2 marzo 2026, alle ore 09:00, Help ha scritto:",
    "gmail nl": "Op ma 2 mrt 2026 om 09:00 schreef Help <help@example.org>:",
    "gmail pt": "Em seg., 2 de mar. de 2026 às 09:00, Help <help@example.org> escreveu:",
    "gmail pl": "pon., 2 mar 2026 o 09:00 Help <help@example.org> napisał(a):",
    "thunderbird pl": "W dniu 2.03.2026 o 09:00, Help pisze:",
    "gmail sv": "Den mån 2 mars 2026 kl 09:00 skrev Help <help@example.org>:",
    "gmail da": "Den man. 2. mar. 2026 kl. 09.00 skrev Help <help@example.org>:",
    "gmail no": "man. 2. mars 2026 kl. 09:00 skrev Help <help@example.org>:",
    "gmail fi": "ma 2. maalisk. 2026 klo 9.00 Help (help@example.org) kirjoitti:",
    "gmail cs": "po 2. 3. 2026 v 9:00 odesílatel Help <help@example.org> napsal:",
    "gmail hu": "Help <help@example.org> ezt írta (időpont: 2026. márc. 2., H, 9:00):",
    "gmail ro": "În lun., 2 mar. 2026 la 09:00, Help <help@example.org> a scris:",
    "gmail ru": "пн, 2 мар. 2026 г. в 09:00, Help <help@example.org>:",
    "thunderbird ru": "02.03.2026 09:00, Help пишет:",
    "gmail el": "Στις Δευ 2 Μαρ 2026 στις 9:00 π.μ., ο/η Help <help@example.org> έγραψε:",
    "gmail tr": "Help <help@example.org>, 2 Mar 2026 Pzt, 09:00 tarihinde şunu yazdı:",
}


@pytest.mark.parametrize("introduction", INTRODUCTIONS.values(), ids=INTRODUCTIONS)
def test_introduction_and_quoted_lines_are_history(introduction: str) -> None:
    got = split(f"{ANSWER}\n\n{introduction}\n\n{QUOTE}\n")
    assert got.text == ANSWER
    assert got.quoted == f"{introduction}\n\n{QUOTE}"
    below = split(f"{introduction}\n{QUOTE}\n\n{ANSWER}\n")
    assert below.text == ANSWER
    assert below.quoted == f"{introduction}\n{QUOTE}"


OLD = "Dear Jane,\nshall we send it again?\n"
# Blocks that begin a history without ">".
BLOCKS = {
    "outlook en": "From: Help <help@example.org>\nSent: Monday, March 2, 2026 9:00 AM\nTo: Jane\nSubject: Order",
    "outlook en rule": "________________________________\nFrom: Help <help@example.org>\nSent: Monday\nTo: Jane\nSubject: Order",
    "outlook en bold": "*From:* Help <help@example.org>\n*Sent:* Monday, 9:00 AM\n*To:* Jane\n*Subject:* Order",
    "outlook old": "-----Original Message-----\nFrom: Help\nSent: Monday\nTo: Jane\nSubject: Order",
    "outlook de": "Von: Help <help@example.org>\nGesendet: Montag, 2. März 2026 09:00\nAn: Jane\nBetreff: Order",
    "outlook de old": "-----Ursprüngliche Nachricht-----\nVon: Help\nGesendet: Montag\nAn: Jane\nBetreff: Order",
    "outlook fr": "De : Help <help@example.org>\nEnvoyé : lundi 2 mars 2026 09:00\nÀ : Jane\nObjet : Order",
    "outlook es": "De: Help <help@example.org>\nEnviado el: lunes, 2 de marzo de 2026\nPara: Jane\nAsunto: Order",
    "outlook it": "Da: Help <help@example.org>\nInviato: lunedì 2 marzo 2026\nA: Jane\nOggetto: Order",
    "outlook nl": "Van: Help <help@example.org>\nVerzonden: maandag 2 maart 2026\nAan: Jane\nOnderwerp: Order",
    "outlook pt": "De: Help <help@example.org>\nEnviada em: segunda-feira, 2 de março\nPara: Jane\nAssunto: Order",
    "outlook pl": "Od: Help <help@example.org>\nWysłano: poniedziałek, 2 marca 2026\nDo: Jane\nTemat: Order",
    "outlook sv": "Från: Help <help@example.org>\nSkickat: den 2 mars 2026 09:00\nTill: Jane\nÄmne: Order",
    "outlook da": "Fra: Help <help@example.org>\nSendt: 2. marts 2026 09:00\nTil: Jane\nEmne: Order",
    "outlook fi": "Lähettäjä: Help <help@example.org>\nLähetetty: maanantai 2.\nVastaanottaja: Jane\nAihe: Order",
    "outlook cs": "Od: Help <help@example.org>\nOdesláno: pondělí 2. března 2026\nKomu: Jane\nPředmět: Order",
    "outlook hu": "Feladó: Help <help@example.org>\nElküldve: 2026. március 2.\nCímzett: Jane\nTárgy: Order",
    "outlook ru": "От: Help <help@example.org>\nОтправлено: 2 марта 2026 г. 9:00\nКому: Jane\nТема: Order",
    "gmail forward": "---------- Forwarded message ---------\nFrom: Help <help@example.org>\nDate: Mon",
    "apple forward": "Begin forwarded message:\n\nFrom: Help\nSubject: Order\nDate: Monday",
    "reply line": "##- Please type your reply above this line -##",
    "no quote marks": "On Mon, Mar 2, 2026 at 9:00 AM Help <help@example.org> wrote:",
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_a_block_begins_the_history(block: str) -> None:
    got = split(f"{ANSWER}\n\n{block}\n\n{OLD}")
    assert got.text == ANSWER
    assert got.quoted == f"{block}\n\n{OLD}".rstrip("\n")


WHOLE = {
    "a plain text": "Hello,\nthe phone rings.\n\nJane",
    "a word like From": "From: Berlin\nI want to go to Hamburg.",
    "wrote in a sentence": "On Monday I wrote:\nit does not work.",
    "a colon at the end": "I have these questions:\n\n1. When?\n2. Where?",
    "rules and dashes": "Title\n-----\nText\n----------\nMore",
    "To: alone": "To: the manager\nI complain.",
    "a date that ends with a colon": "My appointments in 2026:\nMonday\nTuesday",
}


@pytest.mark.parametrize("body", WHOLE.values(), ids=WHOLE)
def test_a_text_without_history_stays_whole(body: str) -> None:
    got = split(body)
    assert (got.text, got.signature, got.quoted) == (body, "", "")


SIGNATURES = [
    "-- \nJane Roe\n+49 30 123",
    "--\nJane Roe",
    "Sent from my iPhone",
    "Sent from Outlook for Android",
    "Get Outlook for iOS",
    "Von meinem iPhone gesendet",
    "Gesendet mit der GMX Mail App",
    "Envoyé de mon iPhone",
    "Enviado desde mi iPhone",
    "Inviato da iPhone",
    "Verzonden vanaf mijn iPhone",
    "Wysłane z iPhone'a",
    "Skickat från min iPhone",
    "Отправлено с iPhone",
]


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_signature_is_split_off(signature: str) -> None:
    got = split(f"{ANSWER}\n\n{signature}\n\nOn 2 Mar 2026, at 09:00, Help wrote:\n{QUOTE}")
    assert got.text == ANSWER
    assert got.signature == "\n".join(line.rstrip() for line in signature.split("\n"))
    assert got.quoted.endswith(QUOTE)


def test_answers_between_the_lines_keep_the_lines_that_they_answer() -> None:
    body = "On 2 Mar 2026 Help wrote:\n> When?\n\nTomorrow.\n\n> Where?\n\nIn Berlin.\n\n> Bye\n> Help\n"
    got = split(body)
    assert got.text == "On 2 Mar 2026 Help wrote:\n> When?\n\nTomorrow.\n\n> Where?\n\nIn Berlin."
    assert got.quoted == "> Bye\n> Help"


def test_a_signature_under_the_quote_is_no_answer() -> None:
    got = split(f"{ANSWER}\n\nOn 2 Mar 2026 Help wrote:\n{QUOTE}\n\n-- \nJane")
    assert (got.text, got.signature) == (ANSWER, "--\nJane")
    assert got.quoted == f"On 2 Mar 2026 Help wrote:\n{QUOTE}"


def test_only_history_leaves_no_text() -> None:
    got = split(f"On 2 Mar 2026 Help wrote:\n{QUOTE}")
    assert got.text == ""
    assert got.quoted.endswith(QUOTE)


def test_a_command_in_the_history_is_not_what_the_sender_wrote() -> None:
    got = split("From: Help\nSent: Monday\nTo: Jane\nSubject: x\n\n#close\n")
    assert got.text == ""
    assert "#close" in got.quoted


# Of HTML: how clients mark what they quote.
HTML = {
    "gmail": "<div dir=ltr>{}</div><br><div class=gmail_quote><div dir=ltr class=gmail_attr>On Mon, Mar 2, 2026 at "
    "9:00 AM Help &lt;<a href='mailto:help@example.org'>help@example.org</a>&gt; wrote:<br></div>"
    "<blockquote class=gmail_quote style='margin:0'>Old words</blockquote></div>",
    "apple": "{}<br><div><br><blockquote type=cite><div>On 2 Mar 2026, at 09:00, Help wrote:</div><br>"
    "<div>Old words</div></blockquote></div>",
    "thunderbird": "<p>{}</p><div class=moz-cite-prefix>Am 02.03.26 um 09:00 schrieb Help:<br></div>"
    "<blockquote type=cite cite='mid:x'><p>Old words</p></blockquote>",
    "outlook": "<div class=WordSection1><p class=MsoNormal>{}</p><div style='border:none;border-top:solid #E1E1E1 1.0pt;"
    "padding:3.0pt 0cm 0cm 0cm'><p><b>From:</b> Help</p></div><p>Old words</p></div>",
    "outlook web": "<div>{}</div><div id=appendonsend></div><hr><div id=divRplyFwdMsg><b>From:</b> Help</div>"
    "<div>Old words</div>",
    "outlook web without ids": "<div>{}</div><hr><b>Von:</b> Help<br><b>Gesendet:</b> Montag<br><b>An:</b> Jane<br>"
    "<b>Betreff:</b> Order<br><br>Old words",
    "yahoo": "<div>{}</div><div class=yahoo_quoted><div>On Monday, March 2, 2026, 09:00 AM, Help wrote:</div>"
    "<blockquote>Old words</blockquote></div>",
}


@pytest.mark.parametrize("markup", HTML.values(), ids=HTML)
def test_history_in_html(markup: str) -> None:
    got = split(text_of(markup.format(ANSWER)))
    assert got.text == ANSWER
    assert "Old words" in got.quoted
    assert "\ue000" not in got.quoted
