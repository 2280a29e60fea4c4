"""The messages that are measured with: one for every number, each from another person."""

import base64
import random

HELP = "help@shop.example"
WORDS = (
    "the parcel that was to come yesterday with order number has not been seen by anybody here and "
    "nobody answers the telephone so please tell me when it will be delivered or send the money "
    "back Viele Grüße aus Köln"
).split()
BASE64_LINE = 57


def letter(number: int, size: int) -> bytes:
    """About ``size`` bytes; what is over 10,000 has most of it in an attachment."""
    chance = random.Random(number)  # noqa: S311 - the same each time
    head = (
        f"Return-Path: <carl{number}@customer.example>\n"
        f"Received: from mx{number % 9}.customer.example (mx.customer.example [192.0.2.7])\n"
        f"\tby mx.shop.example with ESMTPS id {number:012x}; Sat, 28 Nov 2026 09:00:00 +0000\n"
        f"From: Carl Customer {number} <carl{number}@customer.example>\nTo: Help <{HELP}>\n"
        f"Subject: Where is parcel {number}?\nMessage-ID: <{number}.{size}@customer.example>\n"
        "Date: Sat, 28 Nov 2026 09:00:00 +0000\nMIME-Version: 1.0\n"
    )
    text = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    if size <= 10_000:
        made = head + text + _prose(chance, size - len(head) - len(text))
    else:
        made = f"{head}{_attached(number)}{text}{_prose(chance, 1500)}\n{_attachment(number)}"
        lines = (size - len(made)) // 78
        made += base64.encodebytes(chance.randbytes(lines * BASE64_LINE)).decode()
        made += f"--=_{number}--\n"
    return made.replace("\n", "\r\n").encode()


def _prose(chance: random.Random, size: int) -> str:
    lines = []
    while size > 0:
        lines.append(" ".join(chance.choices(WORDS, k=11)))
        size -= len(lines[-1]) + 3
    return "\n".join(lines) + "\n"


def _attached(number: int) -> str:
    return f'Content-Type: multipart/mixed; boundary="=_{number}"\n\n--=_{number}\n'


def _attachment(number: int) -> str:
    return (
        f'--=_{number}\nContent-Type: application/pdf; name="invoice {number}.pdf"\n'
        f'Content-Disposition: attachment; filename="invoice {number}.pdf"\n'
        "Content-Transfer-Encoding: base64\n\n"
    )
