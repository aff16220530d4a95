"""New tokens: one id each, whatever stands beside them, and a tokenizer folder that plain transformers reads the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConfigError
from engine.tokens.new_tokens import NewTokens, add_tokens
from engine.tokens.tokenizer import leave_tokenizer, load_tokenizer
from tests.shared import DATA, STORIES, needs_shared

MARKERS = ("<|im_start|>", "<|im_end|>")
FOLDERS = [STORIES, *(DATA / "tokenizers" / name for name in ("smollm2", "qwen2", "phi2"))]
TEXT = "He said:  <|im_start|>user\n\n  Hi, 数 🙂<|im_end|>\n<new one>\t."


def spans(tokenizer: Any, text: str) -> list[tuple[int, str]]:
    """(id, text that it stands for) of each token."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return [(i, text[a:b]) for i, (a, b) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)]


@needs_shared
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_token_is_one_id_wherever_it_stands(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    before, bos, pad, eos = len(tokenizer), tokenizer.bos_token, tokenizer.pad_token, tokenizer.eos_token
    known = set(MARKERS) & set(tokenizer.get_vocab())
    spelled = {t: tokenizer(t, add_special_tokens=False)["input_ids"] for t in (*MARKERS, "<new one>")}
    plain = "A row\n\n\tof  text, 数 🙂 and white space \n"
    plain_spans = spans(tokenizer, plain)
    new = add_tokens(tokenizer, [*MARKERS, "<new one>"], MARKERS[1])
    assert new.tokens == tuple(t for t in (*MARKERS, "<new one>") if t not in known)
    assert new.ids == tuple(range(before, before + len(new.tokens)))
    assert new.rows == before + len(new.tokens)
    assert [list(p) for p in new.pieces] == [spelled[t] for t in new.tokens]
    assert all(len(p) > 1 for p in new.pieces)
    found = spans(tokenizer, TEXT)
    for text in (*MARKERS, "<new one>"):
        assert found.count((tokenizer.convert_tokens_to_ids(text), text)) == 1
    assert spans(tokenizer, plain) == plain_spans, "other texts keep their tokens, and white space its characters"
    assert tokenizer.eos_token == MARKERS[1]
    assert tokenizer.eos_token_id == tokenizer.convert_tokens_to_ids(MARKERS[1])
    assert new.eos == (None if eos == MARKERS[1] else MARKERS[1])
    assert (tokenizer.bos_token, tokenizer.pad_token) == (bos, pad)
    assert tokenizer.decode([*new.ids], skip_special_tokens=True).strip() == ""
    assert add_tokens(tokenizer, [*MARKERS, "<new one>"], MARKERS[1]) == NewTokens((), (), (), None)


def test_odd_wishes(tiny_model: Path) -> None:
    tokenizer = load_tokenizer(tiny_model)
    size, eos = len(tokenizer), tokenizer.eos_token
    with pytest.raises(ConfigError, match="no visible character"):
        add_tokens(tokenizer, ["<a>", ""], None)
    with pytest.raises(ConfigError, match="no visible character"):
        add_tokens(tokenizer, [" \n"], None)
    assert len(tokenizer) == size, "nothing is added where one of them cannot be"
    word = next(t for t in tokenizer.get_vocab() if t.isascii() and t.isalpha() and len(t) > 3)
    new = add_tokens(tokenizer, ["two words", "<a>", "two words", "<pad>", word], "<not there>")
    assert new.tokens == ("two words", "<a>")
    assert tokenizer.eos_token == eos
    ids = tokenizer("of two words<a><a>", add_special_tokens=False)["input_ids"]
    assert ids[-3:] == [new.ids[0], new.ids[1], new.ids[1]]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "of two words", "a word stays in what is shown"
    many = add_tokens(tokenizer, [f"<x{i}>" for i in range(10_000)], None)
    assert len(many.ids) == 10_000
    assert tokenizer("<x9><x9999>", add_special_tokens=False)["input_ids"] == [many.ids[9], many.ids[9999]]


@needs_shared
def test_a_piece_that_means_a_byte_is_refused() -> None:
    with pytest.raises(ConfigError, match="a byte of other texts"):
        add_tokens(load_tokenizer(STORIES), ["<0x0A>"], None)


@needs_shared
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_plain_transformers_reads_the_folder_that_is_left(folder: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = load_tokenizer(folder)
    leave_tokenizer(tokenizer, folder, tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {
        p.name: p.read_bytes() for p in folder.iterdir() if p.name in {q.name for q in tmp_path.iterdir()}
    }, "an unchanged tokenizer is copied"
    assert (tmp_path / "tokenizer_config.json").is_file()
    (left := tmp_path / "left").mkdir()
    add_tokens(tokenizer, [*MARKERS, "<new one>"], MARKERS[1])
    template = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"
    leave_tokenizer(tokenizer, folder, left, template)
    loaded = AutoTokenizer.from_pretrained(left)
    assert loaded(TEXT)["input_ids"] == tokenizer(TEXT)["input_ids"]
    assert loaded.get_vocab() == tokenizer.get_vocab()
    for name in ("eos_token", "bos_token", "pad_token", "unk_token", "eos_token_id"):
        assert getattr(loaded, name) == getattr(tokenizer, name), name
    assert loaded.chat_template == template
    assert loaded.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False) == "<|im_start|>Hi<|im_end|>"
    config = json.loads((left / "tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == json.loads((folder / "tokenizer_config.json").read_text())["tokenizer_class"]
    assert not {"is_local", "local_files_only"} & config.keys()


def test_how_white_space_is_kept_stays_here(tmp_path: Path, tiny_model: Path) -> None:
    """A post-processor that trims offsets does so in the folder that is left, too: nothing is changed but what was asked."""
    from tokenizers import Tokenizer, processors

    backend = Tokenizer.from_file(str(tiny_model / "tokenizer.json"))
    backend.post_processor = processors.ByteLevel(trim_offsets=True)
    (folder := tmp_path / "source").mkdir()
    backend.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text((tiny_model / "tokenizer_config.json").read_text())
    tokenizer = load_tokenizer(folder)
    assert json.loads(tokenizer.backend_tokenizer.post_processor.__getstate__())["trim_offsets"] is False
    (left := tmp_path / "left").mkdir()
    add_tokens(tokenizer, ["<a>"], None)
    leave_tokenizer(tokenizer, folder, left)
    assert json.loads((left / "tokenizer.json").read_text())["post_processor"]["trim_offsets"] is True
