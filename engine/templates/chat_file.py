"""A chat template from a file, `model.chat_template` of a run file: read, and compiled once to see that it is one."""

from __future__ import annotations

from pathlib import Path

from engine.errors import ConfigError

MOST_BYTES = 1 << 20
"""The longest that come with models have some 20,000 characters."""
_KEY = "model.chat_template"


def read_chat_template(path: Path) -> str:
    """Return the text of the Jinja template in `path`, as transformers would read it from a model's folder.

    Raises ConfigError where it is missing, no text, empty, far too long, or no Jinja.
    """
    if path.exists() and not path.is_file():
        raise ConfigError(f"{_KEY}: {path} is no file; name the file with the template.")
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"{_KEY}: there is no file {path}. A relative path is looked up beside the run file."
        ) from None
    except OSError as error:
        raise ConfigError(f"{_KEY}: {path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    if len(data) > MOST_BYTES:
        raise ConfigError(f"{_KEY}: {path} is larger than 1 MiB, which no chat template is. Is it the right file?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{_KEY}: {path} is no UTF-8 text (byte {error.start}); save it as UTF-8, or name another file."
        ) from None
    text = text.replace("\r\n", "\n")
    if not text.strip():
        raise ConfigError(f"{_KEY}: {path} is empty. Take the key out to use the tokenizer's own template.")
    _check(text, path)
    return text


def _check(text: str, path: Path) -> None:
    """Raise ConfigError where transformers could not compile it."""
    from jinja2 import TemplateSyntaxError
    from jinja2.exceptions import TemplateAssertionError
    from transformers.utils.chat_template_utils import render_jinja_template

    try:
        render_jinja_template(conversations=[], chat_template=text)
    except (TemplateSyntaxError, TemplateAssertionError) as error:
        raise ConfigError(f"{_KEY}: {path}:{error.lineno}: this is no Jinja: {error.message}.") from None
    except (RecursionError, SyntaxError, ValueError) as error:
        raise ConfigError(f"{_KEY}: {path}: this Jinja cannot be compiled: {error}.") from None
