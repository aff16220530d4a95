"""`luthier import`: data on stdout, what became of each key on stderr, nothing overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli.import_verb import import_
from engine.config.load import load
from engine.errors import ConfigError
from engine.runs.store import Run, find_run

YAML = "base_model: some/model\nadapter: qlora\nlora_r: 8\ndatasets:\n  - path: rows.jsonl\n    type: alpaca\n"
YAML += "deepspeed: z2.json\n"


def test_a_configuration_becomes_a_file_with_paths_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.jsonl").write_text("{}\n")
    (tmp_path / "a.yml").write_text(YAML)
    import_(tmp_path / "a.yml", tmp_path / "run.toml", "", None, "", as_json=False)
    told = capsys.readouterr()
    assert told.out == ""
    assert "not mapped: deepspeed = z2.json: a run uses one device" in told.err
    text = (tmp_path / "run.toml").read_text()
    assert 'path = "rows.jsonl"  # datasets[0].path: rows.jsonl' in text
    assert "#   deepspeed = z2.json: a run uses one device" in text
    run = load(tmp_path / "run.toml")
    assert (run.lora.rank, run.data[0].path) == (8, str(tmp_path / "rows.jsonl"))
    with pytest.raises(ConfigError, match="is there already"):
        import_(tmp_path / "a.yml", tmp_path / "run.toml", "", None, "", as_json=False)


def test_without_a_file_it_goes_to_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yml").write_text(YAML)
    import_(tmp_path / "a.yml", None, "", None, "", as_json=False)
    (tmp_path / "run.toml").write_text(capsys.readouterr().out)
    assert load(tmp_path / "run.toml").quantization.bits == 4
    import_(tmp_path / "a.yml", None, "axolotl", None, "", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["tool"] == "Axolotl"
    assert {item["key"]: item["fate"] for item in told["keys"]} == {
        "base_model": "mapped",
        "adapter": "mapped",
        "lora_r": "mapped",
        "datasets[0].path": "mapped",
        "datasets[0].type": "mapped",
        "deepspeed": "unmapped",
    }


def test_a_log_becomes_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    log = [{"step": 1, "loss": 2.0, "learning_rate": 1e-4}, {"step": 1, "eval_loss": 1.5}]
    (folder / "trainer_state.json").write_text(json.dumps({"max_steps": 1, "global_step": 1, "log_history": log}))
    import_(folder, None, "", tmp_path / "runs", "", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["run"], told["steps"], told["evaluations"]) == ("out-1", 1, 1)
    assert Run(find_run(tmp_path / "runs", "out-1")).load().state == "succeeded"
