"""The plain training script, as a text with places for what a run file says.

It uses torch, transformers, peft and, for 4 or 8 bits and its optimisers, bitsandbytes; nothing of Luthier. What is
written here is the same arithmetic as `engine.train`, for one device, without what makes it quick or safe.
"""

from __future__ import annotations

HEAD = '''"""{title}

Made by `luthier export-script`. It needs torch, transformers and peft{bitsandbytes}; nothing of Luthier.
The rows beside it are encoded already: ids and labels as they are trained on (-100 is not trained), so template, masking and
truncation cannot differ. {order}, says which rows meet in which step.

Left out:
{left_out}
"""

import json
import logging
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM{imports}

logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it speaks of kernels that nobody asked for
HERE = Path(__file__).resolve().parent
ROWS, ORDER, HELD_OUT = HERE / {rows!r}, HERE / {order!r}, {held_out}
MODEL = {model!r}
OUT = HERE / {out!r}
'''

SETTINGS = """
BITS, COMPUTE_DTYPE, ATTENTION = {bits!r}, {compute_dtype!r}, {attention!r}
SEED, STEPS = {seed!r}, {steps!r}
LEARNING_RATE, LOWEST, SCHEDULER, WARMUP, DECAY = {rate!r}, {lowest!r}, {scheduler!r}, {warmup!r}, {decay!r}
OPTIMIZER, BETAS, WEIGHT_DECAY, PLUS_RATIO, CLIP = {optimizer!r}, {betas!r}, {weight_decay!r}, {plus_ratio!r}, {clip!r}
CHECKPOINTING, EVAL_EVERY, EVAL_BATCH = {checkpointing!r}, {eval_every!r}, {eval_batch!r}
PAD = {pad!r}
LORA = {lora}
NEW_ROWS = {new_rows}  # new token -> the tokens that spelled it, whose mean it starts at
VOCABULARY = {vocabulary!r}  # rows of the embedding with the new tokens; 0: none are added

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
"""

LOADING = '''

def weights_dtype():
    """Type of the weights that are not quantised."""
    if BITS == 32:
        return torch.float32
    if BITS == 16:
        return torch.bfloat16
    if COMPUTE_DTYPE == "auto":
        good = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if good else torch.float32
    return getattr(torch, COMPUTE_DTYPE)


def load():
    """The base, with adapters where there are any."""
    extra = {}
@QUANTIZED@
    model = AutoModelForCausalLM.from_pretrained(
        MODEL, @REVISION@dtype=weights_dtype(), attn_implementation=ATTENTION, device_map={"": device},@REMOTE@
        use_safetensors=True, **extra
    )
    model.config.use_cache = False
    if VOCABULARY:
        add_rows(model)
    torch.manual_seed(SEED)
@ADAPTER@
    return model


def add_rows(model):
    """Rows for new tokens, which start at the mean of the rows that spelled them."""
    before = model.get_input_embeddings().weight.shape[0]
    if VOCABULARY > before:
        model.resize_token_embeddings(VOCABULARY, mean_resizing=False)
    embedding, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    pieces = {row: [] for row in range(before, VOCABULARY)} | NEW_ROWS
    for weight in [embedding] if embedding is head else [embedding, head]:
        for row, ids in pieces.items():
            known = [i for i in ids if i < before]
            source = weight.data[known] if known else weight.data[:before]
            weight.data[row] = source.mean(dim=0, dtype=torch.float32).to(weight.dtype)
'''

