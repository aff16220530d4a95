"""`luthier inspect`: what it says is what is trained."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from engine.cli import console
from engine.cli.inspect_verb import CUTS, Asked, inspect
from engine.config.load import dump, load
from engine.errors import ConfigError, DataError
from engine.runs.events import Step, encode
from engine.tokens.cutting import cut_row
from engine.tokens.prepare import prepare
from engine.tokens.tokenizer import load_tokenizer
from tests.tiny import run_toml

TALK = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "I."}]


@pytest.fixture
def run_file(tmp_path: Path, tiny_model: Path, rows_file: Path) -> Path:
    return run_toml(
        tmp_path / "run.toml", tiny_model, rows_file, "[tokens]\nmax_length = 50\n[train]\nbatch_size = 3\n"
    )


class Screen:
    """Asks, and returns what was printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def json(self, file: Path, *overrides: str, **asked: Any) -> Any:
        inspect(file, Asked(**asked), list(overrides), None, True)
        return json.loads(self._capsys.readouterr().out)

    def text(self, file: Path, *overrides: str, **asked: Any) -> str:
        inspect(file, Asked(**asked), list(overrides), None, False)
        return self._capsys.readouterr().out


@pytest.fixture
def screen(capsys: pytest.CaptureFixture[str]) -> Screen:
    return Screen(capsys)


@pytest.fixture
def talks(tmp_path: Path, tiny_model: Path) -> Path:
    """Three conversations; the second is too long for the template."""
    data = tmp_path / "talks.jsonl"
    data.write_text("".join(json.dumps({"messages": TALK * n}) + "\n" for n in (1, 2, 1)))
    file = run_toml(tmp_path / "talks.toml", tiny_model, data, 'template = "qa"\n[split]\ntest_size = 0\n')
    return file


def test_overview(run_file: Path, tiny_model: Path, screen: Screen) -> None:
    told = screen.json(run_file)
    prepared = prepare(load(run_file), load_tokenizer(tiny_model), {})
    train = prepared.train
    assert (told["rows"], told["train_sequences"], told["test_sequences"]) == (40, len(train), len(prepared.test))
    assert (told["train_tokens"], told["supervised_tokens"]) == (train.tokens, train.supervised_tokens)
    assert (told["cut_tokens"], told["steps"]) == (train.cut_tokens, prepared.plan().steps)
    assert told["findings"] == prepared.findings
    assert told["length_max"] == int(train.lengths.max())
    assert told["starts"]
    assert told["context"] == 256
    text = screen.text(run_file)
    assert f"train sequences {len(train):>15,}" in text.replace("  ", " ") or f"{len(train):,}" in text
    assert "× its answer is cut" in text


def test_a_row_with_what_is_cut(run_file: Path, screen: Screen) -> None:
    told = screen.json(run_file, row=7)
    marks = [token["mark"] for token in told["tokens"]]
    (sequence,) = told["sequences"]
    assert marks.count("cut") == told["cut"] == sequence["cut"] > 0
    assert [t["id"] for t in told["tokens"] if t["mark"] != "cut"] == sequence["ids"]
    assert [t["id"] for t in told["tokens"] if t["mark"] == "trained"] == [x for x in sequence["labels"] if x != -100]
    assert told["tokens"][-1]["reason"] == "cut: beyond max_length = 50"
    assert "".join(s["text"] for s in told["segments"]) == told["text"]
    assert told["parity"][0]["equal"]
    text = screen.text(run_file, row=7)
    assert "──── cut: beyond max_length = 50 ────" in text
    before, _, behind = text.partition("──── cut")
    assert "⟦It" in before
    assert "⟧" in before
    assert "·and│·rop│e" in behind
    assert "finding: its answer is cut" in text


def test_a_row_in_several_sequences(run_file: Path, screen: Screen) -> None:
    told = screen.json(run_file, "tokens.truncation=split", "tokens.max_length=20", row=7)
    assert len(told["sequences"]) > 2
    assert sum(len(s["ids"]) for s in told["sequences"]) == len(told["tokens"])
    text = screen.text(run_file, "tokens.truncation=split", "tokens.max_length=20", row=7)
    assert text.count("──── sequence ") == len(told["sequences"]) - 1


