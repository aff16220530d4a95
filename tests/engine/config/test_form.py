"""The form: every key once, kinds and bounds from the models, values that read back as they are shown."""

from __future__ import annotations

import string
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from engine.config.base import section_of
from engine.config.check import check
from engine.config.explain import all_keys, key_path
from engine.config.form import Field, advice_of, field_of, groups, parse, show, turn
from engine.config.runfile import RunFile

FIELDS = [item for group in groups(1) for item in group.fields]
BASE: dict[str, Any] = {"model": {"path": "m"}, "data": [{"path": "d.jsonl"}]}


def leaves() -> list[str]:
    """Keys of the run file that hold a value."""

    def is_leaf(key: str) -> bool:
        model: type[BaseModel] | None = RunFile
        for part in key.split("."):
            assert model is not None
            model = section_of(model.model_fields[part])
        return model is None

    return [key for key in all_keys() if is_leaf(key)]


def test_every_key_of_the_run_file_is_in_exactly_one_group() -> None:
    assert sorted(item.key.replace("[0]", "") for item in FIELDS) == sorted(leaves())
    assert all(item.section == group.key for group in groups(1) for item in group.fields)


def test_each_source_is_a_group_of_its_own() -> None:
    keys = [group.key for group in groups(3)]
    assert [key for key in keys if key.startswith("data")] == ["data[0]", "data[1]", "data[2]"]
    assert len({item.key for group in groups(3) for item in group.fields}) == len(FIELDS) + 2 * len(
        [item for item in FIELDS if item.section == "data[0]"]
    )
    assert not [group for group in groups(0) if group.key.startswith("data")]
    third = field_of("data[2].exclude.rows")
    assert third is not None
    assert (third.key, third.section, third.name) == ("data[2].exclude.rows", "data[2]", "exclude.rows")
    assert field_of("data[x].path") is None
    assert field_of("lora") is None


@pytest.mark.parametrize(
    ("key", "kind", "choices", "optional", "bounds"),
    [
        ("lora.rank", "int", (), False, "1 to 1,024"),
        ("train.clip", "float", (), False, "at least 0"),
        ("lora.dora", "bool", (), False, ""),
        ("quantization.bits", "choice", (4, 8, 16, 32), False, ""),
        ("train.gradient_checkpointing", "choice", ("auto", True, False), False, ""),
        ("train.eval_every", "text", (), True, 'steps, from 1 on, or a text such as "0.5 epochs"'),
        ("lora.save_modules", "list", (), False, ""),
        ("eval.samples", "lines", (), False, ""),
        ("data[0].columns", "table", (), False, ""),
        ("model.path", "path", (), False, ""),
        ("split.test_size", "float", (), False, "a share below 1 or a whole number from 1 on"),
    ],
)
def test_kinds_and_bounds_come_from_the_models(
    key: str, kind: str, choices: tuple[Any, ...], optional: bool, bounds: str
) -> None:
    found = field_of(key)
    assert found is not None
    assert (found.kind, found.choices, found.optional, found.bounds) == (kind, choices, optional, bounds)


def test_every_field_has_help_and_its_default_is_the_models() -> None:
    fresh = RunFile.model_validate(BASE).model_dump()
    for item in FIELDS:
        assert item.help, item.key
        if not item.required and item.key != "data[0].path":
            node: Any = fresh
            for part in key_path(item.key):
                node = node[part]
            assert node == item.default, item.key


# Values

_TEXT = st.text(alphabet=string.printable + "äß→\u2028'\"", max_size=24)


def values(item: Field) -> st.SearchStrategy[Any]:
    """Values of a field's type that a TOML file can hold."""
    whole = st.integers(-(1 << 63), (1 << 63) - 1)
    number = st.floats(allow_nan=False, allow_infinity=False)
    if item.kind == "bool":
        return st.booleans()
    if item.kind == "choice":
        return st.sampled_from(item.choices)
    if item.kind == "int":
        return whole
    if item.kind == "float":
        return number | whole if "int" in str(item.annotation) else number
    if item.kind == "table":
        return st.dictionaries(_TEXT, _TEXT, max_size=3)
    if item.kind in ("list", "lines"):
        element = {"rows": whole, "betas": number}.get(item.name.rpartition(".")[2], _TEXT)
        lists = st.lists(element, max_size=4)
        return lists | st.just("auto") if item.name == "new_tokens" else lists
    if item.name == "target_modules":
        return _TEXT | st.lists(_TEXT, max_size=3)
    if item.name.endswith("_every"):
        return _TEXT | whole
    return st.dates() if item.name == "date" else _TEXT