TRAINING = '''

def make_optimizer(model):
    """Weight decay on matrices only; with LoRA+ the B matrices learn faster."""
    groups = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            fast = PLUS_RATIO if ".lora_B." in name or ".lora_embedding_B." in name else 1.0
            groups.setdefault((fast, WEIGHT_DECAY if weight.ndim >= 2 else 0.0), []).append(weight)
    groups = [{"params": w, "weight_decay": decay, "pace": pace} for (pace, decay), w in groups.items()]
@OPTIMIZER@


def learning_rate(step):
    """Linear warmup, then held or falling; `step` counts from 1."""
    warmup = round(WARMUP * STEPS) if WARMUP < 1 else int(WARMUP)
    if step <= warmup:
        return LEARNING_RATE * step / (warmup + 1)
    if SCHEDULER == "constant":
        return LEARNING_RATE
    if SCHEDULER == "wsd":
        decay = max(1, round(DECAY * STEPS) if DECAY < 1 else int(DECAY))
        held = max(warmup, STEPS - decay)
        fallen = max(0, step - held) / (STEPS - held + 1)
    else:
        fallen = (step - warmup - 1) / max(1, STEPS - warmup)
    left = 0.5 * (1 + math.cos(math.pi * fallen)) if SCHEDULER == "cosine" else 1 - fallen
    return LOWEST + (LEARNING_RATE - LOWEST) * left


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def batch_of(rows):
    """Rows (ids, labels) side by side, padded on the right, and how many of their tokens are trained."""
    width = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([row + [PAD] * (width - len(row)) for row, _ in rows], device=device)
    labels = torch.tensor([row + [-100] * (width - len(row)) for _, row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row, _ in rows], device=device)
    return ids, labels, mask


def supervised(rows):
    """Trained tokens; the first token of a row has nothing before it to be foretold from."""
    return sum(label != -100 for _, labels in rows for label in labels[1:])


def summed_loss(model, rows):
    """Cross-entropy in nats, summed over the trained tokens of `rows`."""
    ids, labels, mask = batch_of(rows)
    with torch.autocast(device.type, torch.bfloat16, enabled=BITS == 32 and COMPUTE_DTYPE == "bfloat16"):
        logits = model(input_ids=ids, attention_mask=mask).logits
    return F.cross_entropy(logits[:, :-1].float().flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100, reduction="sum")


@torch.no_grad()
def evaluate(model, rows):
    """Mean loss on the held-out rows."""
    model.eval()
    for module in model.modules():
        if type(module).__module__.startswith("bitsandbytes."):
            module.training = True  # a quantised layer computes as in training
    total, count = 0.0, 0
    for start in range(0, len(rows), EVAL_BATCH):
        part = rows[start : start + EVAL_BATCH]
        total += summed_loss(model, part).item()
        count += supervised(part)
    model.train()
    return total / max(1, count)


def main():
    rows = [(row["ids"], row["labels"]) for row in read_lines(ROWS)]
    order = read_lines(ORDER)
    held_out = [(row["ids"], row["labels"]) for row in read_lines(HELD_OUT)] if HELD_OUT else []
    model = load()
    if CHECKPOINTING:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = make_optimizer(model)
    model.train()
    for step, micro_batches in enumerate(order, 1):
        parts = [[(rows[i][0][a:b], rows[i][1][a:b]) for i, a, b in pieces] for pieces in micro_batches]
        count = sum(map(supervised, parts))
        total = 0.0
        for part in parts:
            loss = summed_loss(model, part)
            (loss / count).backward()
            total += loss.item()
        norm = torch.nn.utils.clip_grad_norm_(weights, CLIP if CLIP else math.inf)
        if not math.isfinite(total) or not torch.isfinite(norm):
            raise SystemExit(f"step {step}: the loss or the gradient is not a finite number")
        rate = learning_rate(step)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["pace"]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        print(json.dumps({"step": step, "loss": total / count, "learning_rate": rate, "grad_norm": norm.item()}), flush=True)
        if held_out and (step == STEPS or EVAL_EVERY and step % EVAL_EVERY == 0):
            print(json.dumps({"step": step, "eval_loss": evaluate(model, held_out)}), flush=True)
    model.save_pretrained(OUT)


if __name__ == "__main__":
    main()
'''

FOUR = """    from transformers import BitsAndBytesConfig

    extra["quantization_config"] = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type={type!r},
        bnb_4bit_use_double_quant={double!r},
        bnb_4bit_compute_dtype=weights_dtype(),
    )"""
EIGHT = """    from transformers import BitsAndBytesConfig

    extra["quantization_config"] = BitsAndBytesConfig(load_in_8bit=True)"""
ADAPTER = """    model.requires_grad_(False)
    model = get_peft_model(model, LoraConfig(**LORA))"""
EARLIER = """    model.requires_grad_(False)
    model = PeftModel.from_pretrained(model, {path!r}, is_trainable=True)"""
EVERYTHING = """    model.requires_grad_(True)"""
OPTIMIZERS = {
    "adamw": "    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS, fused=True)",
    "adafactor": "    return torch.optim.Adafactor(groups, lr=LEARNING_RATE, eps=(1e-15, 1.0))",
    "bitsandbytes": """    from bitsandbytes import optim

    bits = 8 if OPTIMIZER.endswith("8bit") else 32
    if OPTIMIZER.startswith("lion"):
        return optim.Lion(groups, lr=LEARNING_RATE, betas=BETAS, optim_bits=bits)
    paged = OPTIMIZER.startswith("paged") and device.type == "cuda"
    return optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS, optim_bits=bits, is_paged=paged)""",
}
