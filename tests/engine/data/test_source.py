"""Reading sources: formats by their columns, bad lines by their number, nothing coerced or dropped silently."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, get_args

import pytest

from engine.config.data import ColumnRole, DataSection, ExcludeSection
from engine.config.tokens import SplitSection
from engine.data.formats import FORMATS
from engine.data.open import open_table
from engine.data.source import Source, read_source
from engine.data.split import Part, divide
from engine.data.survey import survey
from engine.errors import DataError
from tests.shared import DATA, GSM8K, needs_shared


def source(path: Path, **keys: Any) -> Source:
    return read_source(DataSection(path=str(path), **keys))


def write(folder: Path, text: str, name: str = "d.jsonl") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def complaint(path: Path, **keys: Any) -> str:
    with pytest.raises(DataError) as caught:
        source(path, **keys)
    return str(caught.value)


OPENAI = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]
SHAREGPT = [{"from": "human", "value": "u"}, {"from": "gpt", "value": "a"}]


@pytest.mark.parametrize(
    ("row", "name", "roles"),
    [
        ({"question": "q", "answer": "a"}, "question_answer", ["user", "assistant"]),
        (
            {"system_prompt": "s", "question": "q", "response": "r"},
            "question_response",
            ["system", "user", "assistant"],
        ),
        ({"instruction": "i", "input": "x", "output": "o"}, "alpaca", ["user", "assistant"]),
        ({"instruction": "i", "output": "o"}, "alpaca", ["user", "assistant"]),
        ({"instruction": "i", "response": "o"}, "instruction_response", ["user", "assistant"]),
        ({"prompt": "p", "completion": "c"}, "prompt_completion", ["user", "assistant"]),
        ({"input": "p", "output": "c"}, "input_output", ["user", "assistant"]),
        ({"messages": OPENAI}, "messages", ["user", "assistant"]),
        ({"conversations": SHAREGPT}, "sharegpt", ["user", "assistant"]),
        ({"text": "t"}, "text", ["text"]),
    ],
)
def test_formats_are_told_by_their_columns(tmp_path: Path, row: dict[str, Any], name: str, roles: list[str]) -> None:
    found = source(write(tmp_path, json.dumps(row) + "\n"))
    assert found.format == name
    assert [m.role for m in found.conversations[0].messages] == roles
    assert "all rows have" in found.reason


def test_csv_json_and_parquet_give_the_same_rows(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    rows = [{"question": f'q {i},\n"{i}"', "answer": f"007{i}"} for i in range(3)]
    (tmp_path / "d.json").write_text(json.dumps(rows))
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "d.parquet")
    quoted = "".join(f'"{r["question"].replace(chr(34), chr(34) * 2)}",{r["answer"]}\r\n' for r in rows)
    (tmp_path / "d.csv").write_bytes(("\ufeffquestion,answer\r\n" + quoted).encode())
    texts = [
        [[m.content for m in c.messages] for c in source(tmp_path / name).conversations]
        for name in ("d.json", "d.parquet", "d.csv")
    ]
    assert texts[0] == texts[1] == texts[2] == [[r["question"], r["answer"]] for r in rows]


def test_a_bom_crlf_and_blank_lines_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text":"a"}\r\n\r\n{"text":"b"}\r\n')
    assert [c.origin for c in source(path).conversations] == ["d.jsonl:1", "d.jsonl:3"]


BAD = [
    ('{"question": "q", "answer": }', "column 29"),
    ('{"question": "q"', "column"),
    ("[1, 2]", "is a list, not an object"),
    ('{"question": "q", "answer": NaN}', "NaN is no JSON value"),
    ('{"question": "q", "answer": "a", "answer": "b"}', "'answer' stands twice"),
    ('{"question": "q", "answer": 72}', "column 'answer' is a number, not a text"),
    ('{"question": "q"}', "column 'answer' is missing"),
    ('{"question": null, "answer": "a"}', "column 'question' is null"),
    (r'{"question": "\ud800", "answer": "a"}', "half of a surrogate pair"),
]


@pytest.mark.parametrize(("line", "words"), BAD)
def test_a_bad_line_is_named_and_costs_only_itself(tmp_path: Path, line: str, words: str) -> None:
    good = '{"question": "q", "answer": "a"}\n'
    path = write(tmp_path, good + line + "\n" + good)
    text = complaint(path)
    assert "d.jsonl:2" in text
    assert words in text
    assert 'bad_lines = "skip"' in text
    kept = source(path, bad_lines="skip")
    assert [c.origin for c in kept.conversations] == ["d.jsonl:1", "d.jsonl:3"]
    assert len(kept.bad) == 1


def test_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b'{"text": "a"}\n{"text": "\xff"}\n')
    assert "d.jsonl:2 is not UTF-8 (byte 11)" in complaint(path)


def test_only_twenty_bad_lines_are_shown(tmp_path: Path) -> None:
    text = complaint(write(tmp_path, "{\n" * 30 + '{"text": "a"}\n'))
    assert "30 of 31 lines" in text
    assert "and 10 more" in text


def test_missing_files_columns_and_answers(tmp_path: Path) -> None:
    write(tmp_path, '{"text": "a"}\n', "other.jsonl")
    assert "other.jsonl" in complaint(tmp_path / "d.jsonl")
    assert "holds no rows" in complaint(write(tmp_path, "\n\n"))
    assert "columns a, b" in complaint(write(tmp_path, '{"a": "x", "b": "y"}\n'))
    answerless = write(tmp_path, '{"question": "q", "answer": ""}\n{"question": "q", "answer": " "}\n')
    assert "none of its 2 rows can be trained on: 2 with an empty answer" in complaint(answerless)
    wrong = write(tmp_path, '{"question": "q", "answer": "a"}\n')
    assert "needs the columns 'instruction' and 'output'" in complaint(wrong, format="alpaca")
    assert "has the ending '.xml'" in complaint(write(tmp_path, "<x/>", "d.xml"))


def test_some_empty_answers_are_counted(tmp_path: Path) -> None:
    found = source(write(tmp_path, '{"question": "q", "answer": ""}\n{"question": "q", "answer": "a"}\n'))
    assert len(found.conversations) == 1
    assert found.skipped == {"with an empty answer": 1}


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, '{"frage": "f", "antwort": "a"}\n')
    found = source(path, columns={"prompt": "frage", "answer": "antwort"})
    assert [m.content for m in found.conversations[0].messages] == ["f", "a"]


def test_columns_that_are_not_used_are_told_and_history_is_read(tmp_path: Path) -> None:
    row = {"instruction": "i", "output": "o", "history": [["q1", "a1"]], "note": "x"}
    found = source(write(tmp_path, json.dumps(row) + "\n"))
    assert [m.content for m in found.conversations[0].messages] == ["q1", "a1", "i", "o"]
    assert found.unread == ["note"]
    broken = json.dumps({**row, "history": [["q1"]]})
    assert "history[0] is no pair" in complaint(write(tmp_path, broken + "\n"))


def test_a_json_file_with_one_object_per_line_keeps_its_line_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, '{"text": "a"}\n{"text"\n{"text": "b"}\n', "d.json")
    assert "d.json:2 is not valid JSON" in complaint(path)
    assert len(source(path, bad_lines="skip").conversations) == 2
    assert "array.json#2 is not valid JSON" in complaint(
        write(tmp_path, '[{"text": "a"},\n{"text" "b"}]', "array.json")
    )


def test_blank_completions_and_empty_chats_are_not_trained_on(tmp_path: Path) -> None:
    path = write(tmp_path, '{"q": "x", "a": ""}\n{"q": "x", "a": "y"}\n')
    kept = source(path, template="custom", prompt="{q}", completion="{a}")
    assert (len(kept.conversations), kept.skipped) == (1, {"with an empty answer": 1})
    empty = write(tmp_path, json.dumps({"messages": []}) + "\n" + json.dumps({"messages": OPENAI}) + "\n")
    assert source(empty).skipped == {"without an answer": 1}


TREE = {
    "text": "q", "role": "prompter", "replies": [
        {"text": "a1", "role": "assistant", "replies": [{"text": "q2", "role": "prompter", "replies": []}]},
        {"text": "a2", "role": "assistant", "replies": []},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "name", "texts"),
    [
        ({"prompt": TREE}, "oasst_tree", [["q", "a1"], ["q", "a2"]]),
        (TREE, "oasst_message", [["q", "a1"], ["q", "a2"]]),
        ({"chosen": OPENAI, "rejected": []}, "preference", [["u", "a"]]),
        ({"question": "q", "response_j": "j", "response_k": "k"}, "paired_preference", [["q", "j"]]),
        (
            {"instruction": "i", "instances": [{"input": "", "output": "o"}, {"input": "x", "output": "p"}]},
            "self_instruct",
            [["i", "o"], ["i\n\nx", "p"]],
        ),
    ],
)
def test_rows_that_hold_several_conversations(
    tmp_path: Path, row: dict[str, Any], name: str, texts: list[list[str]]
) -> None:
    found = source(write(tmp_path, json.dumps(row) + "\n"))
    assert found.format == name
    assert [[m.content for m in c.messages] for c in found.conversations] == texts


def test_conversations_of_one_row_stay_on_one_side(tmp_path: Path) -> None:
    found = source(
        write(tmp_path, "".join(json.dumps({"prompt": {**TREE, "text": f"q{i}"}}) + "\n" for i in range(20)))
    )
    train, test = divide([Part(found.conversations)], SplitSection(test_size=0.3))
    assert (len(train), len(test)) == (28, 12)
    sides = [{found.conversations[i].origin for i in side} for side in (train, test)]
    assert not sides[0] & sides[1]


def test_text_files_by_line_paragraph_and_whole(tmp_path: Path) -> None:
    path = write(tmp_path, "one\r\ntwo\r\n\r\n \nthree", "d.txt")
    units = {unit: source(path, text_unit=unit).conversations for unit in ("line", "paragraph", "document")}
    assert [c.messages[0].content for c in units["line"]] == ["one", "two", "three"]
    assert [c.messages[0].content for c in units["paragraph"]] == ["one\ntwo", "three"]
    assert [c.origin for c in units["paragraph"]] == ["d.txt:1", "d.txt:5"]
    assert source(path, text_unit="line").skipped == {"with an empty text": 2}
    assert len(units["document"]) == 1


def test_arrow_files_and_saved_folders(tmp_path: Path) -> None:
    import pyarrow

    table = pyarrow.Table.from_pylist([{"text": "a"}, {"text": "b"}])
    saved = tmp_path / "saved"
    saved.mkdir()
    with pyarrow.OSFile(str(saved / "data.arrow"), "wb") as sink, pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert "folder of arrow" not in complaint(tmp_path / "nothing")
    (saved / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    assert [c.messages[0].content for c in source(saved).conversations] == ["a", "b"]
    with pyarrow.OSFile(str(tmp_path / "d.arrow"), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    assert len(source(tmp_path / "d.arrow").conversations) == 2
    (saved / "state.json").write_text('{"_data_files": [{"filename": "../d.arrow"}]}')
    assert "lacks a file" in complaint(saved)
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert "lacks its state.json" in complaint(tmp_path / "splits")


def test_one_conversation_is_a_dataset_of_one_row(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps({"conversations": SHAREGPT}, indent=1), "one.json")
    assert len(source(path).conversations) == 1


@needs_shared
@pytest.mark.parametrize(
    ("name", "form", "rows"),
    [
        ("gsm8k/train.jsonl", "question_answer", 7473),
        ("lamini/lamini_docs.jsonl", "question_answer", 1400),
        ("llama_factory/alpaca_zh_demo.json", "alpaca", 1000),
        ("llama_factory/c4_demo.jsonl", "text", 300),
        ("medicalgpt/sharegpt_zh_1K_format.jsonl", "sharegpt", 1000),
        ("self_instruct/seed_tasks.jsonl", "self_instruct", 175),
        ("oasst/en_100_tree.jsonl", "oasst_tree", 564),
        ("oasst/en_100_message.jsonl", "oasst_message", 564),
        ("llama_factory/wiki_demo.txt", "text", 30),
    ],
)
def test_real_files_open_whole(name: str, form: str, rows: int) -> None:
    found = source(DATA / "datasets" / name)
    assert found.format == form
    assert len(found.conversations) + sum(found.skipped.values()) == rows
    assert GSM8K.exists()


def three(folder: Path, name: str, *texts: str) -> Path:
    return write(folder, "".join(json.dumps({"text": text}) + "\n" for text in texts), name)


def test_held_out_rows_come_from_a_split_or_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    three(folder, "train.jsonl", "a", "b", "c")
    three(folder, "test.jsonl", "t")
    three(folder, "valid.jsonl", "v")
    extra = three(tmp_path, "extra.jsonl", "x", "y")

    def held_out(**keys: Any) -> list[str] | None:
        found = source(folder, **keys)
        assert [c.messages[0].content for c in found.conversations] == ["a", "b", "c"]
        return None if found.held_out is None else [c.messages[0].content for c in found.held_out]

    assert held_out() == ["v"], "validation before test"
    assert held_out(held_out="test") == ["t"]
    assert held_out(held_out=str(extra)) == ["x", "y"]
    assert held_out(held_out="draw") is None
    assert "held_out = 'nowhere' is no split" in complaint(folder, held_out="nowhere")
    assert source(folder / "train.jsonl").held_out is None


def test_rows_that_the_run_file_leaves_out(tmp_path: Path) -> None:
    path = three(tmp_path, "d.jsonl", "a b", "other", "A  B", "third", "a b")
    found = source(path, exclude=ExcludeSection(findings=["exact_duplicate"], rows=[2]))
    assert [c.origin for c in found.conversations] == ["d.jsonl:1", "d.jsonl:4"]
    assert found.excluded == {"by number": 1, "exact_duplicate": 2}
    rows = ExcludeSection(rows=[4], sha256=found.sha256[:16])
    assert len(source(path, exclude=rows).conversations) == 4
    three(tmp_path, "d.jsonl", "new", "other", "x", "y")
    assert "has changed since rows of it were excluded" in complaint(path, exclude=rows)
    assert "has 4 rows; exclude.rows names row 9" in complaint(path, exclude=ExcludeSection(rows=[9]))
    leaked = three(tmp_path, "held.jsonl", "Other")
    found = source(path, held_out=str(leaked), exclude=ExcludeSection(findings=["leakage"]))
    assert [c.origin for c in found.conversations] == ["d.jsonl:1", "d.jsonl:3", "d.jsonl:4"]
    assert found.excluded == {"leakage": 1}


def test_a_torn_file_is_not_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "a"}\n' * 5000)[:-20])
    assert "was not written whole" in complaint(path)


def test_a_guess_is_not_trained_on_until_somebody_says_so(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps({"query": "q", "reply": "r"}) + "\n")
    text = complaint(path)
    assert "no more than a guess" in text
    assert 'format = "question_answer" and columns = {prompt = "query", answer = "reply"}' in text
    said = source(path, format="question_answer", columns={"prompt": "query", "answer": "reply"})
    assert [m.content for m in said.conversations[0].messages] == ["q", "r"]


def thread(number: int) -> list[dict[str, Any]]:
    roles = ("prompter", "assistant", "prompter", "assistant")
    said = (f"question {number}", "How can I help?", f"tell me of {number}", f"it is {number}")
    return [
        {"message_id": f"{number}.{i}", "parent_id": f"{number}.{i - 1}" if i else None, "role": role, "text": text}
        for i, (role, text) in enumerate(zip(roles, said, strict=True))
    ]


def test_rows_left_out_of_a_tree_take_along_what_replies_to_them(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for number in range(3) for row in thread(number)))
    source = read_source(DataSection(path=str(path), exclude=ExcludeSection(rows=[2])))
    assert source.excluded == {"by number": 1, "messages below one that was left out": 2}
    assert not source.bad
    assert [one.origin for one in source.conversations] == ["t.jsonl:5", "t.jsonl:9"]
    same = read_source(DataSection(path=str(path), exclude=ExcludeSection(findings=["exact_duplicate"])))
    assert len(same.conversations) == 3  # an answer that stands in two threads is no duplicate of either


def test_a_file_does_not_hold_out_itself(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"question": "q", "answer": "a"}\n')
    with pytest.raises(DataError, match="is the file that is trained on"):
        read_source(DataSection(path=str(path), held_out=str(path)))


@pytest.mark.parametrize("keys", [{}, {"max_rows": 10}])
def test_browsing_and_training_tell_the_format_by_the_same_rows(tmp_path: Path, keys: dict[str, Any]) -> None:
    path = tmp_path / "t.jsonl"
    first = ['{"text": "a text"}' if keys else "no row"] * (10 if keys else 200)
    path.write_text("\n".join([*first, *['{"question": "q", "answer": "a"}'] * 200]))
    section = DataSection(path=str(path), bad_lines="skip", **keys)
    reading, _ = survey(open_table(section), section)
    assert reading.format == read_source(section).format == ("text" if keys else "question_answer")


def test_every_role_of_a_format_can_be_given_a_column() -> None:
    roles = {role.removesuffix("?") for form in FORMATS.values() for role in form.roles}
    assert roles == set(get_args(ColumnRole))


def test_what_a_run_refuses_can_be_left_out_by_finding(tmp_path: Path) -> None:
    path = write(tmp_path, '{"question": "q", "answer": "a"}\n{"question"\n{"question": "q", "answer": 3}\n')
    assert "2 of 3 lines cannot be used" in complaint(path)
    found = source(path, exclude=ExcludeSection(findings=["unreadable", "misfit"]))
    assert [c.origin for c in found.conversations] == ["d.jsonl:1"]
    assert found.excluded == {"unreadable": 1, "misfit": 1}
    assert found.bad == []
