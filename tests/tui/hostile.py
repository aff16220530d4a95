"""A run, and a story, in which every string tries to act on the terminal or to be markup."""

from __future__ import annotations

from pathlib import Path

from engine.runs import events as e
from engine.runs.journal import Journal
from engine.runs.paths import RunDir

ACTS = "\x1b]52;c;UFdORUQ=\x07\x1b[2J\x1b]0;owned\x07\x9b31m\x9d\x1bc\u202eevil\u2066\u200b\ufeff\r\b"
MARKUP = "[/] a[/x] [INST] <|im_start|> [link=http://x [red]hi [/INST]"
TEXT = f"{MARKUP} {ACTS}"
LITERAL = "[/] a[/x] [INST]"


def fill(runs: Path, starter: Path) -> RunDir:
    """Write the run and the story; return the run."""
    run = RunDir(runs / f"evil[/]{ACTS}-1".replace("/", "\u2044").replace("\r", ""))
    run.path.mkdir(parents=True)
    run.config.write_text("")
    journal = Journal(run.journal, lambda: 1_760_000_000.0)
    for event in (
        e.Hello(run=TEXT, pid=1, host=TEXT, versions={TEXT: TEXT}),
        e.Phase(name=TEXT, done=1, total=2),
        e.Data(sources=[{"path": TEXT, "skipped": {TEXT: 3}}], train_examples=1, findings={TEXT: 1}),
        e.Model(
            path=TEXT,
            architecture=TEXT,
            device=TEXT,
            parameters=10,
            trainable_parameters=1,
            quantization=TEXT,
            adapter=TEXT,
        ),
        e.Plan(steps=5, steps_per_epoch=5, batch_size=1),
        e.Step(step=1, epoch=0.1, loss=2.0, batch=TEXT, rows=[TEXT]),
        e.Step(step=2, epoch=0.2, loss=1.0, batch=TEXT, rows=[TEXT]),
        e.Eval(step=2, loss=1.0),
        e.Sample(step=2, prompt=TEXT, text=f"{TEXT}\n{TEXT}"),
        e.Checkpoint(step=2, path=TEXT),
        e.Warning_(code=TEXT, message=TEXT, hint=TEXT),
        e.Log(message=TEXT),
        e.Ack(command=TEXT, id=TEXT),
        e.Finished(outcome="failed", step=2, reason=TEXT),
    ):
        journal.append(event)
    journal.close()
    starter.mkdir(parents=True, exist_ok=True)
    told = Journal(starter / "story.jsonl", lambda: 1_760_000_000.0)
    for event in (
        e.Hello(run=TEXT, pid=1, host=TEXT),
        e.Chapter(name=TEXT, title=TEXT, text=TEXT, run=run.name),
        e.Answer(question=TEXT, expected=TEXT, base=TEXT, tuned=TEXT, base_correct=False, tuned_correct=True),
        e.Score(base_accuracy=0.0, tuned_accuracy=1.0, questions=1, seconds=1.0),
        e.Finished(outcome="failed", reason=TEXT),
    ):
        told.append(event)
    told.close()
    return run
