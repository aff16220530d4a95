"""The view: what a run looks like, folded from its journal."""

from __future__ import annotations

from engine.runs import events as e
from engine.runs.view import Mark, RunView


def folded(*events: e.AnyEvent) -> RunView:
    view = RunView("run-1")
    for seq, event in enumerate(events):
        event.seq, event.t = seq, float(seq)
        view.apply(event)
    return view


def spike(step: int, message: str = "") -> e.Warning_:
    message = message or f"loss spike at step {step}"
    return e.Warning_(code="loss_spike", message=message, step=step, rows=[f"a.jsonl:{step}"])


def step(number: int, loss: float = 1.0) -> e.Step:
    return e.Step(step=number, epoch=0.0, loss=loss, peak_gib=1.5)


START = (
    e.Hello(run="run-1", pid=1, host="here"),
    e.Plan(steps=100, steps_per_epoch=10, batch_size=8, micro_batch_size=8),
)


def test_marks_are_kept_in_order_and_none_is_swallowed() -> None:
    view = folded(*START, step(1), spike(3), spike(5, "the same words"), spike(7, "the same words"))
    assert view.marks == [Mark(n, "loss_spike", (f"a.jsonl:{n}",)) for n in (3, 5, 7)]
    assert len(view.warnings) == 3
    assert view.summary()["marks"][0] == {"step": 3, "code": "loss_spike", "rows": ["a.jsonl:3"]}


def test_a_warning_without_a_step_is_told_once_and_is_no_mark() -> None:
    view = folded(*START, *[e.Warning_(code="bad_lines", message="3 lines were skipped") for _ in range(2)])
    assert len(view.warnings) == 1
    assert view.marks == []


def test_a_resume_forgets_what_it_will_do_again() -> None:
    resumed = e.Hello(run="run-1", pid=2, host="here", resumed_from=4)
    before = (*START, e.Warning_(code="x", message="stays"), step(3), spike(3), step(6), spike(6))
    view = folded(*before, e.Checkpoint(step=6, path="step-6", best=True), resumed)
    assert [mark.step for mark in view.marks] == [3]
    assert [warning.message for warning in view.warnings] == ["stays", "loss spike at step 3"]
    assert view.summary()["best_checkpoint"] is None
    assert [mark.step for mark in folded(*before, resumed, step(6), spike(6)).marks] == [3, 6]


def test_memory_is_told_by_stage_and_a_halved_micro_batch_is_the_present_one() -> None:
    def memory(stage: str, micro: int, **figures: float) -> e.Memory:
        return e.Memory(stage=stage, micro_batch_size=micro, grad_accumulation=8 // micro, **figures)

    view = folded(*START)
    assert (view.micro_batch_size, view.predicted_gib, view.measured_gib) == (8, None, None)
    planned, halved = memory("planned", 8, predicted_gib=6.0), memory("halved", 4, predicted_gib=3.5)
    view = folded(*START, planned, memory("rehearsed", 8, measured_gib=5.5), halved, step(1))
    assert view.memory["halved"] is halved
    assert view.summary()["micro_batch_size"] == 4
    assert (view.predicted_gib, view.measured_gib) == (3.5, 5.5), "the plan of the micro-batch as it is now"
    view.apply(memory("finished", 4, measured_gib=5.75))
    assert view.summary()["measured_gib"] == 5.75
    assert folded(*START, step(1)).measured_gib == 1.5, "a journal that tells of steps only"


def test_the_best_checkpoint_and_an_early_end() -> None:
    view = folded(
        *START,
        e.Eval(step=0, loss=3.0, best=True),
        e.Eval(step=5, loss=2.0, best=True),
        e.Checkpoint(step=5, path="step-5", best=True),
        e.Eval(step=10, loss=2.5),
        step(10),
        e.Checkpoint(step=10, path="step-10"),
        e.Finished(outcome="succeeded", step=10, reason="Stopped early after step 10 of 100"),
    )
    facts = view.summary()
    assert (facts["best_checkpoint"], facts["best_eval_step"], facts["best_eval_loss"]) == (5, 5, 2.0)
    assert (facts["outcome"], facts["step"], facts["total_steps"], facts["eta_s"]) == ("succeeded", 10, 100, 0.0)
    assert "Stopped early" in facts["reason"]
    assert [line.message for line in view.log if "lowest" in line.message] == [
        "evaluation at step 0: loss 3.0000, the lowest so far",
        "evaluation at step 5: loss 2.0000, the lowest so far",
    ]
