"""OpenAssistant: trees and lists of messages give the same threads; what is left out is counted, what is lost is named."""

from __future__ import annotations

import json
from typing import Any

from engine.data.formats import FORMATS, Converted, columns_for, convert_rows, detect
from engine.data.rows import Row
from tests.engine.data.test_formats import converted, rows, said
from tests.shared import DATA, needs_shared

UNANSWERED = "questions that nobody answered"


def flat(*messages: dict[str, Any]) -> Converted:
    return converted("oasst_messages", *messages)


def message(ident: str, parent: str | None, role: str = "prompter", **more: Any) -> dict[str, Any]:
    return {"message_id": ident, "parent_id": parent, "role": role, "text": f"text {ident}", **more}


def flattened(tree: dict[str, Any]) -> list[dict[str, Any]]:
    own = {key: value for key, value in tree.items() if key != "replies"}
    return [{"parent_id": None, **own}, *(row for reply in tree["replies"] for row in flattened(reply))]


THREADS = [
    message("q", None), message("a", "q", "assistant"), message("b", "q", "assistant"),
    message("q2", "a"), message("a2", "q2", "assistant"), message("q3", "b"),
]  # fmt: skip


def texts(found: Converted) -> list[list[str]]:
    return [[m.content.removeprefix("text ") for m in c.messages] for c in found.conversations]


def test_each_way_to_an_answer_is_a_conversation_of_its_root() -> None:
    found = flat(*THREADS)
    assert texts(found) == [["q", "a", "q2", "a2"], ["q", "b"]]
    assert {c.origin for c in found.conversations} == {"d:1"}
    assert [m.source for m in found.conversations[0].messages] == ["d:1", "d:2", "d:4", "d:5"]
    assert (found.misfits, found.counts) == ([], {UNANSWERED: 1})
    assert {tuple(t) for t in texts(flat(*reversed(THREADS)))} == {tuple(t) for t in texts(found)}


def test_every_message_without_a_root_is_named() -> None:
    lost = [message("x", "gone", "assistant"), message("y", "x"), message("z", "y", "assistant")]
    circle = [message("m", "n"), message("n", "m", "assistant")]
    found = flat(
        *THREADS[:2],
        *lost,
        *circle,
        message("q", None),
        {"message_id": "t", "parent_id": None, "role": "x", "text": "t"},
    )
    assert texts(found) == [["q", "a"]]
    reasons = {line.origin: line.reason for line in found.misfits}
    assert reasons["d:3"] == "its parent 'gone' is in no row"
    assert reasons["d:4"] == reasons["d:5"] == "it hangs below the message 'x', whose parent is in no row"
    assert reasons["d:6"] == reasons["d:7"] == "its replies run in a circle"
    assert reasons["d:8"] == "the id 'q' was used before, by d:1"
    assert "has the role 'x'" in reasons["d:9"]
    assert len(reasons) == 7


def test_what_its_own_fields_refuse_is_left_out_with_what_hangs_below_and_counted() -> None:
    spam = [
        {"spam": {"value": 0.7, "count": 3}},
        {"name": ["lang", "spam"], "value": [0.0, 0.7]},
        [{"name": "spam", "value": 0.7}],
    ]
    for labels in spam:
        assert flat(message("q", None), message("a", "q", "assistant", labels=labels)).counts == {
            "messages labelled as spam": 1
        }
    found = flat(
        *THREADS[:3],
        message("q2", "a", deleted=True),
        message("a2", "q2", "assistant"),
        message("q3", "b", review_result=False, deleted=None),
        message("c", "q", "assistant", deleted=False, review_result=None, labels={"spam": {"value": 0.2}}),
    )
    assert texts(found) == [["q", "a"], ["q", "b"], ["q", "c"]]
    assert found.counts == {
        "messages that were deleted": 1,
        "messages below one that was left out": 1,
        "messages that failed their review": 1,
    }
    assert flat(message("q", None, deleted=True), message("a", "q", "assistant")).conversations == []


def test_a_thread_as_long_as_it_likes() -> None:
    chain = [
        message("0", None),
        *(message(str(n), str(n - 1), "assistant" if n % 2 else "prompter") for n in range(1, 4000)),
    ]
    (conversation,) = flat(*chain).conversations
    assert len(conversation.messages) == 4000


def test_a_tree_is_no_list() -> None:
    tree = {
        "message_id": "q",
        "parent_id": None,
        "role": "prompter",
        "text": "q",
        "replies": [{"role": "assistant", "text": "a"}],
    }
    assert detect(rows(tree))[0].name == "oasst_message"
    assert "this is a tree" in flat(tree).misfits[0].reason


@needs_shared
def test_trees_and_the_same_messages_as_a_list_agree() -> None:
    folder = DATA / "datasets" / "oasst"
    trees = [json.loads(line) for line in (folder / "en_100_tree.jsonl").read_text().splitlines()]
    roots = [json.loads(line) for line in (folder / "en_100_message.jsonl").read_text().splitlines()]
    lists = rows(*(row for root in roots for row in flattened(root)))
    assert len(lists) == 1167
    assert detect(lists)[0].name == "oasst_messages"
    form = FORMATS["oasst_messages"]
    gathered = convert_rows(lists, form, columns_for(form, {}))
    assert not gathered.misfits
    nested = [converted("oasst_tree", *trees), converted("oasst_message", *roots)]
    for other in nested:
        assert [said(c) for c in other.conversations] == [said(c) for c in gathered.conversations]
        assert other.counts == gathered.counts == {UNANSWERED: 226}
    assert len(gathered.conversations) == 564
    assert len({c.origin for c in gathered.conversations}) == 100


def test_a_row_alone_can_be_looked_at() -> None:
    form = FORMATS["oasst_messages"]
    (alone,) = form.convert(Row("d:2", THREADS[1]), columns_for(form, {}))
    assert form.gathers
    assert said(alone) == [("assistant", "text a")]
