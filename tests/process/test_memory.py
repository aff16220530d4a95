"""Real workers under a limit of their memory: they go on with less, and where nothing is less enough they say what would help.

What a sequence takes is known (its gated layers are 64 times as wide as the model), what a process takes without it is measured
by a run without a limit, and the limits lie far from both.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.config.load import dump, load
from engine.errors import ExitCode
from engine.runs.events import Memory, Plan, Step, Warning_
from engine.runs.journal import JournalReader
from engine.runs.launcher import launch
from engine.runs.paths import RunDir
from engine.runs.store import Run
from tests.process.cli import TIMEOUT_S
from tests.tiny import SENTENCES, make_model, run_toml

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts private memory")
MIB = 1 << 20
BATCH_MIB = 256
"""What four sequences of 512 tokens keep for the backward pass, and one of 2,048: two layers, four float32 tensors 4,096 wide."""
SETTINGS = """
[tokens]
max_length = 512
[split]
test_size = 1
[quantization]
bits = 32
[lora]
rank = 4
target_modules = ["q_proj"]
[train]
steps = 1
batch_size = 4
gradient_checkpointing = false
"""


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rows of more than 2,048 tokens and a model that takes much more memory for them than it computes."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("wide")
    model = make_model(folder / "model")
    config = LlamaConfig.from_pretrained(model)
    config.intermediate_size, config.max_position_embeddings = 4096, 4096
    LlamaForCausalLM(config).save_pretrained(model)
    texts = (f"{number} " + " ".join(SENTENCES * 80) for number in range(9))
    (folder / "rows.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    return folder


def started(place: Path, name: str, settings: str) -> tuple[RunDir, subprocess.Popen[bytes]]:
    run_dir = RunDir(place / name)
    run_dir.path.mkdir()
    source = run_toml(place / f"{name}.toml", place / "model", place / "rows.jsonl", settings)
    run_dir.config.write_text(dump(load(source)))
    return run_dir, launch(run_dir)


def limited(settings: str, mib: float) -> str:
    return f'{settings}memory_limit = "{mib:.0f}MiB"\n'


def told(run_dir: RunDir, kind: type) -> list:  # type: ignore[type-arg]
    return [event for event in JournalReader(run_dir.journal).read_all() if isinstance(event, kind)]


@pytest.mark.slow
def test_a_limit_that_the_micro_batch_cannot_meet_is_met_by_halves_of_it(wide: Path) -> None:
    """Succeeded, the same global batches and losses, and the journal says so. What no half can meet is explained."""
    free, worker = started(wide, "free", SETTINGS)
    assert worker.wait(TIMEOUT_S) == 0, free.log.read_text()
    (peak,) = [memory.measured_gib * 1024 for memory in told(free, Memory) if memory.stage == "rehearsed"]

    tight, worker = started(wide, "tight", limited(SETTINGS, peak - BATCH_MIB / 4))
    long = SETTINGS.replace("max_length = 512", "max_length = 2048").replace("batch_size = 4", "batch_size = 2")
    hopeless, other = started(wide, "hopeless", limited(long, peak - BATCH_MIB / 2))

    assert worker.wait(TIMEOUT_S) == 0, tight.log.read_text()
    assert Run(tight).load().state == "succeeded"
    stages = [(memory.stage, memory.micro_batch_size) for memory in told(tight, Memory)]
    assert stages == [("planned", 4), ("halved", 2), ("rehearsed", 2), ("finished", 2)]
    (plan,) = told(tight, Plan)
    assert (plan.batch_size, plan.micro_batch_size) == (4, 4)
    (said,) = [warning for warning in told(tight, Warning_) if warning.code == "out_of_memory"]
    assert "going on with 2; the global batch stays 4" in said.message
    assert "Traceback" in tight.log.read_text()
    for one, expected in zip(told(tight, Step), told(free, Step), strict=True):
        assert (one.batch, one.rows) == (expected.batch, expected.rows)
        assert one.loss == pytest.approx(expected.loss, abs=1e-5)
        assert one.peak_gib * 1024 < peak - BATCH_MIB / 8

    assert other.wait(TIMEOUT_S) == ExitCode.RESOURCES, hopeless.log.read_text()
    _is_explained(Run(hopeless).load())


def _is_explained(run: Run) -> None:
    """Halved in vain; what is proposed are keys that the run file has, each with what it saves."""
    assert run.state == "failed"
    assert [m.micro_batch_size for m in told(run.dir, Memory)][:2] == [2, 1]
    assert run.reason.startswith("Out of memory in the rehearsal")
    assert "at most 1 x 2,048 tokens" in run.reason
    assert "train.memory_limit = " in run.reason
    assert re.search(r"train\.gradient_checkpointing = true saves [\d.]+ MiB", run.reason)
    assert re.search(r"tokens\.max_length = 1024 saves [\d.]+ MiB", run.reason)
    settings = load(run.dir.config)
    for section, key in re.findall(r"\b(train|tokens|quantization|lora|model)\.(\w+)", run.reason):
        assert key in type(getattr(settings, section)).model_fields, key
