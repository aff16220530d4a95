"""A chat template from a file: what is wrong with it is said before anything is rendered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.templates.chat_file import read_chat_template
from tests.engine.templates.test_templates import CHAT_TEMPLATE, MARKED_TEMPLATE


@pytest.mark.parametrize("text", [CHAT_TEMPLATE, MARKED_TEMPLATE, "{% for m in messages %}{% break %}{% endfor %}"])
def test_what_transformers_can_read_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.jinja"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_chat_template(path) == text


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"caf\xe9", r"no UTF-8 text \(byte 3\)"),
        (b"a\n{% for m in messages %}", r"t\.jinja:2: this is no Jinja"),
        (b"{{ a }}\n\n{{ b | nofilter }}", r"t\.jinja:3: this is no Jinja: No filter named 'nofilter'"),
        (b"{% generation %}", r"t\.jinja:1: this is no Jinja"),
        (b"{{ " + b"(" * 5000 + b")" * 5000 + b" }}", "t.jinja"),
        (b"x" * (1 << 20) + b"y", "larger than 1 MiB"),
    ],
)
def test_what_is_no_template_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "t.jinja"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=why) as caught:
        read_chat_template(path)
    assert str(caught.value).startswith("model.chat_template: ")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no file .*beside the run file"):
        read_chat_template(tmp_path / "none.jinja")
    with pytest.raises(ConfigError, match="is no file"):
        read_chat_template(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="is no file"):
        read_chat_template(tmp_path / "pipe")
