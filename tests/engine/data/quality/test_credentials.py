"""Secrets, put together here so that no file holds one; and what only looks like one."""

from __future__ import annotations

import random
import string

import pytest

from engine.data.quality.credentials import masked, secrets_in
from tests.engine.data.quality.looking import examined

_RND = random.Random(7)
ALNUM = string.ascii_letters + string.digits


def some(length: int, alphabet: str = ALNUM) -> str:
    return "".join(_RND.choices(alphabet, k=length))


def key_block(kind: str = "RSA ") -> str:
    body = "\n".join(some(64, ALNUM + "+/") for _ in range(6))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


FOUND = [
    ("private key", key_block()),
    ("private key", key_block("OPENSSH ")),
    ("private key", key_block("")),
    ("AWS key", "AKIA" + some(16, string.ascii_uppercase + "234567")),
    ("GitHub token", "ghp_" + some(36)),
    ("GitHub token", "github_pat_" + some(22) + "_" + some(59)),
    ("GitLab token", "glpat-" + some(20)),
    ("Hugging Face token", "hf_" + some(34, string.ascii_letters)),
    ("OpenAI key", "sk-" + some(20) + "T3BlbkFJ" + some(20)),
    ("OpenAI key", "sk-proj-" + some(80)),
    ("OpenAI key", "sk-" + some(48)),
    ("Anthropic key", "sk-ant-api03-" + some(80)),
    ("Slack token", "xoxb-" + some(12, string.digits) + "-" + some(24)),
    ("Slack webhook", "https://hooks.slack.com/services/T" + "0AB12" + "/B" + "0CD34/" + some(24)),
    ("Google key", "AIza" + some(35)),
    ("Stripe key", "sk_live_" + some(24)),
    ("JSON web token", "eyJ" + some(20) + ".eyJ" + some(40) + "." + some(43)),
    ("password in a URL", "postgres://app:" + "hu9Nter2x" + "@db.internal:5432/shop"),
    ("password", 'password = "' + "kX9#mQ2!vL" + '"'),
    ("password", "DB_PASSWORD: '" + "tR7vW3qZ9p" + "'"),
    ("password", '{"api_key": "' + "b7f3c9a1d5e8" + some(8) + '"}'),
    ("password", "Your password: " + "rT8$jLpZ9w" + "\nKeep it."),
    ("password", 'client_secret="' + "Zk3-9fLq_8xW" + '"'),
]


@pytest.mark.parametrize(("name", "secret"), FOUND)
def test_secrets_are_found_in_a_sentence(name: str, secret: str) -> None:
    found = list(secrets_in(f"Bitte nicht weitersagen（秘密）: {secret} and then\nmore text"))
    assert name in [kind for kind, _ in found]


SOUND = [
    "I forgot my password: please reset it for me.",
    'password = "your-password-here1"',
    'password = os.environ["DB_PASSWORD_1"]',
    "password=hunter",
    'password: "changeme123"',
    'api_key = "<YOUR_API_KEY_1>"',
    'token = "example-token-1234"',
    "password: get_password(user1)",
    "if password == stored_password1: return",
    "AKIAIOSFODNN7EXAMPLE is the key of the documentation",
    "an AKIA with too few letters AKIA1234",
    "sk-learn and sk-net are packages; task-" + "a" * 30,
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "-----BEGIN PUBLIC KEY-----\n" + "A" * 64,
    "hf_transfer and hf_hub_download_with_a_rather_long_name_of_function",
    "see https://example.com:8080/path@version and http://user@host/",
    "the commit 3101c7d5072418e28b9008a6636bde82a006892c and the hash " + "9f" * 32,
    "a base64 picture: " + "iVBORw0KGgoAAAANSUhEUgAA" * 4,
    "https://hooks.slack.com/services/T00/B00/XXX",
    "密码：请输入您的密码123，password：请输入",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQ",
    "Secret: the meeting is at 10:30, token of appreciation = 5",
    "glpat- ghp_ xoxb- AIza eyJ sk-",
]


@pytest.mark.parametrize("text", SOUND)
def test_what_only_looks_like_a_secret(text: str) -> None:
    assert list(secrets_in(text)) == []


def test_the_evidence_never_holds_the_secret() -> None:
    rows = [{"question": "q", "answer": f"It is {secret}."} for _, secret in FOUND]
    report = examined(rows, "question_answer", "secret")
    (finding,) = report.findings
    assert report.rows_of("secret").tolist() == list(range(1, len(FOUND) + 1))
    assert finding.severity == "error"
    shown = f"{finding.title} {finding.samples}"
    for _, secret in FOUND:
        pieces = (secret[at : at + 8] for at in range(len(secret) - 8))
        assert not any(piece in shown for piece in pieces if any(map(str.isdigit, piece)))
    assert finding.samples[3].startswith("row 4: AWS key in answer: AKIA… (20 characters)")


@pytest.mark.parametrize(
    ("secret", "shown"), [("ghp_" + "x" * 36, "ghp_… (40 characters)"), ("abcdefgh", "ab… (8 characters)")]
)
def test_masks(secret: str, shown: str) -> None:
    assert masked(secret) == shown
