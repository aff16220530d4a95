"""The events of a run: the only language between the worker and everybody who looks at it.

One JSON object per line in `events.jsonl`. Each carries `v` (format version), `type`, `seq` (no gaps within a run,
also across resumes) and `t` (Unix time, seconds). Fields are only ever added; a reader skips a type it does not
know, so that an older viewer survives a newer worker. Not-a-number is written as null with `finite` false.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

FORMAT_VERSION = 1

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Time = Annotated[float, msgspec.Meta(ge=0, lt=253402300800)]
"""Unix time in seconds, before the year 10000. What lies outside these bounds was written by no worker."""
Seconds = Annotated[float, msgspec.Meta(ge=0, lt=253402300800)]
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding a line raises that is no event; the last of them, where it is nested too deeply."""

Outcome = Literal["succeeded", "stopped", "failed"]


class Event(msgspec.Struct, tag_field="type", kw_only=True, omit_defaults=False):
    """What every event carries; the journal fills `seq` and `t`."""

    v: int = FORMAT_VERSION
    seq: int = -1
    t: Time = 0.0


class Hello(Event, tag="hello"):
    """A worker took over the run. A second one means that the run was resumed."""

    run: str
    pid: int
    host: str
    versions: dict[str, str] = {}
    resumed_from: int | None = None
    """Step of the checkpoint it goes on from; steps after it will be written again."""
    boot_id: str = ""
    """Identity of this start of the machine: tells a reboot from a kill."""
    oom_kills: int | None = None
    """Out-of-memory kills counted in this control group when the worker started."""


class Phase(Event, tag="phase"):
    """What the worker is busy with; `done` of `total` when it can be counted."""

    name: str
    done: int = 0
    total: int = 0


class Data(Event, tag="data"):
    """What was read and encoded, with nothing dropped silently."""

    sources: list[dict[str, Any]] = []
    """Per source: path, sha256, format, template, rows, bad_lines, skipped and excluded (reason -> count), held_out, weight."""
    train_examples: int = 0
    test_examples: int = 0
    train_tokens: int = 0
    supervised_tokens: int = 0
    findings: dict[str, int] = {}
    """Findings of the token path, rule -> number of rows."""
    cut_tokens: int = 0
    """Tokens of training rows that are in no sequence because of max_length."""
    left_out_tokens: int = 0
    """Tokens of training sequences without a token to train on."""
    fingerprint: str = ""
    """Over all ids and labels that are trained on; "" in journals of older workers."""


class Model(Event, tag="model"):
    """The model that is trained."""

    path: str
    architecture: str
    parameters: int
    trainable_parameters: int
    device: str = ""
    """What it runs on, with its memory: "NVIDIA H200, 139.8 GiB" or "CPU, 2 cores, 23.4 GiB"."""
    quantization: str = ""
    adapter: str = ""
    footprint_gib: float = 0.0
    attention: str = ""
    """How attention is computed: "varlen" (row by row), "sdpa" or "eager"."""


class Plan(Event, tag="plan"):
    """How long the run is: known before its first step."""

    steps: Count
    steps_per_epoch: Count
    batch_size: Count
    """Sequences in one optimiser step."""
    micro_batch_size: Count = 0
    """Sequences in one forward pass; 0 in journals of older workers. Memory events tell of changes."""
    eval_every: Count = 0
    """Steps between two evaluations; 0 where there are none, and in journals of older workers."""
    save_every: Count = 0
    """Steps between two checkpoints."""
    sample_every: Count = 0
    """Steps between two rounds of sample generations; 0 where there are none."""


class Memory(Event, tag="memory"):
    """What a run takes of its device: planned before it starts, measured by the rehearsal and at the end."""

    stage: str
    """"planned", "rehearsed", "halved" (the micro-batch, after running out) or "finished"."""
    micro_batch_size: Count
    grad_accumulation: Count
    predicted_gib: float = 0.0
    """The plan's peak; 0 where there is none."""
    measured_gib: float = 0.0
    """The highest use so far; 0 where nothing was measured yet."""
    limit_gib: float = 0.0
    """What the device, or the run file, allows."""
    parts: dict[str, float] = {}
    """The plan's peak by what takes it, in GiB."""
    checkpointed_layers: Count = 0
    """Layers whose activations are computed again in the backward pass."""
    layers: Count = 0


