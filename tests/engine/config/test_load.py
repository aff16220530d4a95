"""The run file: strict, all errors at once, with line and cure."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from engine.config.load import dump, load
from engine.config.spec import commented_toml, json_schema
from engine.errors import ConfigError

GOOD = '[model]\npath = "/m"\n[[data]]\npath = "/d.jsonl"\n'


def write(folder: Path, text: str, name: str = "run.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def complaint(folder: Path, text: str, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(ConfigError) as caught:
        load(write(folder, text), overrides)
    return str(caught.value)


def test_a_misspelt_key_names_its_line_and_the_nearest_key(tmp_path: Path) -> None:
    text = complaint(tmp_path, GOOD + "[lora]\nrnak = 8\n")
    assert "run.toml:6: unknown key `lora.rnak`; did you mean `lora.rank`?" in text


def test_a_key_in_the_wrong_section_is_found(tmp_path: Path) -> None:
    assert "did you mean `lora.rank`?" in complaint(tmp_path, GOOD + "[train]\nrank = 8\n")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = complaint(tmp_path, GOOD + '[train]\nbatch_size = "4"\nclip = -1\n[lroa]\nrank = 3\n')
    assert "3 mistakes" in text
    assert "`train.batch_size` must be a whole number, not the text '4'" in text
    assert "`lroa`; did you mean `lora`?" in text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[lora]\nrank = true", "must be a whole number, not true"),
        ("[train]\nlearning_rate = nan", "finite"),
        ('[quantization]\ntype = "nf5"', "did you mean 'nf4'?"),
        ("[train]\nsteps = 3\nepochs = 1.0", "not both"),
        ('[train]\nmethod = "full"', "4-bit weights cannot be trained"),
        ('[train]\nmethod = "full"\n[quantization]\nbits = 16', "rounds small updates away"),
        ('[train]\nmethod = "full"\n[quantization]\nbits = 32\n[lora]\nrank = 4', "[lora] is not read"),
        ('[quantization]\nbits = 32\ntype = "fp4"', "is read only with quantization.bits = 4"),
        ("[eval]\nmax_rows = 4\n[split]\ntest_size = 0", "is not read with split.test_size = 0"),
        ("[split]\ntest_size = true", "must be a number"),
        ("[split]\ntest_size = 1.7", "it must be a whole number"),
        ("[train]\nseed = 100000000000000000000000", "less than"),
        ('[lora]\ntarget_modules = "("', "is no regular expression"),
        ("[train]\nint = 3", "unknown key `train.int`"),
        ('[[data]]\npath = "e.jsonl"\nweight = inf', "finite"),
        ('[[data]]\npath = "e.jsonl"\nexclude = {rows = [1], sha256 = ""}', "the first 16 of its hexadecimal digits"),
    ],
)
def test_values_are_checked_strictly(tmp_path: Path, line: str, words: str) -> None:
    assert words in complaint(tmp_path, GOOD + line + "\n")


def test_a_missing_section_and_broken_toml(tmp_path: Path) -> None:
    assert "`model` is missing" in complaint(tmp_path, '[[data]]\npath = "x"\n')
    assert "line 1" in complaint(tmp_path, "name = \n")
    assert "two brackets, [[data]]" in complaint(tmp_path, '[model]\npath = "m"\n[data]\npath = "d"\n')
    assert "not valid TOML" in complaint(tmp_path, "x = " + "[" * 3000)


@pytest.mark.parametrize(
    "override", ["data.0=5", "data.².path=x", "lora=3", "=", "lora..rank=3", "data.7.path=x", "x=" + "[" * 3000]
)
def test_odd_overrides_are_errors_in_words(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError):
        load(write(tmp_path, GOOD), [override])


def test_a_mistake_of_the_command_line_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    assert complaint(tmp_path, GOOD + "[lora]\nrank = 8\n", ("lora.rank=high",)).startswith("--set: `lora.rank`")


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "other.toml")
    with pytest.raises(ConfigError, match=r"other\.toml"):
        load(tmp_path / "run.toml")


def test_overrides_win_and_are_read_as_toml(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD + "[lora]\nrank = 8\n")
    run = load(path, ["lora.rank=32", "train.learning_rate=1e-3", "data.format=text", 'name="x"', "split.test_size=0"])
    assert (run.lora.rank, run.train.learning_rate, run.data[0].format, run.name) == (32, 1e-3, "text", "x")
    with pytest.raises(ConfigError, match=r"lora\.alpha"):
        load(path, ["lora.alpah=3"])
    with pytest.raises(ConfigError, match=r"section\.key=value"):
        load(path, ["lora.rank"])


def test_paths_are_looked_up_beside_the_file_and_overrides_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (tmp_path / "m").mkdir()
    monkeypatch.chdir(here)
    path = write(tmp_path, '[model]\npath = "m"\n[[data]]\npath = "d.jsonl"\n')
    run = load(path)
    assert run.model.path == str(tmp_path / "m")
    assert run.data[0].path == str(tmp_path / "d.jsonl")
    assert load(path, ["data.path=e.jsonl"]).data[0].path == str(here / "e.jsonl")


def test_a_hub_id_stays_a_hub_id(tmp_path: Path) -> None:
    assert load(write(tmp_path, GOOD.replace("/m", "org/name"))).model.path == "org/name"


def test_the_name_is_that_of_the_file(tmp_path: Path) -> None:
    assert load(write(tmp_path, GOOD, "gsm8k.toml")).name == "gsm8k"


def test_what_is_dumped_loads_to_the_same(tmp_path: Path) -> None:
    run = load(write(tmp_path, GOOD), ["lora.rank=4", "eval.samples=['a \"b\"']"])
    again = load(write(tmp_path, dump(run), "resolved.toml"))
    assert again == run


def test_the_spec_is_a_valid_run_file_and_names_every_key(tmp_path: Path) -> None:
    text = commented_toml()
    load(write(tmp_path, text))
    assert "rank = 16" in text
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert "rank" in schema["$defs"]["LoraSection"]["properties"]
    assert all("description" in p for p in schema["$defs"]["LoraSection"]["properties"].values())
    tomllib.loads(text)
