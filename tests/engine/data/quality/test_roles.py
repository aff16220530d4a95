"""The order of turns."""

from __future__ import annotations

import pytest

from engine.data.conversation import Conversation, Message, Role
from engine.data.quality.roles import faults_of
from tests.engine.data.quality.looking import conversation, examined, rows_found, turns

SOUND: list[list[tuple[Role, str]]] = [
    [("user", "a"), ("assistant", "b")],
    [("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")],
    [("system", "s"), ("system", "t"), ("user", "a"), ("assistant", "b")],
    [("text", "running text")],
    [],
]


@pytest.mark.parametrize("parts", SOUND)
def test_sound_conversations(parts: list[tuple[Role, str]]) -> None:
    assert list(faults_of(conversation(*parts))) == []


FAULTY: list[tuple[list[tuple[Role, str]], list[str]]] = [
    ([("user", "a"), ("user", "b"), ("assistant", "c")], ["two user turns in a row"]),
    ([("user", "a"), ("assistant", "b"), ("assistant", "c")], ["two assistant turns in a row"]),
    ([("assistant", "b"), ("user", "a"), ("assistant", "c")], ["assistant begins"]),
    ([("system", "s"), ("assistant", "b")], ["assistant begins"]),
    ([("user", "a"), ("system", "s"), ("assistant", "b")], ["system text not at the beginning"]),
    ([("user", "a"), ("assistant", "b"), ("user", "c")], ["last turn by the user"]),
    ([("user", "a")], ["no assistant turn"]),
    ([("system", "s")], ["no assistant turn"]),
    ([("user", "a"), ("assistant", "b"), ("tool", "t"), ("assistant", "c")], ["tool answer without a call"]),
]


@pytest.mark.parametrize(("parts", "faults"), FAULTY)
def test_faulty_conversations(parts: list[tuple[Role, str]], faults: list[str]) -> None:
    assert [fault for fault, _ in faults_of(conversation(*parts))] == faults


def test_tools_that_were_called_answer_in_any_number() -> None:
    parts: list[tuple[Role, str]] = [
        ("user", "a"), ("assistant", ""), ("tool", "1"), ("tool", "2"), ("assistant", "b"),
    ]  # fmt: skip
    assert list(faults_of(conversation(*parts, calls=1))) == []
    unanswered = conversation(("user", "a"), ("assistant", ""), calls=1)
    assert list(faults_of(unanswered)) == []
    torn = conversation(*parts[:4], calls=1)
    assert [fault for fault, _ in faults_of(torn)] == ["last turn by the tool"]


def test_the_finding_counts_each_kind_and_names_the_turn() -> None:
    rows = [
        turns("user a", "assistant b"),
        turns("user a", "user b", "user c", "assistant d", "user e"),
        turns("assistant a", "user b", "assistant c"),
    ]
    report = examined(rows, "messages", "role_order")
    assert report.rows_of("role_order").tolist() == [2, 3]
    (finding,) = report.findings
    assert finding.title == (
        "Turns out of order (assistant begins 1, last turn by the user 1, two user turns in a row 1)"
    )
    assert finding.samples[0] == "row 2: two user turns in a row (messages[1]); last turn by the user (messages[4])"


def test_rows_that_are_single_turns_are_not_judged() -> None:
    rows = [turns("user a"), turns("assistant b")]
    report = examined(rows, "messages", "role_order", gathers=True)
    assert report.findings == []
    assert "order of turns was not looked at" in report.notes[0]
    assert rows_found("role_order", rows, "messages") == [1, 2]


def test_a_conversation_of_several_is_enough() -> None:
    good = (Message("user", "a", "r"), Message("assistant", "b", "r.replies[0]"))
    bad = (*good, Message("user", "c", "r.replies[0].replies[0]"))
    from engine.data.examine import Examiner
    from engine.data.rows import Row

    examiner = Examiner(lambda row: [Conversation("d:1", good), Conversation("d:1", bad)], rules=["role_order"])
    examiner.take(1, Row("d:1", {}))
    assert examiner.report(True).rows_of("role_order").tolist() == [1]