class Step(Event, tag="step"):
    """One optimiser step."""

    step: Count
    epoch: Annotated[float, msgspec.Meta(ge=0, le=1e9)]
    loss: float | None
    """Mean cross-entropy over the supervised tokens of the global batch, in nats."""
    finite: bool = True
    supervised_tokens: Count = 0
    tokens: Count = 0
    """Tokens without padding."""
    cells: Count = 0
    """Tokens that were computed, padding among them; 0 in journals of older workers."""
    learning_rate: float = 0.0
    grad_norm: float | None = None
    seconds: Seconds = 0.0
    peak_gib: float = 0.0
    batch: str = ""
    """Fingerprint of ids, labels and positions: the same as `luthier inspect --batch` prints."""
    rows: list[str] = []
    """Where the rows of the batch come from: `file:line`, or `file#row` for tables."""


class Eval(Event, tag="eval"):
    """Loss on the held-out rows."""

    step: Count
    loss: float | None
    finite: bool = True
    supervised_tokens: int = 0
    seconds: Seconds = 0.0
    best: bool = False
    """Whether no evaluation of this run was lower."""


class Sample(Event, tag="sample"):
    """A text the model wrote during training."""

    step: Count
    prompt: str
    text: str


class Checkpoint(Event, tag="checkpoint"):
    """A checkpoint was written, synced and put in place."""

    step: Count
    path: str
    bytes: int = 0
    seconds: Seconds = 0.0
    best: bool = False
    """Whether it holds the weights with the lowest evaluation loss so far."""


class Warning_(Event, tag="warning"):  # noqa: N801 - the plain name is a builtin
    """Something the user should know; `hint` says what to do."""

    code: str
    message: str
    hint: str = ""
    step: Count | None = None
    """The step it speaks of, for those that belong to one: a loss spike."""
    rows: list[str] = []
    """The rows of that step, as in its Step event."""


class Log(Event, tag="log"):
    """A line of narration."""

    message: str
    level: str = "info"
    """"debug", "info", "warning" or "error"."""


class Hardware(Event, tag="hardware"):
    """What the machine was doing: once every few seconds while the worker lives. None where it cannot be known."""

    gpu_percent: float | None = None
    """Share of the time in which the GPU computed, 0 to 100 (NVML)."""
    gpu_celsius: float | None = None
    gpu_watts: float | None = None
    gpu_gib: float | None = None
    """Memory of the GPU that is in use, by anybody."""
    gpu_total_gib: float | None = None
    cpu_percent: float | None = None
    """Of all cores together, 0 to 100, by anybody."""
    host_gib: float | None = None
    """Memory of the machine that is in use, by anybody."""
    host_total_gib: float | None = None
    process_gib: float | None = None
    """Resident memory of the worker."""


class Ack(Event, tag="ack"):
    """A command was received and will be obeyed."""

    command: str
    id: str


class Finished(Event, tag="finished"):
    """The last event of a worker that ended by itself."""

    outcome: Outcome
    step: Count = 0
    reason: str = ""
    code: int = 0
    """Exit code of the worker."""
    seconds: Seconds = 0.0
    """Wall time of all workers of the run together."""


class Chapter(Event, tag="chapter"):
    """A part of the demo's story begins; `run` names the run to watch while it is told."""

    name: str
    title: str
    text: str
    run: str | None = None


class Answer(Event, tag="answer"):
    """A question of the demo that tuning never asked, answered by the base model and by the tuned one."""

    question: str
    expected: str
    base: str
    tuned: str
    base_correct: bool
    tuned_correct: bool


class Score(Event, tag="score"):
    """The end of the demo: the share of `questions` answered exactly."""

    base_accuracy: float
    tuned_accuracy: float
    questions: int
    seconds: float


AnyEvent = (
    Hello
    | Phase
    | Data
    | Model
    | Plan
    | Memory
    | Step
    | Eval
    | Sample
    | Checkpoint
    | Warning_
    | Log
    | Hardware
    | Ack
    | Finished
    | Chapter
    | Answer
    | Score
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AnyEvent)
_envelope = msgspec.json.Decoder(dict[str, Any])


def encode(event: Event) -> bytes:
    """Return the event as one JSON line, newline included. Non-finite floats become null."""
    return _encoder.encode(event) + b"\n"


def decode(line: bytes) -> AnyEvent | None:
    """Return the event in `line`, or None where it is of a type (or a shape) this version does not know.

    Raises one of `UNREADABLE` when the line is no JSON object at all.
    """
    try:
        event: AnyEvent = _decoder.decode(line)
        return event
    except msgspec.ValidationError:
        _envelope.decode(line)
        return None
