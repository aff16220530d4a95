"""Model folders are refused in words before a library opens them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from engine.config.model import ModelSection
from engine.errors import ModelError
from engine.tokens.folder import check_folder, model_folder


@pytest.fixture
def model(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def complaint(path: Path, **keys: bool) -> str:
    with pytest.raises(ModelError) as caught:
        model_folder(ModelSection(path=str(path), **keys))
    return str(caught.value)


def test_a_whole_folder_passes(model: Path) -> None:
    assert check_folder(model)["model_type"] == "llama"


def test_missing_and_misnamed_folders(model: Path, tmp_path: Path) -> None:
    assert "Models there: model" in complaint(tmp_path / "modle")
    assert "no config.json" in complaint(tmp_path)
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    assert "GGUF" in complaint(tmp_path / "x.gguf")
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    assert "is an adapter" in complaint(tmp_path / "adapter")


def test_pickled_weights_are_refused(model: Path) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    assert "pickle (pytorch_model.bin)" in complaint(model)


def test_code_that_comes_along_is_refused_unless_allowed(model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "evil.Model"}}))
    assert "trust_remote_code = true" in complaint(model)
    model_folder(ModelSection(path=str(model), trust_remote_code=True))


def test_torn_weights_are_seen(model: Path) -> None:
    file = model / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    assert "was not copied whole" in complaint(model)
    file.write_bytes(b"\xff" * 8 + whole[8:])
    assert "no whole safetensors file" in complaint(model)
    file.write_bytes(whole[:8] + b"x" * (len(whole) - 8))
    assert "broken safetensors header" in complaint(model)


def test_missing_shards_and_tokenizers(model: Path) -> None:
    (model / "model.safetensors.index.json").write_text('{"weight_map": {"a": "model-00001-of-00002.safetensors"}}')
    assert "lacks model-00001-of-00002.safetensors" in complaint(model)
    (model / "model.safetensors.index.json").unlink()
    (model / "tokenizer.json").unlink()
    assert "has no tokenizer" in complaint(model)


def test_what_is_quantised_already(model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "gptq"}}))
    assert "quantised already (gptq)" in complaint(model)


def test_a_hub_id_is_found_in_the_cache_without_a_network(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants as constants

    cache = tmp_path / "hub"
    snapshot = cache / "models--org--name" / "snapshots" / "abc"
    snapshot.parent.mkdir(parents=True)
    shutil.copytree(model, snapshot)
    (cache / "models--org--name" / "refs").mkdir()
    (cache / "models--org--name" / "refs" / "main").write_text("abc")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert model_folder(ModelSection(path="org/name"))[0] == snapshot
    assert "could not be had from the hub" in complaint(Path("org/absent"))
