"""How mail clients introduce what they quote, in the main languages of Europe."""

import re

VERBS = (
    # wrote, in: en de fr es it nl pt pl sv/da/no fi cs/sk hu ro ru/uk/bg el tr hr/sl et lv lt
    r"wrote|writes|schrieb|schreibt|geschrieben|a\s+[ée]crit|[ée]crit|escribi[óo]|escribe|ha\s+scritto|"
    r"scrive|scrisse|schreef|geschreven|escreveu|escreve|napisa[łl](?:\(a\)|a)?|pisze|skrev|skriver|"
    r"kirjoitti|napsal(?:\(a\)|a)?|nap[íi]sal(?:\(a\)|a)?|[íi]rta|a\s+scris|написал(?:\(а\)|а)?|"
    r"пишет|писал(?:\(а\)|а)?|написав(?:\(ла\))?|пише|написа|έγραψε|yazd[ıi]|şunları\s+yazdı|"
    r"napisao(?:/la)?|je\s+napisal(?:\(a\)|a)?|kirjutas|rakstīja|rašė"
)
OPENINGS = (
    r"On|Am|Le|El|Il(?:\s+giorno)?|Op|Em|A|W\s+dniu|Dnia|Den|På|Ti|Dne|Dňa|La|În|Στις|Вт|Пн|Ср|Чт|"
    r"Пт|Сб|Вс|Hi|Den\s+\w+"
)
HEADER_FROM = (
    "from|von|de|da|van|od|från|fra|lähettäjä|feladó|από|от|від|kimden|de la|odesílatel|"
    "odosielateľ|expéditeur|mittente|remitente|afzender|absender"
)
HEADER_OTHERS = (
    # sent/date, to, cc, subject
    "sent|gesendet|envoyé|enviado(?: el)?|enviada(?: em)?|inviato|verzonden|wysłano|wysłane|skickat|sendt|"
    "lähetetty|odesláno|odoslané|elküldve|trimis|εστάλη|отправлено|надіслано|gönderildi|date|datum|"
    "fecha|data|dato|päivämäärä|dátum|ημερομηνία|дата|tarih|"
    "to|an|à|para|a|aan|do|till|til|vastaanottaja|komu|címzett|către|προς|кому|kime|pour|"
    "cc|kopie|kopia|kopi|kopio|copie|másolat|копия|bilgi|"
    "subject|betreff|objet|asunto|oggetto|onderwerp|assunto|temat|ämne|emne|aihe|předmět|predmet|"
    "tárgy|subiect|θέμα|тема|konu"
)
ORIGINAL_MESSAGE = (
    "original message|ursprüngliche nachricht|originalnachricht|message d'origine|message original|"
    "mensaje original|messaggio originale|oorspronkelijk bericht|mensagem original|wiadomość oryginalna|"
    "oryginalna wiadomość|ursprungligt meddelande|originalmeddelande|opprinnelig melding|"
    "oprindelig meddelelse|alkuperäinen viesti|původní zpráva|pôvodná správa|eredeti üzenet|"
    "mesaj original|исходное сообщение|оригінальне повідомлення|αρχικό μήνυμα|orijinal mesaj|"
    "forwarded message|weitergeleitete nachricht|message transféré|mensaje reenviado|"
    "messaggio inoltrato|doorgestuurd bericht|mensagem encaminhada|"
    "wiadomość przekazana|vidarebefordrat meddelande|přeposlaná zpráva|"
    "пересылаемое сообщение|reply message|antwort"
)
PHONE_FOOTERS = (
    r"sent from my .{1,60}|sent from (?:outlook|mail|yahoo|samsung|proton).{0,60}|get outlook for .{1,30}|"
    r"von meinem .{1,60} gesendet|gesendet (?:mit|von|aus) .{1,60}|(?:diese nachricht wurde )?von .{1,40} gesendet|"
    r"envoyé (?:de|depuis|à partir de) .{1,60}|télécharger outlook .{1,40}|"
    r"enviado (?:desde|do|a partir do) .{1,60}|obtener outlook .{1,40}|obter o outlook .{1,40}|"
    r"inviato (?:da|dal) .{1,60}|verzonden (?:vanaf|vanuit|met) .{1,60}|verstuurd vanaf .{1,60}|"
    r"wysłane? z .{1,60}|skickat från .{1,60}|sendt fra .{1,60}|lähetetty .{1,60}|odesláno z .{1,60}|"
    r"odoslané z .{1,60}|отправлено (?:с|из) .{1,60}|надіслано з .{1,60}|elküldve .{1,60}|"
    r"trimis de pe .{1,60}|στάλθηκε από .{1,60}|.{1,40} gönderildi"
)

_FLAGS = re.IGNORECASE
WROTE = re.compile(rf"(?:^|[\s>:,;.])(?:{VERBS})\b[^\n]{{0,160}}:\s*$", _FLAGS)
"""A line that ends the introduction: ``… wrote:``, also ``… schrieb Jane <jane@x>:``."""
BEGINS = re.compile(rf"^\s*(?:{OPENINGS})\b", _FLAGS)
FROM = re.compile(rf"^[\s*_]*(?:{HEADER_FROM})[*_]*\s?:[*_]*\s*\S", _FLAGS)
OTHER = re.compile(rf"^[\s*_]*(?:{HEADER_OTHERS})[*_]*\s?:", _FLAGS)
RULE = re.compile(r"^\s*[_]{10,}\s*$")
SEPARATOR = re.compile(rf"^\s*-{{2,20}}\s*(?:{ORIGINAL_MESSAGE})\b[^\n]{{0,80}}$", _FLAGS)
APPLE_FORWARD = re.compile(
    r"^(?:begin forwarded message|anfang der weitergeleiteten nachricht|début du message (?:transféré|réexpédié)|"
    r"inizio messaggio inoltrato|inicio del mensaje reenviado|begin doorgestuurd bericht|"
    r"início da mensagem (?:encaminhada|reenviada)|początek przekazywanej wiadomości)\s*:\s*$",
    _FLAGS,
)
REPLY_LINE = re.compile(r"^\s*#{2,4}-.{0,200}-#{2,4}\s*$")
"""The line above which help desks ask for the answer."""
PHONE = re.compile(rf"^\s*(?:{PHONE_FOOTERS})\.?\s*$", _FLAGS)
