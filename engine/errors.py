"""What can go wrong, in words a person can act on.

Every error that a user can cause or cure is a `LuthierError`: its text says what happened, which value, and
what to do. The class decides the exit code. Anything else that escapes is a bug and keeps its traceback.
"""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """The exit codes of the command line; scripts depend on them."""

    DONE = 0
    TRAINING_FAILED = 1
    USAGE = 2
    RESOURCES = 3
    INTERRUPTED = 130


class LuthierError(Exception):
    """An error with a cure. `str(error)` is one paragraph for the user."""

    exit_code: ExitCode = ExitCode.USAGE


class ConfigError(LuthierError):
    """The run file or a `--set` does not say something that can be done."""


class DataError(LuthierError):
    """A dataset cannot be read, or holds nothing to train on."""


class ModelError(LuthierError):
    """A model or tokenizer folder is missing, incomplete, or not safe to load."""


class TemplateError(LuthierError):
    """A chat or prompt template cannot render a row, or hides which part is the answer."""


class RunError(LuthierError):
    """A run directory is missing, busy, or in a state that does not allow what was asked."""


class TrainingError(LuthierError):
    """Training itself failed: a loss that is not a number, a worker that died."""

    exit_code = ExitCode.TRAINING_FAILED


class ResourceError(LuthierError):
    """The machine lacks something: GPU, memory, disk space."""

    exit_code = ExitCode.RESOURCES
