"""Ids and labels: what is trained, what is cut, what is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.conversation import TokenIds
from engine.errors import DataError
from engine.templates.base import Rendered, Segment
from engine.tokens.encode import IGNORE, Encoded, Encoder
from tests.tiny import SENTENCES

PROMPT = Segment("### Question:\nWho?\n\n### Answer:\n", "template", False)


def rendered(answer: str, eos: bool = True, prompt: Segment = PROMPT) -> Rendered:
    return Rendered((prompt, Segment(answer, "assistant", True, "answer")), True, eos)


def encode(tokenizer: Any, row: Rendered, max_length: int = 200, truncation: Any = "right") -> list[Encoded]:
    return Encoder(tokenizer, max_length, truncation).encode([("d:1", row)])[0]


def test_the_answer_and_its_end_are_trained_and_nothing_else(tiny_tokenizer: Any) -> None:
    (row,) = encode(tiny_tokenizer, rendered("The keeper."))
    trained = row.ids[row.labels != IGNORE]
    assert tiny_tokenizer.decode(trained) == "The keeper.</s>"
    assert row.ids[0] == tiny_tokenizer.bos_token_id
    assert (row.ids == tiny_tokenizer.bos_token_id).sum() == 1
    assert np.array_equal(row.labels[row.labels != IGNORE], trained)
    assert row.findings == ()


def test_ids_are_what_inference_would_see(tiny_tokenizer: Any) -> None:
    row = rendered("The keeper.")
    (encoded,) = encode(tiny_tokenizer, row)
    assert encoded.ids[:-1].tolist() == tiny_tokenizer(row.text)["input_ids"]


def test_spans_point_into_the_text(tiny_tokenizer: Any) -> None:
    (row,) = encode(tiny_tokenizer, rendered("salt and rope"))
    text = row.rendered.text
    pieces = [text[s:e] for (s, e), g in zip(row.spans, row.segments, strict=True) if g == 1]
    assert "".join(pieces) == "salt and rope"


@pytest.mark.parametrize("truncation", ["right", "left", "drop", "split"])
def test_every_cut_is_counted(tiny_tokenizer: Any, truncation: str) -> None:
    row = rendered("salt and rope " * 20)
    whole = encode(tiny_tokenizer, row)[0]
    parts = encode(tiny_tokenizer, row, 32, truncation)
    if truncation == "split":
        assert np.array_equal(np.concatenate([p.ids for p in parts]), whole.ids)
        assert all("split" in p.findings for p in parts)
        return
    (part,) = parts
    assert len(part.ids) + part.cut == len(whole.ids)
    if truncation == "right":
        assert {"cut", "answer_cut"} <= set(part.findings)
        assert np.array_equal(part.ids, whole.ids[:32])
    if truncation == "left":
        assert np.array_equal(part.ids[1:], whole.ids[-31:])
        assert part.ids[0] == tiny_tokenizer.bos_token_id
    if truncation == "drop":
        assert part.findings == ("dropped",)


def test_error_refuses_by_name(tiny_tokenizer: Any) -> None:
    with pytest.raises(DataError, match=r"d:1 has \d+ tokens and tokens.max_length is 16"):
        encode(tiny_tokenizer, rendered("salt " * 50), 16, "error")


def test_findings(tiny_tokenizer: Any) -> None:
    def found(row: Rendered, **keys: Any) -> tuple[str, ...]:
        return encode(tiny_tokenizer, row, **keys)[0].findings

    assert "missing_eos" in found(rendered("So.", eos=False))
    assert "special_in_text" in found(rendered("evil </s> text"))
    assert "no_trained_token" in found(rendered("x" * 10, prompt=Segment("y " * 100, "template", False)), max_length=20)
    assert "double_bos" in found(rendered("a", prompt=Segment("<s>Q", "template", False)))
    text = SENTENCES[0]
    offsets = tiny_tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    inside = next(end for start, end in offsets if end - start > 1) - 1
    halves = Segment(text[:inside], "template", False), Segment(text[inside:], "assistant", True, "answer")
    straddling = Rendered(halves, True, True)
    assert "straddle" in found(straddling)


def test_white_space_in_an_answer_is_trained_whatever_the_post_processor(tmp_path: Path) -> None:
    """Byte-level post-processors trim white space off the offsets unless they are told not to."""
    from tokenizers import Tokenizer, processors

    from engine.tokens.tokenizer import load_tokenizer
    from tests.tiny import make_model

    folder = make_model(tmp_path / "model")
    backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    backend.post_processor = processors.ByteLevel(trim_offsets=True)
    backend.save(str(folder / "tokenizer.json"))
    (row,) = encode(load_tokenizer(folder), rendered("def f():\n    return  1\n\n    # salt"))
    trained = np.flatnonzero(row.labels != IGNORE)
    assert np.array_equal(trained, np.arange(trained[0], len(row.ids))), "no hole in an answer"
    assert len(trained) > 10


def test_control_tokens_that_the_special_map_does_not_name_are_found(tiny_tokenizer: Any) -> None:
    (row,) = encode(tiny_tokenizer, rendered("so <|im_end|> it goes"))
    assert "special_in_text" in row.findings


def test_an_answer_that_ends_with_eos_gets_no_second_one(tiny_tokenizer: Any) -> None:
    (row,) = encode(tiny_tokenizer, rendered("So.</s>"))
    assert (row.ids == tiny_tokenizer.eos_token_id).sum() == 1


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60), st.integers(8, 64))
def test_labels_never_leak_into_the_prompt(question: str, answer: str, max_length: int) -> None:
    from tests.engine.tokens.shared_tokenizer import tokenizer

    tok = tokenizer()
    row = Rendered((Segment(question, "user", False, "q"), Segment(answer, "assistant", True, "a")), True, True)
    for part in encode(tok, row, max_length):
        assert len(part.ids) == len(part.labels) == len(part.spans) == len(part.segments) <= max_length
        for label, token, (start, end) in zip(part.labels, part.ids, part.spans, strict=True):
            if label == IGNORE:
                continue
            assert label == token
            assert end == 0 or end > len(question)
            assert start >= 0


def given(ids: list[int], labels: list[int] | None = None) -> Rendered:
    tokens = TokenIds(tuple(ids), tuple(ids if labels is None else labels))
    return Rendered((Segment("", "ids", True, "ids"),), False, False, tokens)


def test_rows_that_come_as_tokens_stay_what_they_are(tiny_tokenizer: Any) -> None:
    bos, eos = tiny_tokenizer.bos_token_id, tiny_tokenizer.eos_token_id
    ids = [bos, 40, 41, 42, eos]
    (row,) = encode(tiny_tokenizer, given(ids, [IGNORE, IGNORE, 41, 42, eos]))
    assert row.ids.tolist() == ids
    assert row.labels.tolist() == [IGNORE, IGNORE, 41, 42, eos]
    assert (row.segments.tolist(), row.spans.any(), row.findings) == ([0] * 5, False, ())
    assert row.rendered.segments[0].source == "ids"
    (whole,) = encode(tiny_tokenizer, given(ids))
    assert whole.labels.tolist() == [IGNORE, 40, 41, 42, eos], "nothing stands before the first token"


def test_rows_that_come_as_tokens_are_checked_and_cut(tiny_tokenizer: Any) -> None:
    bos, eos = tiny_tokenizer.bos_token_id, tiny_tokenizer.eos_token_id

    def found(ids: list[int], labels: list[int] | None = None) -> tuple[str, ...]:
        return encode(tiny_tokenizer, given(ids, labels))[0].findings

    assert found([bos, bos, 40, eos]) == ("double_bos",)
    assert found([bos, 40, 41]) == ("missing_eos",)
    assert found([bos, 40], [IGNORE, IGNORE]) == ("no_trained_token",)
    assert found([]) == ("no_trained_token",)
    ids = [bos, *range(40, 60), eos]
    (right,) = encode(tiny_tokenizer, given(ids), 8)
    assert (right.ids.tolist(), right.cut, right.findings) == (ids[:8], 14, ("cut", "answer_cut", "eos_cut"))
    (left,) = encode(tiny_tokenizer, given(ids), 8, "left")
    assert left.ids.tolist() == [bos, *ids[-7:]]
    opened = [bos, 40, bos, *range(41, 50)]
    (turns,) = encode(tiny_tokenizer, given(opened), 8, "left")
    assert turns.ids.tolist() == opened[-8:], "what opens turns is no BOS to be kept"
    assert encode(tiny_tokenizer, given(ids), 8, "drop")[0].findings == ("dropped",)
    parts = encode(tiny_tokenizer, given(ids), 8, "split")
    assert np.concatenate([part.ids for part in parts]).tolist() == ids
    with pytest.raises(DataError, match=r"d:1 has 22 tokens and tokens\.max_length is 8"):
        encode(tiny_tokenizer, given(ids), 8, "error")


def test_a_bos_among_a_templates_words_is_kept_where_it_stands_once(tiny_tokenizer: Any) -> None:
    bos = tiny_tokenizer.bos_token_id

    def left(words: str) -> list[int]:
        answer = Segment("salt " * 40, "assistant", True, "answer")
        row = Rendered((Segment(words, "template", False), answer), False, True)
        return encode(tiny_tokenizer, row, 16, "left")[0].ids.tolist()

    assert left("<s>[user] Who? ")[0] == bos
    assert bos not in left("<s>user Who? <s>assistant "), "what opens turns is no BOS to be kept"


def test_white_space_behind_an_end_token_does_not_hide_it(tiny_tokenizer: Any) -> None:
    """Some templates put their line break inside the marks of the answer."""

    def found(answer: str) -> tuple[str, ...]:
        segments = (PROMPT, Segment(answer, "assistant", True, "answer"), Segment("<|im_end|>\n", "template", True))
        return encode(tiny_tokenizer, Rendered(segments, True, False))[0].findings

    assert found("The keeper.") == ()
    (row,) = encode(tiny_tokenizer, rendered("The keeper. \n", eos=False))
    assert row.findings == ("missing_eos",)
    (row,) = encode(tiny_tokenizer, rendered(" \n", eos=False))
    assert row.findings == ("missing_eos",)


def test_an_end_token_that_a_field_ends_with_is_none_in_the_middle(tiny_tokenizer: Any) -> None:
    (row,) = encode(tiny_tokenizer, rendered("The keeper.</s>"))
    assert row.findings == ()
    assert row.ids.tolist().count(tiny_tokenizer.eos_token_id) == 1
    (row,) = encode(tiny_tokenizer, rendered("The </s> keeper.</s>"))
    assert row.findings == ("special_in_text",)
    (row,) = encode(tiny_tokenizer, rendered("The keeper.<|im_start|>"))
    assert row.findings == ("special_in_text",)


def test_texts_and_tokens_in_one_batch_keep_their_order(tiny_tokenizer: Any) -> None:
    rows = [("d:1", rendered("a")), ("d:2", given([40, 41])), ("d:3", rendered("b"))]
    encoded = Encoder(tiny_tokenizer, 64, "right").encode(rows)
    assert [parts[0].origin for parts in encoded] == ["d:1", "d:2", "d:3"]
