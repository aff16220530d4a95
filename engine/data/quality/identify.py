"""Which language a text is in, among those that are written in its script.

py3langid decides, with the languages of one script that are common enough to be told from a name or a slip. It is slow (some
hundred microseconds a text), needs 80 MB, and is loaded at the first text.
"""

from __future__ import annotations

import copy
import re
from functools import cache
from typing import Any

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from engine.data.quality.scripts import LETTERS, SCRIPTS

UNSURE = "unsure"
"""The language of a text that is too short or too mixed to say."""
_READ = (120, 300)  # characters that are looked at: the second where the first leave doubt
_SURE = (0.97, 0.9)
_WORDS = 100  # of the beginning, code and links among them
_LATIN, _NOT_LATIN = re.compile("[A-Za-z]"), re.compile("[\u0370-\u1dff\u2c60-\ufaff]")
_NO_WORD = re.compile(r"[\d_@/\\<>{}=$#|`~^*()\[\]+]..|^\W*\d|[(\[{]\S*[)\]}]$")
ONE_LANGUAGE = {
    "Chinese characters": "zh", "Japanese": "ja", "Hangul": "ko", "Greek": "el", "Hebrew": "he", "Bengali": "bn",
    "Gurmukhi": "pa", "Gujarati": "gu", "Odia": "or", "Tamil": "ta", "Telugu": "te", "Kannada": "kn", "Malayalam": "ml",
    "Sinhala": "si", "Thai": "th", "Lao": "lo", "Tibetan": "bo", "Burmese": "my", "Georgian": "ka", "Armenian": "hy",
    "Ethiopic": "am", "Khmer": "km",
}  # fmt: skip
"""Script -> language, of scripts that one language is written in."""
TOLD_APART = {
    "Latin": "en de fr es pt it nl sv da no fi pl cs sk sl hr ro hu tr vi id ms tl ca lt lv et sw sq is ga cy eu gl af az uz",
    "Cyrillic": "ru uk be bg sr mk kk ky mn tg",
    "Arabic": "ar fa ur ps ug",
    "Devanagari": "hi mr ne",
}
"""Script -> codes of its languages."""
ALIKE = (("id", "ms"), ("no", "da"), ("hr", "sr", "bs"))
"""Languages that are too like each other to be told apart."""
LANGUAGE_NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "pt": "Portuguese", "it": "Italian", "nl": "Dutch",
    "sv": "Swedish", "da": "Danish", "no": "Norwegian", "fi": "Finnish", "pl": "Polish", "cs": "Czech", "sk": "Slovak",
    "ro": "Romanian", "hu": "Hungarian", "tr": "Turkish", "vi": "Vietnamese", "id": "Indonesian", "ca": "Catalan",
    "ru": "Russian", "uk": "Ukrainian", "bg": "Bulgarian", "ar": "Arabic", "fa": "Persian", "ur": "Urdu", "hi": "Hindi",
    "zh": "Chinese", "ja": "Japanese", "ko": "Korean", "el": "Greek", "he": "Hebrew", "th": "Thai",
}  # fmt: skip


def words_of(text: str, script: str) -> str:
    """The first words of a text in a script, without code, links, formulas and numbers."""
    foreign = _NOT_LATIN if script == "Latin" else _LATIN
    words = " ".join(text[: 20 * _READ[1]].split("```")[::2]).split(None, _WORDS)[:_WORDS]
    return " ".join([word for word in words if not _NO_WORD.search(word) and not foreign.search(word)])[: _READ[1]]


def identify(text: str, script: str) -> tuple[str, float]:
    """(language of a text in this script, how sure from 0 to 1); UNSURE where it is too short or too mixed to say."""
    if sum(map(str.isalpha, text)) < LETTERS:
        return UNSURE, 0.0
    sure = 0.0
    for read, enough in zip(_READ, _SURE, strict=True):
        code, sure = _identifier(script).classify(text[:read])
        if sure >= enough:
            return code, float(sure)
    return UNSURE, float(sure)


@cache
def _identifier(script: str) -> Any:
    """The model, with the languages of a script that are common enough to be told from a name or a slip."""
    identifier = copy.copy(_model())  # its tables are 80 MB, and shared
    identifier.set_languages(TOLD_APART[script].split())
    return identifier


@cache
def _model() -> Any:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def script_number(code: str) -> int:
    """The number of the script that a language is written in."""
    for script, only in ONE_LANGUAGE.items():
        if only == code:
            return SCRIPTS.index(script)
    return SCRIPTS.index(next(script for script, codes in TOLD_APART.items() if code in codes.split()))
