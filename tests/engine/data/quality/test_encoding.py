"""Traces of wrong encodings, in every language that must not be mistaken for one."""

from __future__ import annotations

import pytest

from engine.data.quality.encoding import broken, suspect
from tests.engine.data.quality.looking import examined, texts, turns

SOUND = [
    "Ça va très bien, l'été à la plage « naïve » où œuvre et cœur sont liés — d'accord… 5 °C, 20 €",
    "Die Straße heißt „Grüne Äcker“, sie kostet 5 £ oder 7 ¥ – schön für Åse & Søren!",
    "A ação não é fácil: pão, avó, coração, ângulo, três, português.",
    "Tiếng Việt: Đường phố Hà Nội rất đẹp vào mùa thu, những cây bàng lá đỏ.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy. Zażółć gęślą jaźń. İstanbul'da ığdır.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю — её «моё» — № 5.",
    "Її м'яка їжа: ґанок, їхня Вінниця, Сімферополь, Гір, «Всі» №1. Љубав Српски Ђорђе.",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. Τί είναι αυτό; «Ναι»· ό,τι.",
    "敏捷的棕色狐狸跳过了懒狗。“你好”，他说：《红楼梦》·第一回……——×÷±°",
    "素早い茶色の狐が怠け者の犬を飛び越えた。「こんにちは」〜ｶﾞﾝﾊﾞﾚ！",
    "다람쥐 헌 쳇바퀴에 타고파. “안녕하세요” ‘네’…",
    "نص حكيم له سر قاطع وذو شأن عظيم، مكتوب على ثوب أخضر. ۱۲۳ می‌خواهم",
    "यह एक हिन्दी वाक्य है। क्‍ष और क्‌ष। ภาษาไทยง่ายนิดเดียว",
    "Emoji 👩‍👩‍👧‍👦 ❤️ 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f ✔ ™ © ® ½ ² ³ µm",
    "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β ≈ √2 ≤ 3 × 10⁻⁹ │ ┌─┐ ▀▄█",
]


@pytest.mark.parametrize("text", SOUND)
def test_sound_texts_of_many_languages_are_no_mojibake(text: str) -> None:
    assert texts("mojibake", text) == []


@pytest.mark.parametrize("wrong", ["cp1252", "latin-1", "mac-roman", "cp437"])
@pytest.mark.parametrize("text", ["Café déjà vu: it’s naïve — “really”", "Übergröße für 5 £", "das kostet 20 € …"])
def test_utf8_read_in_western_encodings_is_found(text: str, wrong: str) -> None:
    shown = text.encode().decode(wrong, "replace")
    assert suspect(shown)
    assert texts("mojibake", "sound", shown) == [2]


@pytest.mark.parametrize(
    ("text", "wrong"), [("Привет, как дела? Это — тест", "cp1251"), ("Καλημέρα κόσμε — τι κάνεις", "cp1253")]
)
def test_utf8_read_in_other_encodings_is_found(text: str, wrong: str) -> None:
    assert texts("mojibake", text.encode().decode(wrong, "replace")) == [1]


def test_the_evidence_is_the_place_and_its_repair() -> None:
    text = "A long and sound beginning. " * 20 + "\n" + "She said itâ€™s naÃ¯ve."
    (finding,) = examined([turns("user a", f"assistant {text}")], "messages", "mojibake").findings
    assert finding.samples == ["row 1: messages[1]: She said itâ€™s naÃ¯ve. should be She said it’s naïve."]
    assert broken("sound\nnaÃ¯ve") == "naÃ¯ve"


def test_byte_order_marks_inside_texts() -> None:
    report = examined([{"text": "a"}, {"text": "one\ufeff two"}, {"text": "\ufeffstart"}], "text", "byte_order_mark")
    assert report.rows_of("byte_order_mark").tolist() == [2, 3]
    assert report.findings[0].samples[0] == "row 2: text: one⟨FEFF⟩ two"


def test_carriage_returns() -> None:
    report = examined([{"text": "a\nb"}, {"text": "a\r\nb\r\n"}, {"text": "a\rb"}], "text", "carriage_return")
    assert report.rows_of("carriage_return").tolist() == [2, 3]
    assert report.findings[0].samples[0] == "row 2: text has 2"
