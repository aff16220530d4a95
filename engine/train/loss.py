"""The loss: the sum of cross-entropy over supervised tokens, in float32.

Logits are computed only where a label is, and in chunks, so no tensor of vocabulary width exists for the whole batch. The
caller divides by the number of supervised tokens of the global batch: a mean over tokens, never a mean of means.
Shapes: B sequences, T tokens, N supervised tokens, D width, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from engine.errors import ModelError
from engine.tokens.collate import Batch
from engine.tokens.encoded import IGNORE
from engine.train.adapters import causal_lm
from engine.train.model import evaluating

CHUNK_ELEMENTS = 1 << 24
"""Logits that exist at once: 64 MiB in float32."""

LOGIT_CHANGES = ("final_logit_softcapping", "logit_scale", "logits_scaling", "lm_head_multiplier")
"""Names in the configs of Gemma, Cohere, Granite and Falcon for what happens to logits after the output layer."""


class SupervisedLoss:
    """Computes the loss of one model; `own_head` tells whether logits are restricted to supervised positions."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self.model = model
        self.device = device
        lm = causal_lm(model)
        self.decoder: Any = lm.get_decoder() if hasattr(lm, "get_decoder") else None
        self.head: Any = lm.get_output_embeddings()
        self.vocabulary: int = lm.config.get_text_config().vocab_size
        self.own_head = self._head_is_plain()

    def _head_is_plain(self) -> bool:
        """Whether decoder and output layer alone give the model's own logits (no soft-capping, no scaling)."""
        config = causal_lm(self.model).config.get_text_config()
        scaled = any(getattr(config, name, None) not in (None, 1, 1.0) for name in LOGIT_CHANGES)
        if scaled or self.decoder is None or self.head is None or self.decoder is causal_lm(self.model):
            return False
        ids_BT = torch.arange(8, device=self.device)[None] % self.vocabulary
        with evaluating(self.model):
            theirs = causal_lm(self.model)(input_ids=ids_BT, use_cache=False).logits
            ours = self.head(self.decoder(input_ids=ids_BT, use_cache=False).last_hidden_state)
        return theirs.shape == ours.shape and torch.allclose(theirs.float(), ours.float(), rtol=1e-6, atol=1e-6)

    def sum(self, batch: Batch) -> Tensor:
        """Return the summed cross-entropy over the batch's supervised tokens, a float32 scalar with its graph."""
        ids_BT = torch.from_numpy(batch.ids).to(self.device)
        labels_BT = torch.from_numpy(batch.labels).to(self.device)
        inputs: dict[str, Any] = {"input_ids": ids_BT, "use_cache": False}
        if batch.needs_positions:  # they keep rows, and padding on the left, apart; padding on the right needs no mask
            inputs["position_ids"] = torch.from_numpy(batch.positions).to(self.device)
        targets_BT = labels_BT[:, 1:]
        keep_BT = targets_BT != IGNORE
        targets_N = targets_BT[keep_BT]
        if not self.own_head:
            logits_BTV = causal_lm(self.model)(**inputs).logits
            return F.cross_entropy(logits_BTV[:, :-1][keep_BT].float(), targets_N, reduction="sum")
        hidden_BTD = self.decoder(**inputs).last_hidden_state
        return self._chunked(hidden_BTD[:, :-1][keep_BT], targets_N)

    def _chunked(self, hidden_ND: Tensor, targets_N: Tensor) -> Tensor:
        rows = max(1, CHUNK_ELEMENTS // self.vocabulary)
        if len(targets_N) <= rows:
            return self._chunk(hidden_ND, targets_N)
        total = torch.zeros((), dtype=torch.float32, device=self.device)
        for hidden, targets in zip(torch.split(hidden_ND, rows), torch.split(targets_N, rows), strict=True):
            total = total + checkpoint(self._chunk, hidden, targets, use_reentrant=False)
        return total

    def _chunk(self, hidden_ND: Tensor, targets_N: Tensor) -> Tensor:
        return F.cross_entropy(self.head(hidden_ND).float(), targets_N, reduction="sum")


def check_packing(model: nn.Module, device: torch.device) -> None:
    """Make sure that this model keeps packed rows apart, and padding on the left away from a row.

    Raises ModelError when a row sees what stands before it. A row of three tokens is run alone, behind another row and behind
    padding, whose positions are all 0; its logits must agree within what the model's type can hold.
    """
    lm = causal_lm(model)
    ids_BT = torch.arange(1, 8, device=device).expand(2, 7) % lm.config.get_text_config().vocab_size
    positions_BT = torch.tensor([[0, 1, 2, 3, 0, 1, 2], [0, 0, 0, 0, 0, 1, 2]], device=device)
    with evaluating(model):
        behind = lm(input_ids=ids_BT, position_ids=positions_BT, use_cache=False).logits[:, 4:].float()
        alone = lm(input_ids=ids_BT[:1, 4:], use_cache=False).logits.float()
    difference = float((behind - alone).norm(dim=(1, 2)).max() / alone.norm())
    exact = next(model.parameters()).dtype == torch.float32
    if not difference < (1e-3 if exact else 5e-2):
        raise ModelError(
            "This architecture does not keep a row apart from what stands before it (its logits differ by "
            f'{100 * difference:.2g} % behind other tokens and alone). Set tokens.packing = "none" and '
            'tokens.padding_side = "right".'
        )
