"""The verbs that tell: inspect, status, runs, spec, paths, doctor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.process.cli import luthier
from tests.tiny import run_toml


@pytest.fixture
def run_file(tmp_path: Path, tiny_model: Path, rows_file: Path) -> Path:
    return run_toml(tmp_path / "run.toml", tiny_model, rows_file, "[train]\nbatch_size = 3\ngrad_accumulation = 2\n")


def test_inspect_gives_what_a_plain_forward_needs(run_file: Path, tmp_path: Path) -> None:
    done = luthier("inspect", str(run_file), "--batch", "2", "--json", runs=tmp_path)
    told = json.loads(done.stdout)
    shape = len(told["ids"]), len(told["ids"][0])
    assert shape[0] == 6
    assert all((len(told[k]), len(told[k][0])) == shape for k in ("labels", "attention_mask", "position_ids", "pieces"))
    for ids, labels in zip(told["ids"], told["labels"], strict=True):
        assert all(label in (-100, token) for token, label in zip(ids, labels, strict=True))
    assert told["supervised_tokens"] == sum(label != -100 for row in told["labels"] for label in row)
    split = luthier(
        "inspect", str(run_file), "--batch", "2", "--json", "--set", "train.batch_size=6", "--set",
        "train.grad_accumulation=1", runs=tmp_path,
    )  # fmt: skip
    assert json.loads(split.stdout)["fingerprint"] == told["fingerprint"]


def test_inspect_a_row_in_text_and_json(run_file: Path, tmp_path: Path) -> None:
    told = json.loads(luthier("inspect", str(run_file), "--row", "1", "--json", runs=tmp_path).stdout)
    (sequence,) = told["sequences"]
    assert len(sequence["ids"]) == len(sequence["labels"]) == len(sequence["pieces"]) == len(sequence["spans"])
    text = luthier("inspect", str(run_file), "--row", "1", runs=tmp_path).stdout
    assert "⟦It│·carries│·salt│.│⟨</s>⟩⟧" in text
    refused = luthier("inspect", str(run_file), "--row", "9999", runs=tmp_path)
    assert refused.returncode == 2
    assert "40 usable rows" in refused.stderr


def test_data_tells_what_a_file_holds(tmp_path: Path, rows_file: Path) -> None:
    told = json.loads(luthier("data", str(rows_file), "--json", "--sample", "1", runs=tmp_path).stdout)
    assert (told["rows"], told["format"], told["conversations"], told["bad_lines"]) == (40, "question_answer", 40, [])
    assert [column["name"] for column in told["columns"]] == ["question", "answer"]
    assert told["sample"][0]["answer"] == "It carries salt."
    broken = tmp_path / "broken.jsonl"
    broken.write_text(rows_file.read_text() + "{nonsense\n")
    page = luthier("data", str(broken), runs=tmp_path)
    assert page.returncode == 0
    assert "broken.jsonl:41 cannot be read" in page.stdout
    missing = luthier("data", str(tmp_path / "nowhere.jsonl"), runs=tmp_path)
    assert missing.returncode == 2


def test_the_table_of_a_mixture_counts_what_a_run_takes(tmp_path: Path, tiny_model: Path, rows_file: Path) -> None:
    path = tmp_path / "run.toml"
    own = 'template = "custom"\nprompt = "{question}"\ncompletion = "{answer}"\n'
    path.write_text(
        f'[model]\npath = "{tiny_model}"\n[[data]]\npath = "{rows_file}"\nmax_rows = 10\n'
        f'[[data]]\npath = "{rows_file}"\n{own}exclude = {{rows = [1, 2]}}\n'
    )
    lines = luthier("data", str(path), "--json", runs=tmp_path).stdout.splitlines()
    assert [json.loads(line)["conversations"] for line in lines[:2]] == [40, 40]
    assert [row["rows"] for row in json.loads(lines[2])["mixture"]] == [10, 38]


def test_the_rest_tells_json(tmp_path: Path) -> None:
    assert json.loads(luthier("runs", "--json", runs=tmp_path / "none").stdout)["runs"] == []
    assert json.loads(luthier("paths", "--json", runs=tmp_path).stdout)["runs"] == str(tmp_path)
    assert "properties" in json.loads(luthier("spec", "--json", runs=tmp_path).stdout)
    checks = json.loads(luthier("doctor", "--json", runs=tmp_path).stdout)["checks"]
    assert {"torch", "device", "runs", "terminal"} <= {check["name"] for check in checks}
    missing = luthier("status", runs=tmp_path / "none")
    assert missing.returncode == 2
    assert "There are no runs" in missing.stderr
    assert luthier("trian", runs=tmp_path).returncode == 2
