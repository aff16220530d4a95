"""Keeping the libraries' progress bars and notices off the terminal that the story is told on."""

from __future__ import annotations

import logging
import warnings


def hush() -> None:
    """Quieten transformers, peft and bitsandbytes in this process; their errors are still raised."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"(transformers|peft)\.")
