"""A model is asked as it was trained, or it is said what differs."""

from __future__ import annotations

import json
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from engine.errors import DataError, TemplateError
from engine.token_facts import ParityFact
from engine.tokens.encoded import IGNORE
from engine.tokens.parity import CARRIED, OWN, THIS, carried_template, parity
from engine.tokens.prepare import Laid, lay_out
from engine.tokens.row_facts import RowViewer
from engine.tokens.tokenizer import load_tokenizer
from tests.engine.tokens.laid import asked, lay, run_of, talk
from tests.shared import needs_shared
from tests.tiny import make_model
from tests.tokenizers import folder_of, fresh, tokenizer_of

SALT = asked("What does the boat carry?", "It carries salt.")
TALK = talk(("user", "Who?"), ("assistant", "The keeper."), ("user", "And when?"), ("assistant", "All night."))
DEFAULT_SYSTEM = (
    "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\\nBe kind.<|im_end|>\\n' }}{% endif %}"
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def found(laid: Laid, row: int = 0) -> dict[str, ParityFact]:
    return {fact.against: fact for fact in parity(RowViewer(laid), row)}


def chat_ids(tokenizer: Any, laid: Laid, row: int = 0) -> list[int]:
    """What plain transformers gives for the turns before the last answer."""
    turns = [{"role": m.role, "content": m.content} for m in laid.rows[row][1].messages[:-1]]
    ids = tokenizer.apply_chat_template(
        turns, chat_template=carried_template(laid), add_generation_prompt=True, tokenize=True, return_dict=False
    )
    return list(ids)


@needs_shared
@pytest.mark.parametrize("name", ["smollm2", "qwen2", "mistral-v3", "phi2", "open_llama"])
def test_templates_ask_as_they_train(name: str, tmp_path: Path) -> None:
    rows = [SALT, asked("谁守灯塔？", "看守人。🙂")]
    for template, row in product(("qa", "alpaca", "chatml"), range(2)):
        laid = lay(
            folder_of(name), tmp_path, rows, template, fresh(name) if template == "chatml" else tokenizer_of(name)
        )
        facts = found(laid, row)
        assert facts[THIS].equal, facts[THIS]
        whole = laid.path.whole([laid.rows[row]])[0]
        first = int((whole.labels != IGNORE).argmax())
        assert facts[THIS].length == facts[THIS].at == first
        assert f"{first:,} tokens" in facts[THIS].sentence
        if template == "chatml":
            assert facts[CARRIED].equal, facts[CARRIED]
            assert chat_ids(laid.path.tokenizer, laid, row) == whole.ids[:first].tolist()


@needs_shared
@pytest.mark.parametrize("name", ["smollm2", "qwen2", "minimind"])
def test_the_tokenizers_own_template_and_its_system_text(name: str, tmp_path: Path) -> None:
    laid = lay(folder_of(name), tmp_path, [SALT], "tokenizer", tokenizer_of(name))
    facts = found(laid)
    assert set(facts) == {THIS, CARRIED}
    assert all(fact.equal for fact in facts.values())
    assert chat_ids(laid.path.tokenizer, laid) == laid.path.whole(laid.rows)[0].ids[: facts[CARRIED].length].tolist()


@needs_shared
def test_a_base_model_that_puts_a_system_text_before(tmp_path: Path) -> None:
    laid = lay(folder_of("smollm2"), tmp_path, [SALT], "chatml")
    fact = found(laid)[OWN]
    assert not fact.equal
    assert fact.sentence.startswith("It puts 21 tokens before what training had")
    assert "beside the result" in fact.sentence
    assert fact.at == 1
    assert [t.piece for t in fact.trained][:3] == ["<|im_start|>", "user", "Ċ"]
    assert [t.piece for t in fact.given][:3] == ["<|im_start|>", "system", "Ċ"]


def test_a_chat_template_that_is_not_what_was_trained(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", chat_template=DEFAULT_SYSTEM)
    facts = found(lay(model, tmp_path, [SALT], "qa"))
    assert facts[THIS].equal
    assert not facts[CARRIED].equal
    assert 'template = "tokenizer"' in facts[CARRIED].sentence
    assert '"qa"' in facts[CARRIED].sentence
    facts = found(lay(model, tmp_path, [SALT], "tokenizer"))
    assert facts[CARRIED].equal


@pytest.mark.parametrize("supervise", ["assistant", "last", "all"])
@pytest.mark.parametrize("turns", [4, 3, 2])
def test_the_last_answer_counts(tiny_model: Path, tmp_path: Path, supervise: str, turns: int) -> None:
    row = {"messages": TALK["messages"][:turns]}
    laid = lay(tiny_model, tmp_path, [row], "chatml", tokens={"supervise": supervise})
    fact = found(laid)[THIS]
    whole = laid.path.whole(laid.rows)[0]
    answer = "All night." if turns == 4 else "The keeper."
    place = whole.rendered.text.index(answer)
    assert fact.equal, fact
    assert fact.length == sum(start < place for start in whole.spans[whole.segments >= 0, 0].tolist())
    assert [t.id for t in fact.trained] == whole.ids[fact.at - 12 : fact.at + 12].tolist()


def test_a_weight_of_zero_does_not_move_the_answer(tiny_model: Path, tmp_path: Path) -> None:
    row = talk(("user", "Who?"), ("assistant", "The keeper.", 1), ("user", "When?"), ("assistant", "All night.", 0))
    fact = found(lay(tiny_model, tmp_path, [row], "chatml"))[THIS]
    assert fact.equal
    assert "ĠThe" not in [t.piece for t in fact.given][-3:]


def test_a_token_over_prompt_and_answer_is_found(tiny_model: Path, tmp_path: Path) -> None:
    row = {"harbour": "The harb", "rest": "our burns"}
    custom = {"prompt": "{harbour}", "completion": "{rest}"}
    laid = lay(tiny_model, tmp_path, [row], "custom", data=custom)
    fact = found(laid)[THIS]
    assert not fact.equal
    assert "line break" in fact.sentence
    whole = laid.path.whole(laid.rows)[0]
    given = laid.path.ids_before_answer(*laid.rows[0])
    assert whole.ids[: fact.at].tolist() == given[: fact.at]
    assert whole.ids[fact.at] != given[fact.at]
    trained = next(t for t in fact.trained if t.mark == "trained")
    assert (trained.start, trained.end) == (3, 11)
    assert set(found(laid)) == {THIS}  # such rows have no turns


def test_two_bos(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    custom = {"prompt": "<s>{question}\n", "completion": "{answer}"}
    fact = found(lay(model, tmp_path, [SALT], "custom", data=custom))[THIS]
    assert fact.equal
    assert "two BOS" in fact.sentence
    jinja = "{{ bos_token }}" + DEFAULT_SYSTEM
    own = make_model(tmp_path / "own", chat_template=jinja)
    laid = lay(own, tmp_path, [SALT], "tokenizer")
    fact = found(laid)[CARRIED]
    assert fact.equal  # apply_chat_template does not add one
    assert "second BOS" in fact.sentence
    assert laid.path.tokenizer(laid.path.whole(laid.rows)[0].rendered.text)["input_ids"][:2] == [0, 0]


def test_running_text_goes_on_from_any_place(tiny_model: Path, tmp_path: Path) -> None:
    laid = lay(tiny_model, tmp_path, [{"text": "The lamp burns."}])
    facts = found(laid)
    assert set(facts) == {THIS}
    assert facts[THIS].equal
    assert facts[THIS].length == len(laid.path.whole(laid.rows)[0].ids) - 1


def test_what_cannot_be_compared_is_said(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="comes as tokens"):
        found(lay(tiny_model, tmp_path, [{"input_ids": [5, 6, 7], "labels": [5, 6, 7]}]))
    with pytest.raises(TemplateError, match="one question and one answer"):
        found(lay(tiny_model, tmp_path, [TALK], "qa"))


def test_a_chat_template_that_refuses_the_turns(tmp_path: Path) -> None:
    jinja = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('No system, please.') }}{% endif %}" + DEFAULT_SYSTEM
    )
    model = make_model(tmp_path / "model", chat_template=jinja)
    row = talk(("system", "Be kind."), ("user", "Who?"), ("assistant", "The keeper."))
    fact = found(lay(model, tmp_path, [row], "qa"))[CARRIED]
    assert not fact.equal
    assert "No system, please." in fact.sentence


def test_functions_are_offered_to_the_chat_template(tiny_model: Path, tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "tide", "parameters": {}}}
    row = {**talk(("user", "When is low tide?"), ("assistant", "At six.")), "tools": json.dumps([tool])}
    facts = found(lay(tiny_model, tmp_path, [row], "chatml"))
    assert facts[CARRIED].equal, facts[CARRIED]
    assert any("ide" in t.piece for t in facts[THIS].given) or facts[THIS].length > 30


def test_the_date_of_the_run_is_asked_with(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", chat_template="Today {{ strftime_now('%d %b %Y') }}. " + DEFAULT_SYSTEM)
    (tmp_path / "rows.jsonl").write_text(json.dumps(SALT))
    run = run_of(model, tmp_path / "rows.jsonl", "tokenizer")
    run.model.date = date(2020, 1, 31)
    laid = lay_out(run, load_tokenizer(model), {})
    assert "31 Jan 2020" in laid.path.whole(laid.rows)[0].rendered.text
    facts = found(laid)
    assert [fact.against for fact in facts.values() if fact.equal] == [THIS, CARRIED]
