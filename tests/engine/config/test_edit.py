"""Keys set in a run file: their lines change and no others, however the file is written."""

from __future__ import annotations

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.edit import describe, plan_changes
from engine.config.load import load
from engine.config.use import Change, write
from engine.errors import ConfigError

COMMENTED = """\
# my favourite run
name = "boats"

[model]  # a small one
path = "/m"

# where the rows come from
[[data]]
path = "/a.jsonl"
template = "qa"

# more of them
[[data]]
path = "/b.jsonl"  # twice as much

[data.exclude]
rows = [
    1,  # odd
    2,
]

[train]
learning_rate = 2e-4  # as in the paper
"""


def a_file(folder: Path, text: str | bytes = COMMENTED) -> Path:
    path = folder / "run.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def edited(folder: Path, changes: dict[str, Any], text: str = COMMENTED) -> str:
    return plan_changes(a_file(folder, text), changes).text


def test_a_value_is_replaced_where_it_stands(tmp_path: Path) -> None:
    made = plan_changes(a_file(tmp_path), {"data[1].path": "/c # d.jsonl", "data[0].template": "chatml"})
    assert made.text == COMMENTED.replace("/b.jsonl", "/c # d.jsonl").replace('"qa"', '"chatml"')
    assert made.changes == [
        Change("changed", "data[1].path", "/b.jsonl -> /c # d.jsonl"),
        Change("changed", "data[0].template", "qa -> chatml"),
    ]
    assert made.lost_comments == 0
    assert made.run.data[1].path == "/c # d.jsonl"
    write(made)
    assert load(tmp_path / "run.toml").data[0].template == "chatml"


def test_a_new_key_stands_behind_the_last_of_its_table(tmp_path: Path) -> None:
    text = edited(tmp_path, {"model.attention": "eager", "data[0].max_rows": 5, "data[1].max_rows": 7, "train.seed": 3})
    assert '[model]  # a small one\npath = "/m"\nattention = "eager"\n\n# where the rows come from\n' in text
    assert 'template = "qa"\nmax_rows = 5\n\n# more of them\n' in text
    assert 'path = "/b.jsonl"  # twice as much\nmax_rows = 7\n\n[data.exclude]\n' in text
    assert text.endswith("# as in the paper\nseed = 3\n")


def test_a_new_table_stands_at_the_end(tmp_path: Path) -> None:
    text = edited(tmp_path, {"tokens.max_length": 768, "tokens.packing": "bfd"})
    assert text == COMMENTED + '\n[tokens]\nmax_length = 768\npacking = "bfd"\n'
    text = edited(tmp_path, {"tokens.max_length": 768}, COMMENTED.rstrip("\n"))
    assert text == COMMENTED + "\n[tokens]\nmax_length = 768\n"


def test_a_new_table_in_a_source_is_one_line(tmp_path: Path) -> None:
    text = edited(tmp_path, {"data[0].exclude.findings": ["exact_duplicate"]})
    assert 'template = "qa"\nexclude = {findings = ["exact_duplicate"]}\n\n# more' in text
    text = edited(tmp_path, {"data[1].exclude.findings": ["exact_duplicate"]})
    assert '    2,\n]\nfindings = ["exact_duplicate"]\n\n[train]' in text


def test_what_says_the_same_is_left_alone(tmp_path: Path) -> None:
    path = a_file(tmp_path, COMMENTED.replace("\n", "\r\n").encode() + b"# mixed\n")
    made = plan_changes(
        path,
        {"train.learning_rate": 0.0002, "data[1].exclude.rows": [1, 2], "tokens.max_length": None, "name": "boats"},
    )
    assert made.text.encode() == path.read_bytes()
    assert made.changes == []
    flag = COMMENTED + "gradient_checkpointing = true\n"
    assert "gradient_checkpointing = false" in edited(tmp_path, {"train.gradient_checkpointing": False}, flag)
    with pytest.raises(ConfigError, match=r"run\.toml:24: `train.seed` must be a whole number, not true"):
        edited(tmp_path, {"train.seed": True}, COMMENTED + "seed = 1\n")


