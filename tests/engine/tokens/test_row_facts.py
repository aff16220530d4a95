"""A row as it is shown is the row as it is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.errors import DataError
from engine.tokens.encoded import IGNORE
from engine.tokens.findings import LEFT_OUT
from engine.tokens.prepare import Laid
from engine.tokens.row_facts import RowFacts, RowViewer
from tests.engine.tokens.laid import asked, lay, talk
from tests.shared import needs_shared
from tests.tokenizers import NORMALISING, folder_of, tokenizer_of

ADDED = "added by the tokenizer: not trained"
WORDS = "the template's words: not trained"
ANSWER = "answer: trained"
END = "the end token of the answer: trained (train_on_eos)"
FIRST = "first token of a sequence: nothing stands before it that could predict it"
PROMPT = "prompt: not trained (supervise = assistant)"
SALT = asked("What does the boat carry?", "It carries salt.")


def why(facts: RowFacts) -> list[tuple[str, str]]:
    """(text, reason) of each token; tokens side by side with one reason are put together."""
    out: list[tuple[str, str]] = []
    for token in facts.tokens:
        text = facts.text[token.start - facts.text_start : token.end - facts.text_start] or f"<{token.piece}>"
        reason = facts.reasons[token.reason]
        if out and out[-1][1] == reason and token.end > token.start:
            out[-1] = (out[-1][0] + text, reason)
        else:
            out.append((text, reason))
    return out


def shown(laid: Laid, row: int = 0, **window: int) -> RowFacts:
    return RowViewer(laid).facts(row, **window)


def test_fields_text_segments_and_why(tiny_model: Path, tmp_path: Path) -> None:
    facts = shown(lay(tiny_model, tmp_path, [SALT], "qa"), limit=10)
    assert [(f.name, f.text, f.cut) for f in facts.fields] == [
        ("question", "What does ", 15),
        ("answer", "It carries", 6),
    ]
    assert (facts.row, facts.origin, facts.template, facts.split, facts.state) == (
        1,
        "rows.jsonl:1",
        "qa",
        "train",
        "ok",
    )
    assert why(facts) == [
        ("<<s>>", ADDED),
        ("### Question:\n", WORDS),
        (SALT["question"], PROMPT),
        ("\n\n### Answer:\n", WORDS),
        (SALT["answer"], ANSWER),
        ("<</s>>", END),
    ]
    assert [(s.role, s.source, s.supervised) for s in facts.segments] == [
        ("template", "", False),
        ("user", "question", False),
        ("template", "", False),
        ("assistant", "answer", True),
    ]
    assert facts.text == f"### Question:\n{SALT['question']}\n\n### Answer:\n{SALT['answer']}"
    assert facts.text == "".join(facts.text[s.start : s.end] for s in facts.segments)
    assert facts.supervised == sum(token.mark == "trained" for token in facts.tokens) > 3
    assert facts.sequences == [(0, facts.total)]


TOOL = talk(("user", "Who?"), ("tool", "{}"), ("assistant", "A."))
TURNS = talk(("user", "Who?"), ("assistant", "A."), ("user", "And?"), ("assistant", "B."))


@pytest.mark.parametrize(
    ("row", "tokens", "expected"),
    [
        (TURNS, {"supervise": "last"}, {"A.": "an earlier answer: not trained (supervise = last)"}),
        (TURNS, {"supervise": "last"}, {"B.": "the last answer: trained (supervise = last)", "<|im_end|>": END}),
        (TURNS, {"supervise": "all"}, {"Who?": "prompt: trained (supervise = all)", "A.": "answer: trained (supervise = all)"}),
        (TURNS, {"train_on_eos": False}, {"A.": ANSWER}),
        (
            TURNS,
            {"train_on_eos": False},
            {"<|im_end|>": "the end token of the answer: not trained (train_on_eos = false)"},
        ),
        (
            talk(("user", "Who?"), ("assistant", "A.", 0), ("user", "And?"), ("assistant", "B.", 1)),
            {},
            {"A.": "weight 0: not trained", "B.": ANSWER},
        ),
        (TOOL, {}, {"{}": "answer of a tool: not trained (supervise = assistant)"}),
    ],
)  # fmt: skip
def test_why_in_a_conversation(
    tiny_model: Path, tmp_path: Path, row: Any, tokens: dict[str, Any], expected: dict[str, str]
) -> None:
    found = why(shown(lay(tiny_model, tmp_path, [row], "chatml", tokens=tokens)))
    for text, reason in expected.items():
        assert (text, reason) in found
    assert found[0][1] in (WORDS, FIRST)


def test_why_in_running_text(tiny_model: Path, tmp_path: Path) -> None:
    facts = shown(lay(tiny_model, tmp_path, [{"text": "The lamp burns."}]))
    assert why(facts) == [
        ("<<s>>", ADDED),
        ("The lamp burns.", "running text: trained"),
        ("<</s>>", "the end token of the text: trained (train_on_eos)"),
    ]


def test_a_token_over_prompt_and_answer(tiny_model: Path, tmp_path: Path) -> None:
    facts = shown(lay(tiny_model, tmp_path, [{"prompt": "The harb", "completion": "our burns"}, SALT_PAIR], "plain"))
    spanning = [token for token in facts.tokens if token.start < 8 < token.end]
    assert len(spanning) == 1
    assert facts.reasons[spanning[0].reason] == "covers the end of the prompt and the beginning of the answer: trained"
    assert spanning[0].mark == "trained"
    assert "straddle" in facts.findings


SALT_PAIR = {"prompt": "The boat", "completion": " carries salt"}
LONG = asked("What does the boat carry to the island?", "It carries salt and rope, salt and rope, and salt again.")
CUTS = ["right", "left", "drop", "split", "error"]


@pytest.mark.parametrize("truncation", CUTS)
@pytest.mark.parametrize("template", ["qa", "chatml"])
@pytest.mark.parametrize("limit", [12, 30, 45])
def test_marks_are_those_of_the_sequences(
    tiny_model: Path, tmp_path: Path, truncation: str, template: str, limit: int
) -> None:
    laid = lay(tiny_model, tmp_path, [LONG], template, tokens={"max_length": limit, "truncation": truncation})
    facts = shown(laid)
    if truncation == "error":
        with pytest.raises(DataError) as raised:
            laid.path.encode(laid.rows)
        assert facts.problem == str(raised.value)
        assert (facts.state, facts.supervised, facts.sequences) == ("left_out", 0, [])
        assert {token.mark for token in facts.tokens} == {"cut"}
        return
    marks = ["cut"] * facts.total
    left_out: set[int] = set()
    sequences = laid.path.encode(laid.rows)[0]
    for part in sequences:
        kept_bos = len(part.ids) - (part.stop - part.start)
        places = [*range(kept_bos), *range(part.start, part.stop)]
        out = any(rule in LEFT_OUT for rule in part.findings)
        for place, label in zip(places, part.labels, strict=True):
            marks[place] = "trained" if label != IGNORE and not out else "masked"
            left_out |= {place} if out else set()
    assert [token.mark for token in facts.tokens] == marks
    assert facts.cut == marks.count("cut")
    assert facts.supervised == marks.count("trained")
    assert facts.findings == list(dict.fromkeys(rule for part in sequences for rule in part.findings))
    assert facts.state == ("left_out" if not facts.supervised else "ok")
    for place, token in enumerate(facts.tokens):
        reason = facts.reasons[token.reason]
        assert reason.startswith(("cut: ", "left out: the row")) == (token.mark == "cut")
        assert (reason == "left out: its sequence has no token to train on") == (place in left_out)
        assert reason.endswith((": trained", "(train_on_eos)")) == (token.mark == "trained")


def test_the_first_token_of_a_later_sequence(tiny_model: Path, tmp_path: Path) -> None:
    laid = lay(tiny_model, tmp_path, [LONG], "qa", tokens={"max_length": 30, "truncation": "split"})
    facts = shown(laid)
    places = [i for i, token in enumerate(facts.tokens) if facts.reasons[token.reason] == FIRST]
    assert places
    assert set(places) < {start for start, _ in facts.sequences}


def test_windows_are_parts_of_the_row(tiny_model: Path, tmp_path: Path) -> None:
    viewer = RowViewer(lay(tiny_model, tmp_path, [LONG], "qa", tokens={"max_length": 30}))
    whole = viewer.facts(0)
    for start in range(whole.total + 3):
        part = viewer.facts(0, start, 5)
        assert part.start == min(start, whole.total)
        assert [(t.id, t.start, t.end, t.mark) for t in part.tokens] == [
            (t.id, t.start, t.end, t.mark) for t in whole.tokens[start : start + 5]
        ]
        for token, same in zip(part.tokens, whole.tokens[start:], strict=False):
            assert part.reasons[token.reason] == whole.reasons[same.reason]
            text = part.text[token.start - part.text_start : token.end - part.text_start]
            assert text == whole.text[same.start : same.end]
            if token.segment >= 0 and text:
                segment = part.segments[token.segment]
                assert segment.start <= token.start < segment.end
                assert segment.role == whole.segments[same.segment].role
        assert part.text == whole.text[part.text_start : part.text_start + len(part.text)]
        assert (part.supervised, part.cut, part.total) == (whole.supervised, whole.cut, whole.total)


def test_rows_that_come_as_tokens_show_what_they_spell(tiny_model: Path, tiny_tokenizer: Any, tmp_path: Path) -> None:
    ids = tiny_tokenizer("<s>lamp é🙂", add_special_tokens=False)["input_ids"]
    labels = [*ids[:1], *[-100] * 2, *ids[3:]]
    facts = shown(lay(tiny_model, tmp_path, [{"input_ids": ids, "labels": labels}] * 2))
    assert facts.text == "<s>lamp é🙂"
    assert [token.id for token in facts.tokens] == ids
    assert facts.tokens[0].data == ""
    assert "".join(t.data for t in facts.tokens[1:]) == "lamp é🙂".encode().hex()
    smile = [token for token in facts.tokens if token.end == len(facts.text)]
    assert {(token.start, token.end) for token in smile} == {(len(facts.text) - 1, len(facts.text))}
    assert len(smile) == 4
    assert [s.role for s in facts.segments] == ["ids"]
    assert facts.reasons[facts.tokens[0].reason] == FIRST
    assert facts.reasons[facts.tokens[1].reason] == "not trained: its label says so"
    assert facts.reasons[facts.tokens[-1].reason] == "trained: its label says so"


def test_broken_characters_of_tokens_are_shown_as_such(tiny_model: Path, tiny_tokenizer: Any, tmp_path: Path) -> None:
    ids = tiny_tokenizer("a🙂", add_special_tokens=False)["input_ids"][:-1]
    facts = shown(lay(tiny_model, tmp_path, [{"input_ids": ids, "labels": ids}] * 2))
    assert facts.text == "a\ufffd\ufffd\ufffd"
    assert [(token.start, token.end) for token in facts.tokens] == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_a_refused_row_says_why(tiny_model: Path, tmp_path: Path) -> None:
    laid = lay(tiny_model, tmp_path, [TURNS, SALT_TALK], "qa")
    facts = shown(laid)
    assert facts.state == "refused"
    assert "one question and one answer" in facts.problem
    assert facts.findings == ["template_refused"]
    assert (facts.tokens, facts.text, facts.total) == ([], "", 0)
    assert facts.fields[0].name == "messages"
    assert shown(laid, 1).state == "ok"
    with pytest.raises(DataError, match="no row 3"):
        shown(laid, 2)


SALT_TALK = talk(("user", "What?"), ("assistant", "Salt."))


def test_held_out_rows_are_marked(tiny_model: Path, tmp_path: Path) -> None:
    laid = lay(tiny_model, tmp_path, [SALT] * 10, "qa", split={"test_size": 3, "seed": 1})
    splits = [shown(laid, row).split for row in range(10)]
    assert [row for row, split in enumerate(splits) if split == "test"] == laid.test_rows
    assert len(laid.test_rows) == 3


FOREIGN = [
    asked("谁看守灯塔？", "看守人，整夜都在。🙂"),
    asked("Кто хранит лампу?", "Смотритель — всю ночь."),
    asked("Naïve café?\tOui.", "👩‍👩‍👧 e\u0301 \u00a0done"),
]


@needs_shared
@pytest.mark.parametrize("name", ["smollm2", "gpt2", "qwen2", "mistral-v1", "mistral-v3", "open_llama", "phi2"])
def test_bytes_and_places_with_real_tokenizers(name: str, tmp_path: Path) -> None:
    viewer = RowViewer(lay(folder_of(name), tmp_path, FOREIGN, "qa", tokenizer_of(name)))
    for row in range(len(FOREIGN)):
        facts = viewer.facts(row)
        text = [token for token in facts.tokens if token.segment >= 0]
        assert [token.start for token in text] == sorted(token.start for token in text)
        spelled = b"".join(bytes.fromhex(token.data) for token in text).decode()
        if name not in NORMALISING:
            assert {c for token in text for c in range(token.start, token.end)} == set(range(len(facts.text)))
            assert spelled.removeprefix(" ") == facts.text
        trained = [token for token in text if token.mark == "trained"]
        answer = facts.text.index(FOREIGN[row]["answer"][:3])
        assert min(token.start for token in trained) == answer
