"""The loss: the sum of cross-entropy over supervised tokens, in float32.

Logits are computed only where a label is, and in chunks, so no tensor of vocabulary width exists for the whole batch. The
caller divides by the number of supervised tokens of the global batch: a mean over tokens, never a mean of means.
Shapes: B sequences, T tokens, N supervised tokens, D width, V vocabulary.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn

from engine.tokens.collate import Batch
from engine.tokens.encoded import IGNORE
from engine.train.adapters import causal_lm
from engine.train.attention import inputs_of
from engine.train.head import Logits, frozen_loss, trained_loss
from engine.train.model import evaluating

FACTORS = ("logit_scale", "lm_head_multiplier")
"""Names in the configs of Cohere and Falcon for what logits are multiplied by."""
DIVISORS = ("logits_scaling",)
"""Name in the configs of Granite for what they are divided by."""
CAPS = ("final_logit_softcapping",)
"""Name in the configs of Gemma for the bound of logits."""


class SupervisedLoss:
    """Computes the loss of one model; `own_head` tells whether logits are restricted to supervised positions."""

    def __init__(self, model: nn.Module, device: torch.device, autocast: torch.dtype | None = None) -> None:
        """With `autocast` the products are computed in this type (mixed precision)."""
        self.model = model
        self.device = device
        self.autocast = autocast
        lm = causal_lm(model)
        self.decoder: Any = lm.get_decoder() if hasattr(lm, "get_decoder") else None
        self.head: Any = lm.get_output_embeddings()
        config = lm.config.get_text_config()
        self.vocabulary: int = config.vocab_size
        self.logits = logits_of(config)
        self.own_head = self._head_is_known()
        self.frozen_head = self.own_head and autocast is None and _is_frozen(self.head)

    def _head_is_known(self) -> bool:
        """Whether decoder and output layer, with what the config says about logits, give the model's own logits."""
        if self.decoder is None or self.head is None or self.decoder in (self.head, causal_lm(self.model)):
            return False
        ids_BT = torch.arange(8, device=self.device)[None] % self.vocabulary
        with evaluating(self.model):
            theirs = causal_lm(self.model)(input_ids=ids_BT, use_cache=False).logits
            ours = self.logits.changed(self.head(self.decoder(input_ids=ids_BT, use_cache=False).last_hidden_state))
        loose = 1e-6 if theirs.dtype == torch.float32 else 1e-2
        return theirs.shape == ours.shape and torch.allclose(theirs.float(), ours.float(), rtol=loose, atol=loose)

    def sum(self, batch: Batch) -> Tensor:
        """Return the summed cross-entropy over the batch's supervised tokens, a float32 scalar with its graph."""
        labels_BT = torch.from_numpy(batch.labels).to(self.device)
        inputs = inputs_of(self.model, batch, self.device)
        targets_BT = labels_BT[:, 1:]
        keep_BT = targets_BT != IGNORE
        targets_N = targets_BT[keep_BT]
        with self._mixed():
            if not self.own_head:
                logits_BTV = causal_lm(self.model)(**inputs).logits
                return F.cross_entropy(logits_BTV[:, :-1][keep_BT].float(), targets_N, reduction="sum")
            hidden_ND = self.decoder(**inputs).last_hidden_state[:, :-1][keep_BT]
            if self.frozen_head:
                return frozen_loss(self.head, hidden_ND, targets_N, self.logits)
            return trained_loss(self.head, hidden_ND, targets_N, self.logits, self.vocabulary)

    def _mixed(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.autocast is None else torch.autocast(self.device.type, self.autocast)


def logits_of(config: Any) -> Logits:
    """What the config of a model says about its logits."""

    def found(names: tuple[str, ...]) -> list[float]:
        values = (getattr(config, name, None) for name in names)
        return [float(value) for value in values if value is not None]

    scale = 1.0
    for factor in found(FACTORS):
        scale *= factor
    for divisor in found(DIVISORS):
        scale /= divisor
    return Logits(scale, next(iter(found(CAPS)), None))


def _is_frozen(head: Any) -> bool:
    """Whether an output layer is a plain one of which nothing is trained."""
    return type(head) is nn.Linear and not any(p.requires_grad for p in head.parameters())