def test_a_key_goes_and_an_emptied_table_with_it(tmp_path: Path) -> None:
    text = edited(tmp_path, {"data[1].exclude.rows": None})
    assert text.endswith('path = "/b.jsonl"  # twice as much\n\n[train]\nlearning_rate = 2e-4  # as in the paper\n')
    made = plan_changes(a_file(tmp_path), {"data[1].exclude.rows": None, "train.learning_rate": None})
    assert made.text.endswith('path = "/b.jsonl"  # twice as much\n\n')
    assert made.lost_comments == 2
    assert made.changes[1] == Change("gone", "train.learning_rate", "0.0002 -> none")
    assert edited(tmp_path, {"data[1].exclude": None}) == edited(tmp_path, {"data[1].exclude.rows": None})
    kept = edited(tmp_path, {"train.learning_rate": None}, COMMENTED + "# the end\n")
    assert kept.endswith("]\n\n# the end\n"), "a comment below is no part of it"


@pytest.mark.parametrize(
    ("before", "changes", "after"),
    [
        ("tokens.max_length = 50 # c\n", {"tokens.max_length": 90}, "tokens.max_length = 90 # c\n"),
        ("tokens . 'max_length'=50\n", {"tokens.max_length": 90}, "tokens . 'max_length'=90\n"),
        (
            "tokens.max_length = 50\nlora.rank = 3\n",
            {"tokens.truncation": "left"},
            'tokens.max_length = 50\ntokens.truncation = "left"\nlora.rank = 3\n',
        ),
        ("tokens.max_length = 50\n", {"tokens.max_length": None}, ""),
        ("tokens = {max_length = 50} # c\n", {"tokens.max_length": 90}, "tokens = {max_length = 90} # c\n"),
        (
            "tokens = { max_length = 50 }\n",
            {"tokens.truncation": "left"},
            'tokens = {max_length = 50, truncation = "left"}\n',
        ),
        ("tokens = {max_length = 50}\n", {"tokens.max_length": None}, ""),
    ],
)
def test_keys_with_dots_and_tables_on_one_line(
    tmp_path: Path, before: str, changes: dict[str, Any], after: str
) -> None:
    rest = '# rows\ndata = [{path = "/a"}] # all\nmodel.path = "/m"\n'
    assert edited(tmp_path, changes, before + rest) == after + rest


def test_sources_on_one_line(tmp_path: Path) -> None:
    text = 'data = [\n  {path = "/a"}, # one\n  {path = "/b"},\n] # all\nmodel.path = "/m"\n'
    made = plan_changes(a_file(tmp_path, text), {"data[1].template": "qa"})
    assert made.text == 'data = [{path = "/a"}, {path = "/b", template = "qa"}] # all\nmodel.path = "/m"\n'
    assert made.lost_comments == 1


def test_dots_within_a_source(tmp_path: Path) -> None:
    text = '[model]\npath = "/m"\n[[data]]\n  path = "/a"\n  exclude.rows = [1]\n  # note\n\n[[data]]\npath = "/b"\n'
    assert edited(tmp_path, {"data[0].exclude.sha256": "ab" * 8}, text) == text.replace(
        "rows = [1]\n", f'rows = [1]\n  exclude.sha256 = "{"ab" * 8}"\n'
    )
    assert edited(tmp_path, {"data[0].exclude.rows": None}, text) == text.replace("  exclude.rows = [1]\n", "")
    assert edited(tmp_path, {"data[0].max_rows": 3}, text) == text.replace("[1]\n", "[1]\n  max_rows = 3\n")


def test_tables_apart_from_each_other_stay_where_they_are(tmp_path: Path) -> None:
    text = '[[data]]\npath = "/a"\n[lora]\nrank = 8\n[[data]]\npath = "/b"\n[model]\npath = "/m"\n'
    assert edited(tmp_path, {"data[1].template": "qa", "data[0].max_rows": 2}, text) == text.replace(
        '"/b"\n', '"/b"\ntemplate = "qa"\n'
    ).replace('"/a"\n', '"/a"\nmax_rows = 2\n')


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_the_byte_order_mark_stay(tmp_path: Path, mark: bytes) -> None:
    path = a_file(tmp_path, mark + COMMENTED.replace("\n", "\r\n").encode())
    prompt = "### Frage:\n{q}\n\n### Antwort:\n"
    changes = {"data[0].template": "custom", "data[0].prompt": prompt, "data[0].completion": "{a}"}
    write(plan_changes(path, {**changes, "tokens.max_length": 99}))
    after = path.read_bytes()
    assert after.count(b"\r\n") == after.count(b"\n")
    assert after.startswith(mark + b"# my")
    assert b'prompt = """\r\n### Frage:\r\n{q}\r\n\r\n### Antwort:\r\n"""\r\n' in after
    assert load(path).data[0].prompt == prompt