def test_a_held_out_row_of_wrapped_text(tmp_path: Path, tiny_model: Path, screen: Screen) -> None:
    """It is trained in one piece with its neighbours, and evaluated alone, in pieces that the model can see."""
    data = tmp_path / "text.jsonl"
    data.write_text("".join(json.dumps({"text": "salt and rope " * 20}) + "\n" for _ in range(6)))
    keys = '[tokens]\nmax_length = 16\npacking = "wrapped"\n[split]\ntest_size = 2\n'
    file = run_toml(tmp_path / "text.toml", tiny_model, data, keys)
    sequences = {"train": set[bool](), "test": set[bool]()}
    for row in range(1, 7):
        told = screen.json(file, row=row)
        sequences[told["split"]].add(len(told["sequences"]) > 1)
    assert sequences == {"train": {False}, "test": {True}}
    assert screen.json(file, stats=True)["strategies"][2]["sequences"] == 4, "under another way rows are cut"


def test_a_row_that_a_run_would_refuse_for_its_length(run_file: Path, screen: Screen) -> None:
    told = screen.json(run_file, "tokens.truncation=error", row=7)
    assert "Raise it" in told["problem"]
    assert told["state"] == "left_out"
    assert len(told["sequences"]) == 1
    assert "Raise it" in screen.text(run_file, "tokens.truncation=error", row=7)


def test_rows_that_a_template_refuses(talks: Path, screen: Screen) -> None:
    told = screen.json(talks, row=2)
    assert (told["state"], told["sequences"], told["tokens"]) == ("refused", [], [])
    assert "one question and one answer" in told["problem"]
    overview = screen.json(talks)
    assert [refused["origin"] for refused in overview["refused"]] == ["talks.jsonl:2"]
    assert not overview["starts"]
    assert overview["train_sequences"] == 2
    assert screen.json(talks, 'tokens.refused_rows="skip"')["starts"]
    assert "A run refuses to start" in screen.text(talks)
    found = screen.json(talks, findings=True)
    assert [problem["row"] for problem in found["problems"]] == [2]
    with pytest.raises(DataError, match="cannot be written by their template"):
        screen.json(talks, batch=1)  # there is none to show: this run does not start


def test_statistics(run_file: Path, tiny_model: Path, screen: Screen) -> None:
    told = screen.json(run_file, "tokens.max_length=200", stats=True)
    prepared = prepare(load(run_file, ["tokens.max_length=200"]), load_tokenizer(tiny_model), {})
    whole = prepared.path.whole([prepared.rows[row] for row in prepared.train_rows])
    lengths = [len(row.ids) for row in whole]
    assert (told["lengths"]["rows"], told["lengths"]["tokens"], told["lengths"]["max"]) == (
        38,
        sum(lengths),
        max(lengths),
    )
    assert sum(told["lengths"]["counts"]) == 38
    assert [cut["max_length"] for cut in told["cuts"]] == sorted({200, *CUTS})
    for cut in told["cuts"]:
        parts = [cut_row(row, cut["max_length"], "right", 0)[0] for row in whole]
        assert cut["lost"] == sum(part.cut for part in parts)
        assert cut["over"] == sum(length > cut["max_length"] for length in lengths)
        assert cut["kept"] + cut["lost"] + cut["left_out"] == sum(lengths)
    ways = {way["name"]: way for way in told["strategies"]}
    assert ways["random"]["steps"] == prepared.plan().steps
    assert ways["packed"]["steps"] < ways["random"]["steps"]
    assert all(0 <= way["waste"] < 1 for way in ways.values())
    text = screen.text(run_file, stats=True)
    assert "▸ random" in text
    assert "in force" in text
    assert "beyond the model's 256" in text
    assert 'tokens.packing = "bfd"' in text


def test_findings_and_what_mends_them(run_file: Path, screen: Screen) -> None:
    told = screen.json(run_file, findings=True)
    rules = {finding["rule"]: finding for finding in told["findings"]}
    assert rules["answer_cut"]["why"]
    fix = next(fix for fix in rules["answer_cut"]["fixes"] if "tokens.max_length" in fix["changes"])
    mended = screen.json(run_file, f"tokens.max_length={fix['changes']['tokens.max_length']}", findings=True)
    assert "answer_cut" not in {finding["rule"] for finding in mended["findings"]}
    text = screen.text(run_file, findings=True)
    assert f"--set 'tokens.max_length={fix['changes']['tokens.max_length']}'" in text
    assert rules["answer_cut"]["cure"] in text


def test_a_batch(run_file: Path, tiny_model: Path, screen: Screen) -> None:
    batch = prepare(load(run_file), load_tokenizer(tiny_model), {}).plan().batch(2)
    told = screen.json(run_file, batch=2)
    assert told["fingerprint"] == batch.fingerprint
    assert told["journal"] is None
    assert told["ids"] == batch.ids.tolist()
    assert told["row_numbers"] == [[row + 1 for row in rows] for rows in batch.rows]
    assert told["rows"] == [list(origins) for origins in batch.origins]
    text = screen.text(run_file, batch=2)
    assert batch.fingerprint in text
    assert "journal" not in text
    with pytest.raises(ConfigError, match="steps"):
        screen.json(run_file, batch=9999)


