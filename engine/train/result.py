"""What a run leaves behind: its trained weights and its tokenizer, where people look for them."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine.runs.paths import RunDir
from engine.tokens.tokenizer import leave_tokenizer
from engine.train.adapters import is_adapter, save_result
from engine.train.loop import Trainer


def leave_result(trainer: Trainer, run_dir: RunDir, base: Path) -> str:
    """Put the trained weights into `adapter/` or `model/` of the run directory, whole or not at all; return where, in words.

    `base` is the folder of the model and its tokenizer.
    """
    trainer.load_result()
    model, data = trainer.model, trainer.data
    chat_template = next((item.template.jinja for item in data.sources if item.template.jinja), None)
    target = run_dir.adapter if is_adapter(model) else run_dir.model
    temporary = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        save_result(model, temporary)
        trusted = trainer.run.model.trust_remote_code
        leave_tokenizer(data.path.tokenizer, base, temporary, chat_template, trusted)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)
    return f"the {target.name} is in {target}"
