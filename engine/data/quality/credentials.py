"""Secrets: keys, tokens and passwords that somebody forgot in a text.

The patterns are the forms that their makers document, so that few other texts match. Nothing here ever shows more than
the first four characters.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from engine.data.found import RowNumbers
from engine.data.quality.base import Rule, Setting, Severity, View, counted
from engine.facts import FindingFacts


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind of secret is written: the last group of the pattern is the secret."""

    name: str
    marks: tuple[str, ...]
    """One of them stands in each; quicker to look for than the pattern."""
    pattern: re.Pattern[str]
    generic: bool = False
    """Whether the secret may be anything, so that placeholders must be told from it."""


def _form(name: str, marks: str, pattern: str) -> Form:
    return Form(name, tuple(marks.split(" ")), re.compile(pattern))


_KEY_NAMES = (
    r"pass(?:word|wd|phrase)|pwd|secret(?:[_-]?(?:access)?[_-]?key)?|api[_-]?(?:key|token|secret)|"
    r"(?:access|auth|bearer|refresh)[_-]?(?:token|key)|client[_-]?secret|private[_-]?key"
)
KEYS = (
    _form("AWS key", "AKIA ASIA", r"(?<![A-Za-z0-9])((?:AKIA|ASIA)[A-Z2-7]{16})(?![A-Za-z0-9])"),
    _form("Google key", "AIza", r"(?<![A-Za-z0-9_-])(AIza[0-9A-Za-z_-]{35})(?![0-9A-Za-z_-])"),
    _form(
        "JSON web token", "eyJ", r"(?<![A-Za-z0-9_-])(eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,})"
    ),
    _form("Slack webhook", "hooks.slack", r"hooks\.slack\.com/services/(T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{20,})"),
    _form(
        "private key", "PRIVATE", r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----(?:[^-]{0,400}?)([A-Za-z0-9+/=]{40,})"
    ),
    _form("GitLab token", "glpat-", r"(?<![A-Za-z0-9_-])(glpat-[A-Za-z0-9_-]{20,})"),
    _form("Anthropic key", "sk-ant-", r"(?<![A-Za-z0-9_-])(sk-ant-[a-z0-9]+-[A-Za-z0-9_-]{32,})"),
    _form(
        "OpenAI key", "sk-",
        r"(?<![A-Za-z0-9_-])(sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}"
        r"|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|[A-Za-z0-9]{48}))(?![A-Za-z0-9_-])",
    ),
    _form("Slack token", "xox", r"(?<![A-Za-z0-9])(xox[abeoprs]-\d{9,13}-[0-9A-Za-z-]{10,})"),
    _form(
        "GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"(?<![A-Za-z0-9_])(gh[pousr]_[A-Za-z0-9]{36,255})(?![A-Za-z0-9_])"
    ),
    _form("GitHub token", "github_pat_", r"(?<![A-Za-z0-9_])(github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})"),
    _form("Hugging Face token", "hf_", r"(?<![A-Za-z0-9_])(hf_[A-Za-z0-9]{34,40})(?![A-Za-z0-9_])"),
    _form("Stripe key", "k_live_", r"(?<![A-Za-z0-9_])([rs]k_live_[0-9A-Za-z]{20,})"),
)  # fmt: skip
"""Keys with a form of their own. Each holds twenty letters, digits, hyphens or underscores in a row."""
GENERIC = (
    Form(
        "password in a URL", ("://",),
        re.compile(r"[a-z][a-z0-9+]{1,20}://[^\s/:@'\"<>]{1,80}:([^\s/@'\"<>]{6,80})@[\w.-]+"), True,
    ),
    Form(
        "password", ("pass", "pwd", "secret", "token", "key"),
        re.compile(
            rf"(?<![A-Za-z0-9])(?:[A-Za-z0-9]+[_-])?(?:{_KEY_NAMES})[\"']?\s*(?::=|=>|=|:)\s*([\"'])([^\"'\s]{{8,200}})\1",
            re.IGNORECASE,
        ), True,
    ),
    Form(
        "password", ("passw", "pwd"),
        re.compile(
            r"(?<![A-Za-z0-9])(?:password|passwd|pwd)\s?[=:]\s?([^\s\"'`,;<>(){}\[\]]{8,80})(?=[\s,;]|$)", re.IGNORECASE
        ), True,
    ),
)  # fmt: skip
_PLACEHOLDER = re.compile(
    r"example|sample|placeholder|your|change|replace|dummy|insert|enter|here|test|demo|secret|passw|pwd|token|key|none|null|"
    r"xxx|\*\*|\.\.\.|…|1234|abcd|qwerty|foobar|letmein|admin|\$\{|\{\{|%\(|process\.env|environ|<|>|:{2}",
    re.IGNORECASE,
)
_RUNS = bytes(0x61 if byte < 128 and (chr(byte).isalnum() or chr(byte) in "_-") else 0x20 for byte in range(256))
_RUN = b"a" * 20
_WELL_KNOWN = ("EXAMPLE", "eyJzdWIiOiIxMjM0NTY3ODkwI")  # of the documentation of AWS, and of jwt.io
_LEAST_ENTROPY = 2.8  # bits a character; words and repeated letters have less


class Secret(Rule):
    """A key, token or password."""

    title: ClassVar[str] = "Secrets"
    severity: ClassVar[Severity] = "error"
    why: ClassVar[str] = (
        "A tuned model can repeat them to anybody who asks, and whoever gets the data has them already."
    )
    cure: ClassVar[str] = "Leave these rows out, have the secrets revoked, and look at how they came into the data."

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._kinds: Counter[str] = Counter()

    def look(self, row: View) -> None:
        found: dict[str, str] = {}
        for text in row.texts:
            for name, secret in secrets_in(text):
                if name not in found:
                    found[name] = f"{name} in {row.field_of(text)}: {masked(secret)}"
        if found:
            self._kinds.update(dict.fromkeys(found, 1))
            self.found(row.number, "; ".join(found.values()))

    def finding(self, name: str, rows: RowNumbers) -> FindingFacts:
        found = super().finding(name, rows)
        found.title = f"{self.title} ({counted(self._kinds)})"
        return found


def secrets_in(text: str) -> Iterator[tuple[str, str]]:
    """(kind, secret) of all secrets in a text."""
    for form, searched in _candidates(text):
        if any(mark in searched for mark in form.marks):
            for match in form.pattern.finditer(text):
                secret = match[match.lastindex or 0]
                if not any(known in secret for known in _WELL_KNOWN) and not (form.generic and not _random(secret)):
                    yield form.name, secret


def _candidates(text: str) -> Iterator[tuple[Form, str]]:
    """The forms that may stand in a text, and the text to look for their marks in: most texts have none."""
    if _RUN in text.encode("utf-8", "surrogatepass").translate(_RUNS):
        for form in KEYS:
            yield form, text
    if "=" in text or ":" in text:
        lower = text.lower()
        for form in GENERIC:
            yield form, lower


def _random(secret: str) -> bool:
    """Whether this can be a password that somebody uses: letters and digits, no placeholder, no expression."""
    if _PLACEHOLDER.search(secret) or not any(map(str.isdigit, secret)) or not any(map(str.isalpha, secret)):
        return False
    share = [count / len(secret) for count in Counter(secret).values()]
    return -sum(p * math.log2(p) for p in share) >= _LEAST_ENTROPY


def masked(secret: str) -> str:
    """At most four characters, and of a short secret fewer."""
    return f"{secret[: min(4, len(secret) // 4)]}… ({len(secret)} characters)"