def test_a_path_beside_the_run_file_is_written_short(tmp_path: Path) -> None:
    text = edited(
        tmp_path, {"model.chat_template": str(tmp_path / "t" / "own.jinja"), "data[0].path": "/elsewhere.jsonl"}
    )
    assert 'chat_template = "t/own.jinja"\n' in text
    assert 'path = "/elsewhere.jsonl"\n' in text
    again = plan_changes(a_file(tmp_path, text), {"model.chat_template": str(tmp_path / "t" / "own.jinja")})
    assert again.changes == []


def test_a_whole_table_is_set_key_by_key(tmp_path: Path) -> None:
    text = COMMENTED.replace('"qa"\n', '"qa"\n[data.columns] # which\nprompt = "q" # first\nanswer = "a"\n')
    after = edited(tmp_path, {"data[0].columns": {"prompt": "q", "system": "s"}}, text)
    assert after == text.replace('answer = "a"\n', 'system = "s"\n')
    after = edited(tmp_path, {"data[0].columns": {"text": "t"}}, text)
    assert '[data.columns] # which\ntext = "t"\n' in after


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"tokens.max_lenght": 3}, r"unknown key `tokens.max_lenght`; did you mean `tokens.max_length`"),
        ({"data[0].template": "llama4"}, r"run\.toml:10: `data\[0\]\.template` is 'llama4'"),
        ({"data[2].template": "qa"}, r"data\[2\]\.template is not there: the run file has 2 \[\[data\]\] tables"),
        ({"data.template": "qa"}, "`data` is a list of tables and no table"),
        ({"name.x": 1}, "`name` is a value and no table"),
        ({"data[0]": {}}, "is a whole table"),
        ({"tokens": 5}, "`tokens` must be a table"),
        ({"": 5}, "'' is no key"),
        ({"data[0].a b": 5}, "is no key"),
        ({"model.path": None}, "`model.path` is missing|`model` is missing"),
        ({"data": [{"path": "/z"}]}, "cannot be changed alone"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        plan_changes(a_file(tmp_path), changes)
    assert (tmp_path / "run.toml").read_text() == COMMENTED


def test_no_run_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no run file"):
        plan_changes(tmp_path / "run.toml", {"name": "x"})
    with pytest.raises(ConfigError, match="not valid TOML"):
        edited(tmp_path, {"name": "x"}, "[[[")


def test_a_long_list_is_read_at_once(tmp_path: Path) -> None:
    """Not again for each of its lines, which would take minutes."""
    rows = "".join(f"    {number}, # {number}\n" for number in range(20_000))
    text = COMMENTED.replace("    1,  # odd\n    2,\n", rows)
    assert edited(tmp_path, {"tokens.max_length": 50}, text) == text + "\n[tokens]\nmax_length = 50\n"


@pytest.mark.parametrize(
    "odd",
    [
        "# [tokens]\n",
        'prompt = """\n[tokens]\nmax_length = 1 # no\n"""\n',
        "completion = '''\na, # b,'''\n",
        'assistant = "a # b ] = [x]" # c = 1\n',
        'columns = {prompt = \'a#b\', "answer" = "="} # ]\n',
        "exclude.rows = [ # [\n 1, # ],\n 2\n] # ,\n",
        '"max_rows" = 1_0\n',
        "  [data.exclude] # ]]\n  rows = []\n",
    ],
)
def test_what_looks_like_something_else_is_not_taken_for_it(tmp_path: Path, odd: str) -> None:
    text = f'[model]\npath = "/m"\n[[data]]\npath = "/a"\n{odd}\n# lora, of course\n[lora]\nrank = 8\n'
    table = tomllib.loads(text)
    from engine.config.edit import _changed
    from engine.config.statements import lines_of

    wanted = copy.deepcopy(table)
    wanted["lora"]["rank"] = 9
    wanted["data"][0]["text_unit"] = "line"
    lines = _changed(lines_of(text), ("lora", "rank"), 8, 9, wanted)
    after = "".join(_changed(lines, ("data", 0, "text_unit"), None, "line", wanted))
    assert tomllib.loads(after) == wanted
    assert after.replace('text_unit = "line"\n', "").lstrip() == text.replace("rank = 8", "rank = 9").replace(
        '  text_unit = "line"\n', ""
    )


def test_lines_for_the_screen() -> None:
    changes = {
        "tokens.max_length": 768,
        "data[0].template": "custom",
        "tokens.packing": None,
        "data[0].prompt": "a\n" * 90,
    }
    now = {"tokens.max_length": 512, "tokens": {"packing": "bfd"}, "data": [{"template": "qa"}]}
    assert describe(changes, now) == [
        "tokens.max_length  512 -> 768",
        "data[0].template   qa -> custom",
        "tokens.packing     bfd -> none",
        "data[0].prompt     none -> " + "a\\n" * 19 + "a\\…",
    ]
    assert describe({}, {}) == []


# Any way to write a file

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["one", "two"]),
    "model.revision": st.text("#\"'\\\n =[]é", max_size=6),
    "model.trust_remote_code": st.booleans(),
    "tokens.max_length": st.integers(16, 99),
    "tokens.supervise": st.sampled_from(["last", "all"]),
    "lora.rank": st.integers(1, 64),
    "data[0].columns.prompt": st.text("é#\"'\\\n.", min_size=1, max_size=6),
    "data[0].columns.answer": st.just("a"),
    "data[0].exclude.rows": st.lists(st.integers(1, 9), min_size=1, max_size=4),
    "data[1].max_rows": st.integers(1, 9),
    "data[1].template": st.sampled_from(["qa", "chatml"]),
}
NAMES = ("model", "tokens", "lora")


