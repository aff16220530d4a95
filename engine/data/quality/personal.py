"""Addresses of people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from engine.data.quality.base import Rule, Severity, View

_ADDRESS = re.compile(
    r"(?<![\w.%+@/-])[A-Za-z0-9](?:[A-Za-z0-9._%+-]{0,62}[A-Za-z0-9_])?"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,6}[A-Za-z]{2,24}(?![\w@-])"
)
_BEFORE_HOST = re.compile(r"://[^\s/]*$")
_RESERVED = re.compile(
    r"@(?:[\w.-]+\.)?(?:(?:example|your-?(?:domain|company|email))(?:\.[a-z]{2,4}){1,2}|example|test|invalid|localhost)$",
    re.IGNORECASE,
)
_FILES = {"png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "py", "json", "html", "md", "txt", "so"}


class Email(Rule):
    """An e-mail address that can belong to somebody."""

    title: ClassVar[str] = "E-mail addresses"
    severity: ClassVar[Severity] = "note"
    why: ClassVar[str] = "A tuned model can repeat them to anybody; addresses of people are personal data."
    cure: ClassVar[str] = "Replace them by placeholders such as name@example.com, or leave these rows out."

    def look(self, row: View) -> None:
        for text in row.texts:
            if "@" in text:
                address = address_in(text)
                if address:
                    self.found(row.number, f"{row.field_of(text)}: {masked(address)}")
                    return


def address_in(text: str) -> str:
    """The first address in a text; or ""."""
    return next(addresses_in(text), "")


def addresses_in(text: str) -> Iterator[str]:
    """The addresses in a text that are no example, no file name and no part of a URL."""
    for match in _ADDRESS.finditer(text):
        address = match[0]
        if text[max(0, match.start() - 1)] == "\\" and address[0] in "nrt":  # a line end in a text of JSON or code
            address = address[1:]
        if (
            address.rpartition(".")[2].lower() in _FILES
            or _RESERVED.search(address)
            or address.startswith(("git@", "@"))
        ):
            continue
        if not _BEFORE_HOST.search(text, max(0, match.start() - 200), match.start()):
            yield address


def masked(address: str) -> str:
    """An address that can be shown: "j…@e….com"."""
    name, _, host = address.partition("@")
    return f"{name[0]}…@{host[0]}….{host.rpartition('.')[2]}"
