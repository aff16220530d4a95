"""[model]: which model is trained, and how it may be loaded."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import Field

from engine.config import known
from engine.config.base import Section


class ModelSection(Section):
    """The base model."""

    path: Annotated[str, known.MODEL_PATH] = Field(min_length=1)
    """Folder of a Hugging Face model (config.json, safetensors, tokenizer), or the id of one on the hub, such as
    "HuggingFaceTB/SmolLM2-135M". A relative folder is looked up beside the run file."""

    revision: Annotated[str | None, known.REVISION] = None
    """Branch, tag or commit of a hub model. Not used for a folder."""

    attention: Annotated[Literal["auto", "varlen", "sdpa", "eager"], known.ATTENTION] = "auto"
    """How attention is computed. "varlen" goes through the rows of a packed sequence one by one and computes nothing between
    them; "sdpa" is torch's fused kernel with a mask; "eager" is slower and for comparison. "auto": "varlen" where the
    architecture allows it, else "sdpa"."""

    liger: Annotated[bool, known.LIGER] = False
    """Liger's fused kernels for norms, rotary positions and the gated MLP: faster, less memory. NVIDIA GPUs only; needs
    `pip install luthier[liger]`."""

    trust_remote_code: Annotated[bool, known.REMOTE_CODE] = False
    """Allow Python code that comes with this model to run on this machine. Leave it off unless you read that code."""

    new_tokens: Annotated[Literal["auto"] | list[str], known.NEW_TOKENS] = "auto"
    """Tokens to add to the vocabulary. "auto": the markers of the template, where the tokenizer lacks them (ChatML's
    <|im_start|> and <|im_end|>, for example). A list adds these, [] adds none; what stands in < > or [ ] is a control
    token, a word is not. Their embeddings start at the mean of the pieces that spelled them and are trained; with LoRA
    only these rows are."""

    chat_template: Annotated[str | None, known.CHAT_TEMPLATE] = None
    """A file with a Jinja chat template that replaces the tokenizer's own. A relative path is looked up beside the run
    file."""

    date: Annotated[datetime.date | None, known.DATE] = None
    """The day that is written where a chat template asks for the present one, as those of Llama 3.2 do: 2026-01-31. Without it
    the day on which a run is started; the run keeps it, so that it goes on with the same tokens the next morning."""