@given(st.sampled_from(FIELDS).flatmap(lambda item: st.tuples(st.just(item), values(item))))
@settings(max_examples=300, deadline=None)
def test_what_is_shown_reads_back_as_the_same(pair: tuple[Field, Any]) -> None:
    item, value = pair
    again = parse(item, show(item, value))
    assert again == value or (value == "" and again is None)
    assert isinstance(again, bool) == isinstance(value, bool)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("lora.rank", "64", 64),
        ("lora.rank", " ", None),
        ("split.seed", "1,000", 1000),
        ("train.learning_rate", "2e-4", 2e-4),
        ("split.test_size", "100", 100),
        ("split.test_size", "0.1", 0.1),
        ("train.eval_every", "50", 50),
        ("train.eval_every", "0.5 epochs", "0.5 epochs"),
        ("lora.target_modules", "q_proj, v_proj", ["q_proj", "v_proj"]),
        ("lora.target_modules", r".*\.(q|v)_proj", r".*\.(q|v)_proj"),
        ("lora.dora", "yes", True),
        ("train.gradient_checkpointing", "false", False),
        ("train.gradient_checkpointing", "auto", "auto"),
        ("quantization.bits", "8", 8),
        ("eval.samples", "Who are you?\nAdd 2, 3 and 4.", ["Who are you?", "Add 2, 3 and 4."]),
        ("model.new_tokens", "[USER], [BOT]", ["[USER]", "[BOT]"]),
        ("data[0].columns", 'prompt = "frage"', {"prompt": "frage"}),
        ("train.betas", "0.9, 0.95", [0.9, 0.95]),
    ],
)
def test_values_are_typed_as_people_write_them(key: str, text: str, value: Any) -> None:
    item = field_of(key)
    assert item is not None
    assert parse(item, text) == value


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("lora.rank", "high", "`lora.rank` must be a whole number, not the text 'high'"),
        ("lora.rank", "9" * 30, "no whole number as large"),
        ("train.learning_rate", "inf", "it must be a finite number"),
        ("train.learning_rate", "2e-", "must be a number"),
        ("quantization.type", "nf5", "it must be nf4 or fp4; did you mean nf4?"),
        ("lora.dora", "maybe", "must be true or false"),
        ("data[0].columns", "frage", "must be a table"),
        ("train.betas", "a, b", "must be numbers with commas"),
        ("model.date", "tomorrow", "a date such as 2026-01-31"),
    ],
)
def test_what_cannot_be_read_is_said(key: str, text: str, words: str) -> None:
    item = field_of(key)
    assert item is not None
    with pytest.raises(ValueError, match=words.replace("[", r"\[").replace("(", r"\(")):
        parse(item, text)


@given(st.sampled_from(FIELDS), st.integers(-40, 40).filter(bool))
@settings(max_examples=300, deadline=None)
def test_turning_stays_within_what_is_allowed(item: Field, by: int) -> None:
    """From the default, any number of places to either side."""
    value = turn(item, item.default, by)
    checked = check(None, BASE, {item.key: value} if value != item.default else {})
    own = [problem for problem in checked.problems if problem.keys == (item.key,)]
    if item.key not in ("model.path", "data[0].path"):
        assert not own, own


def test_turning_goes_through_choices_and_usual_numbers() -> None:
    def turned(key: str, value: Any, by: int) -> Any:
        item = field_of(key)
        assert item is not None
        return turn(item, value, by)

    assert turned("quantization.bits", 32, 1) == 4
    assert turned("lora.dora", False, 1) is True
    assert turned("data[0].preset", None, -1) == "c4"
    assert turned("data[0].preset", "oasst1", -1) is None
    assert turned("lora.rank", 16, 1) == 32
    assert turned("lora.rank", 16, -1) == 8
    assert turned("lora.rank", 1, -1) == 1
    assert turned("data[0].path", "x", 1) == "x"


def test_advice_is_found_on_a_field() -> None:
    assert advice_of(RunFile.model_fields["model"]).label == ""
    assert all(isinstance(item.advice.usual, str) for item in FIELDS)


@given(st.lists(st.sampled_from(FIELDS).flatmap(lambda item: st.tuples(st.just(item), values(item))), max_size=5))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_change_can_be_checked_and_its_text_says_it(tmp_path: Path, pairs: list[tuple[Field, Any]]) -> None:
    file = tmp_path / "run.toml"
    file.write_text('# mine\n[model]\npath = "m" # the model\n\n[[data]]\npath = "d.jsonl"\n[lora]\nrank = 8\n')
    changes = {item.key: value for item, value in pairs}
    checked = check(file, None, changes)
    assert tomllib.loads(checked.text) == checked.table
    assert (checked.run is None) == bool(checked.problems)
    for item, value in pairs:
        node: Any = checked.table
        for part in key_path(item.key):
            node = node.get(part) if isinstance(node, dict) else node[part]
        assert node == changes[item.key] or item.kind == "path" or value == {}
