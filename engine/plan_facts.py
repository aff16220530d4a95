"""What a plan says, as plain values: they travel to the command line, the journal and the screens.

Sizes are in bytes, times in seconds.
"""

from __future__ import annotations

import msgspec


class DeviceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would train on."""

    kind: str
    """"cuda" or "cpu"."""
    name: str
    """For people: "NVIDIA H200", "CPU", "a GPU of 24 GB"."""
    bytes: int
    """Memory a run may take of it."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """The micro-batch that asks for the most memory."""

    rows: int
    """Sequences in it (B)."""
    width: int
    """Tokens of each, padding among them (T)."""
    supervised: int
    """Supervised tokens in it (N)."""
    documents: int = 1
    """Most rows packed into one of its sequences."""
    longest: int = 0
    """Tokens of its longest packed row; 0 for `width`."""


class MemoryPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The memory of a run at its highest, by what takes it."""

    device: DeviceFacts
    micro_batch_size: int
    grad_accumulation: int
    load: Load
    checkpointed_layers: int
    layers: int
    parts: dict[str, int]
    """Name -> bytes at the moment of the peak: "weights", "quantization constants", "adapters", "gradients", "optimizer",
    "activations", "logits", "workspace", "process". Their sum is `training`."""
    training: int
    """Peak of a training step."""
    evaluation: int
    """Peak of an evaluation."""
    saving: int
    """Peak while a checkpoint is written."""
    loading: int = 0
    """Peak while the model is loaded and quantised."""
    notes: list[str] = []
    """What the plan wants to say: experts that stay in 16 bits, for example."""

    @property
    def peak(self) -> int:
        """The highest of them all."""
        return max(self.training, self.evaluation, self.saving, self.loading)

    @property
    def fits(self) -> bool:
        """Whether the device has as much."""
        return self.peak <= self.device.bytes


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the run file that saves memory."""

    changes: dict[str, str | int | float | bool]
    """Dotted keys -> values."""
    saves: int
    """Bytes off the peak."""
    cost: str
    """What it costs, in words."""
    same_result: bool
    """Whether the numbers of the run stay the same."""


class RunPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A run before it starts."""

    memory: MemoryPlan
    steps: int
    steps_per_epoch: int
    epochs: float
    examples: int
    """Training sequences as they are batched, in an epoch."""
    tokens: int
    """Tokens of the whole run, without padding."""
    supervised_tokens: int
    cells: int
    """Tokens that are computed in the whole run, padding among them."""
    parameters: int
    trainable_parameters: int
    disk: int
    """Bytes of what the run leaves at most: checkpoints and result."""
    seconds: float | None = None
    """Expected time of all steps, evaluations and checkpoints; None where nothing was timed."""
    seconds_per_step: float | None = None
    seconds_off: float | None = None
    """How far `seconds` may be off to either side; None where nothing tells."""
    pace_from: str = ""
    """What the time was reckoned from: "timed" layers, "earlier run NAME", or "" for nothing."""
    remedies: list[Remedy] = []
    earlier: list[tuple[str, float]] = []
    """Runs of the same family before: (name, measured / predicted)."""
