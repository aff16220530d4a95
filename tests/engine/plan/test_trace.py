"""What a step holds: traced on shapes, against the same step with real tensors, byte for byte."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.plan.live import LiveBytes
from engine.plan.shapes import build
from engine.plan.trace import Trace, _listen, _read, batch_like, highest, trace
from engine.plan_facts import Load
from engine.train.adapters import make_trainable
from engine.train.attention import use_row_attention
from engine.train.layers import checkpoint_layers, layers_of, prepare_layers
from engine.train.loss import SupervisedLoss
from engine.train.model import load_base
from tests.engine.plan.models import llama, run_of

CPU = torch.device("cpu")
LOAD = Load(rows=2, width=96, supervised=70)
PACKED = Load(rows=2, width=96, supervised=70, documents=5, longest=40)


class RealBytes(LiveBytes):
    """Follows tensors with values; `known` are storages that were there before."""

    known: frozenset[int] = frozenset()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for value in out if isinstance(out, tuple | list) else (out,):
            if isinstance(value, torch.Tensor):
                self._own(value)
        return out

    def _own(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._sizes or key in self.known:
            return

        def gone(_: Any) -> None:
            if self._sizes.pop(key, None) is not None:
                self.live -= size

        self._sizes[key] = (size, weakref.ref(storage, gone))
        self.live += size
        self._peak = max(self._peak, self.live)


def really(folder: Path, run: Any, load: Load, checkpointed: int) -> Trace:
    model = make_trainable(load_base(folder, run, CPU), run)
    batch = batch_like(load, run)
    if batch.needs_positions:
        use_row_attention(model)
    prepare_layers(model, run, CPU, 0)
    checkpoint_layers(model, checkpointed)
    loss = SupervisedLoss(model, CPU)
    model.train()
    live = RealBytes(0)
    live.known = frozenset(t.untyped_storage()._cdata for t in (*model.parameters(), *model.buffers()))
    layers = layers_of(model)
    with live:
        live.mark("built")
        _listen(live, model, layers, backward=True)
        loss.sum(batch).backward()
        live.mark("end")
    return _read(live, model, layers)


@pytest.mark.parametrize("load", [LOAD, PACKED], ids=["padded", "packed"])
@pytest.mark.parametrize("checkpointed", [False, True], ids=["kept", "again"])
@pytest.mark.parametrize(
    "sections",
    [
        {"quantization": {"bits": 32}},
        {"quantization": {"bits": 4}},
        {"quantization": {"bits": 16}, "lora": {"dropout": 0.1}},
        {"quantization": {"bits": 32}, "lora": {"dora": True}},
        {"quantization": {"bits": 32}, "train": {"method": "full"}},
    ],
    ids=["float32", "nf4", "bfloat16-dropout", "dora", "full"],
)
def test_shapes_hold_what_tensors_hold(
    tmp_path: Path, sections: dict[str, Any], checkpointed: bool, load: Load
) -> None:
    folder = llama(tmp_path, True, num_hidden_layers=2, tie_word_embeddings=False)
    run = run_of(folder, **sections)
    shapes = build(run, folder, "cpu", whole=True)
    planned = trace(run, shapes, load, "cpu", checkpointed=checkpointed)
    real = really(folder, run, load, 2 if checkpointed else 0)
    slack = 0.02 * max(real.layers[1].saved, real.layers[1].backward)
    for ours, theirs in zip(planned.layers, real.layers, strict=True):
        assert ours.saved == pytest.approx(theirs.saved, abs=slack)
        assert ours.backward == pytest.approx(theirs.backward, abs=slack)
        assert (
            ours.forward >= theirs.forward - slack
        )  # 4 bits: what bitsandbytes writes out inside an operation comes on top
        assert ours.gradients == theirs.gradients
    assert planned.head == pytest.approx(real.head, abs=slack)
    assert planned.start == pytest.approx(real.start, abs=slack)
    assert planned.other_gradients == real.other_gradients


def test_layers_that_stand_for_others_give_the_same_figures(tmp_path: Path) -> None:
    folder = llama(tmp_path, num_hidden_layers=7)
    run = run_of(folder)
    thin, whole = build(run, folder, "cpu"), build(run, folder, "cpu", whole=True)
    assert (len(thin.stands_for), len(whole.stands_for)) == (2, 7)
    for count in (0, 3, 7):
        for accumulated in (False, True):
            found = [
                highest(
                    trace(run, s, LOAD, "cpu"),
                    trace(run, s, LOAD, "cpu", checkpointed=True),
                    s.order,
                    count,
                    accumulated,
                )
                for s in (thin, whole)
            ]
            assert found[0].bytes == pytest.approx(found[1].bytes, rel=0.002)


def test_recomputation_keeps_less_and_needs_more_at_once(tmp_path: Path) -> None:
    folder = llama(tmp_path)
    run = run_of(folder)
    shapes = build(run, folder, "cpu")
    plain, again = trace(run, shapes, LOAD, "cpu"), trace(run, shapes, LOAD, "cpu", checkpointed=True)
    assert again.layers[1].saved < 0.3 * plain.layers[1].saved
    assert again.layers[1].backward > plain.layers[1].backward


def test_gradients_of_an_earlier_micro_batch_are_there_already(tmp_path: Path) -> None:
    folder = llama(tmp_path)
    run = run_of(folder, quantization={"bits": 32}, train={"method": "full"})
    shapes = build(run, folder, "cpu")
    plain, again = trace(run, shapes, LOAD, "cpu"), trace(run, shapes, LOAD, "cpu", checkpointed=True)
    first, later = (highest(plain, again, shapes.order, 0, accumulated) for accumulated in (False, True))
    assert later.gradients == 4 * shapes.trainable
    assert later.bytes > first.bytes


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_a_mask_of_pairs_costs_its_square_and_rows_one_by_one_do_not(tmp_path: Path, kind: str) -> None:
    folder = llama(tmp_path)
    load = Load(rows=1, width=1024, supervised=100, documents=4, longest=256)
    saved = {}
    for name in ("sdpa", "varlen"):
        run = run_of(folder, model={"path": str(folder), "attention": name}, tokens={"packing": "bfd"})
        saved[name] = trace(run, build(run, folder, kind), load, kind).layers[1].saved
    size = 4 if kind == "cpu" else 2
    assert saved["sdpa"] - saved["varlen"] > 0.9 * 1024 * 1024 * size


def test_nothing_is_patched_after_a_trace(tmp_path: Path) -> None:
    import torch.nn.functional as F  # noqa: N812
    from torch.utils import checkpoint
    from transformers import masking_utils

    from engine.train import attention

    def patched() -> tuple[Any, ...]:
        return (
            F.scaled_dot_product_attention,
            F.rms_norm,
            checkpoint._infer_device_type,
            masking_utils.find_packed_sequence_indices,
            attention._kernel,
            attention._row_by_row,
            torch.cuda._lazy_init,
            torch.Tensor.device,
        )

    before = patched()
    folder = llama(tmp_path)
    run = run_of(folder)
    for kind in ("cpu", "cuda"):
        trace(run, build(run, folder, kind), PACKED, kind)
    assert patched() == before
    assert torch.zeros(1).device.type == "cpu"