def journaled(run_dir: Path, run_file: Path, batches: list[str]) -> Path:
    """A run directory whose journal has these fingerprints, one a step."""
    run_dir.mkdir(parents=True)
    (run_dir / "run.toml").write_text(dump(load(run_file)))
    steps = [Step(step=n, epoch=0.1, loss=1.0, batch=batch) for n, batch in enumerate(batches, 1)]
    (run_dir / "events.jsonl").write_bytes(b"".join(map(encode, steps)))
    return run_dir


def test_a_batch_of_a_run_against_its_journal(run_file: Path, tmp_path: Path, screen: Screen) -> None:
    mine = screen.json(run_file, batch=2)["fingerprint"]
    run_dir = journaled(tmp_path / "runs" / "run-1", run_file, ["0" * 12, mine])
    assert screen.json(run_dir, batch=2)["journal"] == {"fingerprint": mine, "same": True}
    assert "✓ as journaled" in screen.text(run_dir / "run.toml", batch=2)
    with pytest.raises(SystemExit) as ended:
        screen.json(run_dir, batch=1)
    assert ended.value.code == 1
    with pytest.raises(SystemExit):
        screen.text(run_dir, batch=1)
    assert "step 3 is not in the journal yet" in screen.text(run_dir, batch=3)
    assert (
        screen.json(run_dir, "train.shuffle=false", batch=1)["journal"] is None
    )  # another run file: nothing to compare


def test_what_differs_from_the_journal_is_said(
    run_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = journaled(tmp_path / "run-1", run_file, ["0" * 12])
    with pytest.raises(SystemExit):
        inspect(run_dir, Asked(batch=1), [], None, True)
    assert json.loads(capsys.readouterr().out)["journal"] == {"fingerprint": "0" * 12, "same": False}
    with pytest.raises(SystemExit):
        inspect(run_dir, Asked(batch=1), [], None, False)
    said = capsys.readouterr()
    assert f"✗ differs from the journal, which has {'0' * 12}" in said.out
    assert "not what they were" in said.err


def test_one_question_at_a_time(run_file: Path, screen: Screen) -> None:
    for asked in ({"row": 1, "batch": 1}, {"stats": True, "findings": True}, {"row": 1, "findings": True}):
        with pytest.raises(ConfigError, match="one at a time"):
            screen.json(run_file, **asked)


def test_a_tokenizer_alone_can_be_inspected(run_file: Path, tiny_model: Path, tmp_path: Path, screen: Screen) -> None:
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tiny_model / name).read_bytes())
    path = f'model.path="{folder}"'
    told = screen.json(run_file, path)
    assert not told["weights"]
    assert "no weights" in told["notes"][0]
    assert screen.json(run_file, path, batch=1)["fingerprint"] == screen.json(run_file, batch=1)["fingerprint"]
    assert screen.json(run_file, path, row=1)["sequences"] == screen.json(run_file, row=1)["sequences"]


def on_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> io.StringIO:
    """What is printed from now on, on a terminal of so many columns."""
    written = io.StringIO()
    keys = {"highlight": False, "markup": False, "soft_wrap": True, "color_system": None}
    monkeypatch.setattr(console, "out", Console(file=written, force_terminal=True, width=width, **keys))
    return written


@pytest.mark.parametrize("width", [80, 140])
def test_statistics_fit_a_terminal(run_file: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    written = on_terminal(monkeypatch, width)
    inspect(run_file, Asked(stats=True), [], None, False)
    lines = written.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert written.getvalue().count("sequences") == (2 if width > 100 else 1)
    assert any(line.startswith("▸ random") for line in lines)
    written = on_terminal(monkeypatch, width)
    inspect(run_file, Asked(batch=1), [], None, False)
    bars = [line.split("  row")[0] for line in written.getvalue().splitlines() if "  row " in line]
    assert {len(bar) for bar in bars} == {32 if width == 80 else max(map(len, bars))}


def test_hostile_text_is_made_harmless(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "evil.jsonl"
    data.write_text(json.dumps({"question": "a\x1b[2Jb\u202e", "answer": "c\x07\r"}) + "\n")
    file = run_toml(tmp_path / "evil.toml", tiny_model, data, "[split]\ntest_size = 0\n")
    written = on_terminal(monkeypatch, 120)
    inspect(file, Asked(row=1), [], None, False)
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(written.getvalue())
