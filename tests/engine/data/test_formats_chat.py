"""Lists of turns, as OpenAI and ShareGPT write them: weights, calls of functions, parts of content."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.data.conversation import ToolCall
from tests.engine.data.test_formats import converted, one, refused, said

ASK: dict[str, Any] = {"role": "user", "content": "Weather?"}
CALL = {"name": "weather", "arguments": '{"city": "Oslo"}'}


def chat(*turns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": list(turns), **more}


def test_a_weight_says_whether_an_answer_is_learned() -> None:
    row = chat(
        ASK,
        {"role": "assistant", "content": "No.", "weight": 0},
        ASK,
        {"role": "assistant", "content": "Yes.", "weight": 1.0},
    )
    assert [m.weight for m in one("messages", row).messages] == [1, 0, 1, 1]
    empty = chat({**ASK, "weight": None}, {"role": "assistant", "content": "x", "weight": None, "tool_calls": None})
    assert [m.weight for m in one("messages", empty).messages] == [1, 1]


@pytest.mark.parametrize("weight", [2, 0.5, -1, True, "1"])
def test_other_weights_are_refused(weight: Any) -> None:
    assert f"messages[1] has the weight {weight!r}" in refused(
        "messages", chat(ASK, {"role": "assistant", "content": "x", "weight": weight})
    )


def test_a_weight_in_another_place_is_refused() -> None:
    assert "messages[0] has a weight, which only turns of the assistant" in refused(
        "messages", chat({**ASK, "weight": 0})
    )


@pytest.mark.parametrize(
    "turn",
    [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": CALL}]},
        {"role": "assistant", "tool_calls": [{"id": "c1", "name": "weather", "arguments": {"city": "Oslo"}}]},
        {"role": "assistant", "content": "", "tool_calls": json.dumps([{"id": "c1", "function": CALL}])},
    ],
)
def test_calls_in_the_ways_of_openai(turn: dict[str, Any]) -> None:
    tool = {"role": "tool", "tool_call_id": "c1", "name": "weather", "content": "rain"}
    found = one("messages", chat(ASK, turn, tool, {"role": "assistant", "content": "Rain."}))
    call = found.messages[1]
    assert call.tool_calls == (ToolCall("weather", '{"city": "Oslo"}', "c1"),)
    assert call.content == ""
    assert (found.messages[2].tool_call_id, found.messages[2].name) == ("c1", "weather")


def test_calls_in_older_ways() -> None:
    legacy = one(
        "messages",
        chat(
            ASK,
            {"role": "assistant", "content": None, "function_call": CALL},
            {"role": "function", "name": "weather", "content": "rain"},
        ),
    )
    assert legacy.messages[1].tool_calls == (ToolCall("weather", '{"city": "Oslo"}'),)
    assert (legacy.messages[2].role, legacy.messages[2].name) == ("tool", "weather")
    turns = [
        {"from": "human", "value": "Weather?"},
        {"from": "function_call", "value": json.dumps(CALL)},
        {"from": "observation", "value": "rain"},
    ]
    shared = one(
        "sharegpt",
        {"conversations": turns, "tools": json.dumps([{"name": "weather", "parameters": {"type": "object"}}])},
    )
    assert shared.messages[1].tool_calls == legacy.messages[1].tool_calls
    assert shared.messages[1].content == ""
    assert [m.role for m in shared.messages] == ["user", "assistant", "tool"]
    assert shared.tools == ({"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}},)
    without = one(
        "messages", chat(ASK, {"role": "assistant", "tool_calls": [{"function": {"name": "now", "arguments": ""}}]})
    )
    assert without.messages[1].tool_calls == (ToolCall("now", "{}"),)


def test_definitions_come_in_one_shape() -> None:
    bare = {"name": "f", "description": "d", "parameters": {"type": "object", "default": None}}
    tidy = ({"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},)
    for tools in ([bare], [{"type": "function", "function": bare}], json.dumps([bare]), [json.dumps(bare)], bare):
        assert one("messages", chat(ASK, tools=tools)).tools == tidy
    assert one("messages", chat(ASK, functions=[bare])).tools == tidy
    assert one("messages", chat(ASK, tools=None)).tools == one("messages", chat(ASK, tools="[]")).tools == ()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (chat({**ASK, "tool_calls": [{"function": CALL}]}), "messages[0] calls a function, which only an assistant can"),
        (chat({"role": "assistant", "tool_calls": [{"function": {}}]}), "is no function call: it needs a name"),
        (chat({"role": "assistant", "tool_calls": [{"name": "f", "arguments": "{"}]}), "is not valid JSON, which the arguments"),
        (chat({"role": "assistant", "tool_calls": [{"name": "f", "arguments": 5}]}), "has arguments that are a number"),
        (chat({"role": "function_call", "content": "look it up"}), "is not valid JSON, which a function call must be"),
        (chat(ASK, tools="{"), "column 'tools' is not valid JSON"),
        (chat(ASK, tools=[{}]), "tools[0] defines no function"),
        (chat({"role": "wizard", "content": "x"}), "has the role 'wizard'; known roles are"),
        (chat({"role": "user", "content": None}), "has a content that is null"),
        ({"messages": "x"}, "column 'messages' is a text, not a list of turns"),
        ({}, "column 'messages' is missing"),
        ({"messages": ["x"]}, "messages[0] is a text, not an object"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(row: dict[str, Any], words: str) -> None:
    assert words in refused("messages", row)


def test_parts_of_text_are_joined_and_others_refused() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}, "c"]
    assert said(one("messages", chat({"role": "user", "content": parts}))) == [("user", "abc")]
    for kind in ("image_url", "input_audio", "video"):
        row = chat({"role": "user", "content": [*parts, {"type": kind, kind: {"url": "x"}}]})
        assert f"has a part of the type {kind!r}; only parts of text can be trained on" in refused("messages", row)


def test_fields_that_are_not_read_are_counted() -> None:
    found = converted(
        "messages",
        chat({**ASK, "name": "Ann"}, {"role": "assistant", "content": "x", "reasoning": "r", "refusal": None}),
    )
    assert found.counts == {"turns whose field 'name' is not read": 1, "turns whose field 'reasoning' is not read": 1}


def test_a_system_text_in_its_own_column() -> None:
    assert said(one("sharegpt", {"conversations": [{"from": "human", "value": "u"}], "system": "s"})) == [
        ("system", "s"),
        ("user", "u"),
    ]
