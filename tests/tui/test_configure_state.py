"""A draft as a form, without a screen: what is laid over the draft, what waits, and the way back."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path

import pytest

from tui.configure.clone import cloned
from tui.configure.command import CannotSayError, as_option, overrides, train_command
from tui.configure.form_state import FormState
from tui.configure.places import at, option
from tui.configure.starting import start_of
from tui.configure.text_lines import lines_of
from tui.configure_acts import next_name
from tui.tokens.model import Changes, Draft, Origin

TEXT = """# a first try
[model]
path = "{model}"  # small

[[data]]
path = "boats.jsonl"

[lora]
rank = 16

[train]
epochs = 2.0
batch_size = 4
"""


class Desk:
    """The desk as far as a form knows it: changes, and one state before each change of them."""

    def lay(self, draft: Draft, changes: Changes, turned: bool = False) -> None:
        draft.past.append(draft.changes)
        draft.changes = dict(changes)

    def undo(self, draft: Draft) -> bool:
        if draft.past:
            draft.changes = draft.past.pop()
            return True
        return False


def form_at(path: Path, text: str = "") -> FormState:
    """A form over a run file."""
    (path / "boats.jsonl").write_text("")
    (path / "model").mkdir(exist_ok=True)
    file = path / "boats.toml"
    file.write_text(text or TEXT.format(model="model"))
    return FormState(Draft(1, Origin(str(file))), Desk().lay, Desk().undo)


def test_every_field_says_where_its_value_comes_from(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    assert form.mistakes() == []
    assert (form.text("lora.rank"), form.origin("lora.rank")) == ("16", "file")
    assert (form.text("lora.alpha"), form.origin("lora.alpha")) == ("32", "default")
    form.put_text("lora.rank", "32")
    assert (form.value("lora.rank"), form.origin("lora.rank"), form.of_file("lora.rank")) == (32, "changed", 16)
    assert form.draft.changes == {"lora.rank": 32}
    assert "rank = 32" in form.checked.text
    assert "# small" in form.checked.text


def test_what_holds_anyway_is_no_change(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    form.put_text("lora.rank", "16")
    form.put_text("lora.alpha", "32.0")
    assert form.draft.changes == {}
    form.put_text("lora.rank", "8")
    form.put_text("lora.rank", "16")
    assert form.draft.changes == {}


def test_a_wrong_value_waits_as_it_was_typed(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    form.put_text("lora.rank", "many")
    assert form.draft.changes == {}
    assert form.draft.pending == {"lora.rank": "many"}
    assert form.text("lora.rank") == "many"
    assert "whole number" in form.said("lora.rank")[0][0]
    assert form.value("lora.rank") == 16
    form.put_text("train.learning_rate", "-1")
    assert form.draft.pending["train.learning_rate"] == "-1"
    assert len(form.mistakes()) == 2
    form.put_text("lora.rank", "64")
    assert form.draft.changes == {"lora.rank": 64}
    assert list(form.draft.pending) == ["train.learning_rate"]
    assert form.draft.unwritten == "1 change is not written, 1 value is wrong and is not written"


def test_what_is_wrong_beside_another_key_is_right_once_that_goes(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    form.put_text("train.steps", "100")
    assert "not both" in form.said("train.steps")[0][0]
    assert form.draft.changes == {}
    form.to_default("train.epochs")
    assert form.draft.changes == {"train.epochs": None, "train.steps": 100}
    assert form.draft.pending == {}
    assert form.mistakes() == []


def test_a_mistake_of_the_file_forbids_nothing_else(tmp_path: Path) -> None:
    form = form_at(tmp_path, TEXT.format(model="model").replace("rank = 16", "rnak = 16"))
    assert [key for key, _ in form.mistakes()] == ["lora.rnak"]
    form.put_text("train.batch_size", "8")
    assert form.draft.changes == {"train.batch_size": 8}
    assert form.marks(next(group for group in form.groups if group.key == "lora"))[0] == 1


def test_trying_changes_nothing(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    assert form.try_text("lora.rank", "0") == (["`lora.rank` is 0: it must be at least 1"], [])
    assert form.try_text("lora.rank", "8") == ([], [])
    assert "usual is 1 to 2" in form.try_text("lora.alpha", "512")[1][0]
    assert form.draft.changes == form.draft.pending == {}


def test_undo_and_redo_go_through_right_and_wrong_values(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    form.put_text("lora.rank", "32")
    form.put_text("train.batch_size", "lots")
    form.put_text("train.batch_size", "2")
    assert form.undo() == "train.batch_size is lots again."
    assert form.draft.changes == {"lora.rank": 32}
    assert form.undo() == "train.batch_size is 4 again."
    assert form.draft.pending == {}
    assert form.undo() == "lora.rank is 16 again."
    assert form.undo() == ""
    assert [form.redo(), form.redo(), form.redo()] == [
        "lora.rank is 32 again.",
        "train.batch_size is lots again.",
        "train.batch_size is 2 again.",
    ]
    assert form.redo() == ""
    assert form.draft.changes == {"lora.rank": 32, "train.batch_size": 2}
    form.undo()
    form.put_text("lora.alpha", "64")
    assert form.redo() == ""


def test_undo_all_takes_wrong_values_back_too(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    form.put_text("lora.rank", "32")
    form.put_text("train.batch_size", "lots")
    form.undo_all()
    assert form.draft.changes == form.draft.pending == {}
    form.undo()
    assert form.draft.changes == {"lora.rank": 32}
    assert form.draft.pending == {"train.batch_size": "lots"}


def test_a_change_of_another_screen_is_followed_and_undone_in_its_turn(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    form.put_text("lora.rank", "bad")
    Desk().lay(form.draft, {"tokens.max_length": 64})
    assert form.refresh()
    assert form.text("tokens.max_length") == "64"
    form.undo()
    assert form.draft.changes == {}
    assert form.draft.pending == {"lora.rank": "bad"}
    form.undo()
    assert form.draft.pending == {}


def test_what_the_service_refuses_waits_with_its_reason(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    form.put_text("model.path", "nowhere-1")
    assert form.draft.changes == {"model.path": "nowhere-1"}
    form.draft.changes, form.draft.refused = form.draft.past.pop(), "There is no model nowhere-1."
    assert form.refresh()
    assert form.draft.pending == {"model.path": "nowhere-1"}
    assert form.said("model.path")[0] == ["There is no model nowhere-1."]
    form.put_text("lora.rank", "8")
    assert "model.path" in form.draft.pending
    form.put_text("model.path", "model")
    assert form.draft.pending == {}
    form.undo()
    form.undo()
    assert form.draft.pending == {"model.path": "nowhere-1"}
    assert form.undo() == "model.path is model again."


def test_several_values_at_once_are_one_step(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    form.put({"lora.rank": 64, "lora.alpha": 16.0, "train.batch_size": 16})
    assert len(form.draft.changes) == 3
    form.undo()
    assert form.draft.changes == {}
    form.put({"lora.rank": 8, "train.batch_size": 0})
    assert form.draft.changes == {"lora.rank": 8}
    assert form.draft.pending == {"train.batch_size": "0"}


def test_turning_and_taking_back(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    form.turn("lora.rank", 1)
    assert form.value("lora.rank") > 16
    form.put_text("lora.rank", "none of it")
    form.turn("lora.rank", -1)
    assert form.draft.pending == {}
    form.take_back("lora.rank")
    assert form.draft.changes == {}
    form.to_default("lora.rank")
    assert form.draft.changes == {"lora.rank": None}
    form.turn("lora.rslora", 1)
    assert form.value("lora.rslora") is True


def test_a_file_that_is_none_says_where(tmp_path: Path) -> None:
    form = form_at(tmp_path, "[model\npath = 1\n")
    assert form.broken is not None
    assert form.broken.line == 1
    Path(form.draft.origin.path).write_text(TEXT.format(model="model"))
    assert form.changed_on_disk()
    form.read()
    assert form.broken is None
    assert not form.changed_on_disk()
    Path(form.draft.origin.path).unlink()
    form.read()
    assert form.broken is not None
    assert "no run file" in form.broken.message


def test_changes_that_the_file_says_meanwhile_are_none(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    form.put_text("lora.rank", "32")
    form.put_text("train.batch_size", "2")
    path = Path(form.draft.origin.path)
    path.write_text(path.read_text().replace("rank = 16", "rank = 32"))
    form.read()
    form.forget_what_the_file_says()
    assert form.draft.changes == {"train.batch_size": 2}


def test_a_draft_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    origin = Origin(table=(("model", {"path": "m"}), ("data", [{"path": "a.jsonl"}, {"path": "b.jsonl"}])), name="two")
    form = FormState(Draft(1, origin), Desk().lay, Desk().undo)
    assert [group.key for group in form.groups][2:4] == ["data[0]", "data[1]"]
    assert form.text("data[1].path") == "b.jsonl"
    form.put_text("data[1].template", "qa")
    assert 'template = "qa"' in form.checked.text
    start = start_of(form, None)
    assert (start.ways_with, start.problems) == ([], [])
    assert "written first" in start.why_write


# The command line


def test_the_command_says_what_the_draft_says(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    form.put_text("lora.rank", "32")
    form.put_text("train.scheduler", "linear")
    form.put_text("data[0].template", "qa")
    values = overrides(form)
    assert values == ["lora.rank=32", 'train.scheduler="linear"', 'data.0.template="qa"']
    command = train_command(Path("/a b/run.toml"), values, tmp_path, "1")
    assert command.startswith("luthier train '/a b/run.toml' --set lora.rank=32 --set 'train.scheduler=\"linear\"'")
    assert command.endswith(f"--device 1 --runs-dir {tmp_path} --detach")
    assert as_option("eval.samples", ["it's", "two\nlines"]).startswith("--set 'eval.samples=[")
    from engine.config.load import load

    run = load(Path(form.draft.origin.path), values)
    assert (run.lora.rank, run.train.scheduler, run.data[0].template) == (32, "linear", "qa")


def test_a_path_is_the_same_from_anywhere(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    (tmp_path / "other.jsonl").write_text("")
    form.put_text("data[0].path", "other.jsonl")
    assert overrides(form) == [f'data.0.path="{tmp_path / "other.jsonl"}"']


def test_what_a_command_cannot_say_is_said(tmp_path: Path) -> None:
    form = form_at(tmp_path)
    form.to_default("train.epochs")
    with pytest.raises(CannotSayError, match=r"train\.epochs"):
        overrides(form)
    assert start_of(form, None).ways_with == ["write"]
    form.undo()
    form.put_text("lora.rank", "8")
    assert start_of(form, None).ways_with == ["write", "as they are"]


# Small parts


def test_lines_of_a_text_that_changed() -> None:
    found = lines_of("a\nb\nc\nd\n", "a\nB\nd\ne\n")
    assert [(line.text, line.kind) for line in found] == [("a", ""), ("B", "changed"), ("d", ""), ("e", "new")]
    assert [line.kind for line in lines_of("a\nb\n", "a\n")] == ["", "gone"]
    assert [line.number for line in lines_of("a\nb\nc\n", "a\nc\n")] == [1, 0, 2]


def test_a_clone_leaves_out_what_holds_anyway(tmp_path: Path) -> None:
    from engine.config.load import dump, load

    form = form_at(tmp_path)
    whole = tomllib.loads(dump(load(Path(form.draft.origin.path))))
    short = cloned(whole)
    assert set(short) == {"name", "model", "data", "train"}
    assert short["train"] == {"epochs": 2.0, "batch_size": 4}
    assert short["model"] == {"path": str(tmp_path / "model")}
    assert at(whole, "train.clip") == 1.0
    day = datetime.date(2026, 1, 31)
    dated = {**whole, "model": {**whole["model"], "date": day}}
    assert "date" in cloned(dated)["model"]
    assert "date" not in cloned(dated, day)["model"]


def test_names_and_options() -> None:
    assert next_name("boats", []) == "boats-2"
    assert next_name("boats-2", ["boats-3"]) == "boats-4"
    assert option("data[3].exclude.rows") == "data.3.exclude.rows"