@st.composite
def a_text(draw: st.DrawFn) -> str:
    """A run file with comments, in any of the ways to write one."""
    import tomli_w

    said: dict[str, Any] = {"model": {"path": "/m"}, "data": [{"path": "/a"}, {"path": "/b"}]}
    from engine.config.edit import _place, _put, _value

    for key in draw(st.lists(st.sampled_from(sorted(VALUES)), unique=True)):
        _put(said, _place(key), draw(VALUES[key]))
    note = lambda: draw(st.sampled_from(["", " # c", "  # x = [1]"]))  # noqa: E731
    between = lambda: draw(st.sampled_from(["", "\n", "# b\n", "\n# b\n\n"]))  # noqa: E731
    top, below = "", ""
    for name in [name for name in NAMES if name in said]:
        style = draw(st.sampled_from(["dots", "inline", "header"]))
        if style == "dots":
            top += "".join(f"{name}.{k} = {_value(v)}{note()}\n" for k, v in said[name].items()) + between()
        elif style == "inline":
            top += f"{name} = {_value(said[name])}{note()}\n" + between()
        else:
            body = "".join(f"{k} = {_value(v)}{note()}\n{between()}" for k, v in said[name].items())
            below += f"[{name}]{note()}\n{body}"
    if "name" in said:
        top = f"name = {_value(said['name'])}{note()}\n" + top
    if draw(st.booleans()):
        return f"{top}data = {_value(said['data'])}{note()}\n{between()}{below}"
    for source in said["data"]:
        headed = {k: v for k, v in source.items() if isinstance(v, dict) and draw(st.booleans())}
        below += f"{between()}[[data]]{note()}\n"
        below += "".join(f"{k} = {_value(v)}{note()}\n{between()}" for k, v in source.items() if k not in headed)
        below += "".join(f"[data.{k}]{note()}\n{tomli_w.dumps(v)}{between()}" for k, v in headed.items())
    return f"{between()}{top}{below}"


@settings(max_examples=150, deadline=None)
@given(text=a_text(), data=st.data())
def test_any_file_says_what_is_wanted_and_keeps_the_rest(
    text: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from engine.config.edit import _found, _place, _pruned, _put

    keys = data.draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=3, unique=True))
    changes = {key: data.draw(st.one_of(st.none(), VALUES[key])) for key in keys}
    path = a_file(tmp_path_factory.mktemp("edit"), text)
    made = plan_changes(path, changes)
    wanted = tomllib.loads(text)
    for key, value in changes.items():
        if _found(wanted, _place(key)) != value:
            _put(wanted, _place(key), value)
    assert _pruned(tomllib.loads(made.text)) == _pruned(wanted)
    assert [line for line in made.text.splitlines() if line == "# b"] == re.findall("^# b$", text, re.MULTILINE)
    if not made.changes:
        assert made.text == text
    changed = "|".join(name for key in keys for name in re.findall("[a-z_]+", key))
    rest = [
        line
        for line in re.findall(r"^(?:# b|\[+[a-z]|[a-z._]+ = ).*", text, re.MULTILINE)
        if not re.search(changed, line)
    ]
    after = iter(made.text.splitlines())
    assert all(line in after for line in rest), "the other lines are there, in the same order"
