"""What is known of the keys of the run file: usual values, what too little and too much do, and who measured it.

The models annotate their fields with these. A range is where nobody wonders; what lies outside of it is remarked on, never
refused. Figures have their source; where a source is empty, the words are common practice and no measurement.
"""

from __future__ import annotations

from engine.config.advice import Advice

_QLORA = "arXiv 2305.14314"
_LORA = "arXiv 2106.09685"

# [model]

MODEL_PATH = Advice(label="model", kind="path")
REVISION = Advice(advanced=True)
ATTENTION = Advice(
    usual="auto", low="eager keeps a table of every pair of tokens: slow, and much memory", advanced=True
)
LIGER = Advice(
    high="less memory and time on NVIDIA GPUs; nothing else changes", source="arXiv 2410.10989", advanced=True
)
REMOTE_CODE = Advice(usual="off", high="whatever the model's authors wrote runs here, with your rights", advanced=True)
NEW_TOKENS = Advice(
    usual="auto", high="each added token is a row of the embeddings to learn from these data alone", advanced=True
)
CHAT_TEMPLATE = Advice(kind="path", advanced=True)
DATE = Advice(advanced=True)

# [[data]]

DATA_PATH = Advice(label="data", kind="path")
PRESET = Advice(label="known dataset")
SUBSET = Advice(advanced=True)
DATA_REVISION = Advice(advanced=True)
DATA_SPLIT = Advice(advanced=True)
HELD_OUT = Advice(usual="auto", steps=("auto", "draw"))
STREAMING = Advice(high="nothing is stored, so each run needs the network again", advanced=True)
WEIGHT = Advice(usual="none with one source", steps=(0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0))
FORMAT = Advice(usual="auto")
COLUMNS = Advice()
ASSISTANT = Advice(advanced=True)
TEMPLATE = Advice(
    usual="auto",
    low="a template that the model was not made with costs a chat model what it learned from its own",
)
PROMPT = Advice(advanced=True)
COMPLETION = Advice(advanced=True)
TEXT_UNIT = Advice(advanced=True)
MAX_ROWS = Advice(usual="all", low="few rows are learned by heart", steps=(100, 300, 1000, 3000, 10000, 30000, 100000))
BAD_LINES = Advice(usual="refuse", advanced=True)
FINDINGS = Advice(label="leave out rows with", advanced=True)
EXCLUDED_ROWS = Advice(label="leave out rows", advanced=True)
EXCLUDED_FROM = Advice(label="rows are those of", advanced=True)

# [tokens]

MAX_LENGTH = Advice(
    usual="512 to 4096, as long as nearly all rows",
    usual_range=(64, 131072),
    unit="tokens",
    low="rows are cut, and with them the end of answers",
    high="memory for activations grows with it, and time where rows really are that long",
    steps=(128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 16384, 32768),
)
TRUNCATION = Advice(usual="right", low="left keeps the answer and loses the start of the question")
REFUSED_ROWS = Advice(advanced=True)
PACKING = Advice(
    usual="none, or bfd where rows are short",
    low="with none, short rows are padded to the longest of their batch",
    high="with bfd a sequence holds several rows, so a step sees more of them; a lower batch_size makes up for it",
    source="arXiv 2404.10830",
)
GROUP_BY_LENGTH = Advice(
    high="less padding; the loss curve swings, as long rows come together", source=f"{_QLORA}, appendix B"
)
PADDING = Advice(advanced=True)
PAD_MULTIPLE = Advice(usual="1, 8 or 64", steps=(1, 8, 16, 32, 64, 128), advanced=True)
PADDING_SIDE = Advice(advanced=True)
SUPERVISE = Advice(
    usual="assistant",
    high="with all, the model also learns to ask: for running text, or where answers are very short",
)
TRAIN_ON_EOS = Advice(usual="on", low="the model does not learn to stop", advanced=True)

# [split]

TEST_SIZE = Advice(
    usual="0.02 to 0.1, or some hundred rows",
    low="few held-out rows give a loss that jumps, none gives no evaluation",
    high="rows that are held out are not learned",
    steps=(0, 0.01, 0.02, 0.05, 0.1, 0.2),
)
SPLIT_SEED = Advice(label="seed of the split", steps=(0, 1, 2, 3, 42), advanced=True)
SPLIT_SHUFFLE = Advice(usual="on", advanced=True)
STRATIFY = Advice(usual="on", advanced=True)
GROUP_BY = Advice(advanced=True)

# [quantization]

BITS = Advice(
    usual="4 on a small GPU, 16 where it fits",
    low="4 bits lose little: the paper finds 16-bit quality with NF4",
    high="16 takes four times the memory of 4 for weights, and computes faster",
    source=_QLORA,
)
TYPE = Advice(usual="nf4", low="fp4 measured worse than nf4", source=f"{_QLORA}, section 4", advanced=True)
DOUBLE = Advice(usual="on", high="0.37 bit less per weight", source=f"{_QLORA}, section 3", advanced=True)
COMPUTE_DTYPE = Advice(usual="auto", advanced=True)

# [lora]

RANK = Advice(
    usual="8 to 64",
    usual_range=(2, 256),
    low="cannot hold much: a style or a format, hardly new knowledge",
    high="costs memory and overfits sooner; with plain scaling it learns hardly more (then set rslora)",
    source=f"{_LORA} (1 to 64), {_QLORA} (64), arXiv 2312.03732",
    steps=(2, 4, 8, 16, 32, 64, 128, 256),
)
ALPHA = Advice(
    usual="rank to twice rank",
    low="the adapter speaks softly: it learns as with a lower learning rate",
    high="the adapter speaks loudly: it learns as with a higher learning rate, and may diverge",
    source=f"{_QLORA} (16 at rank 64), arXiv 2405.09673 (twice rank)",
    steps=(4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0),
)
DROPOUT = Advice(
    usual="0 to 0.1",
    usual_range=(0.0, 0.2),
    low="nothing holds back overfitting on few rows",
    high="learns less; any dropout is slower, as the fused path cannot be taken",
    source=f"{_QLORA} (0.1 up to 13B, 0.05 for 33B and 65B)",
    steps=(0.0, 0.05, 0.1, 0.2),
)
TARGET_MODULES = Advice(
    label="layers",
    usual="all-linear",
    low="attention alone needs less memory, and does not reach a full fine-tune",
    source=f"{_QLORA}, section 4",
    steps=("all-linear", "attention", "mlp"),
)
RSLORA = Advice(
    usual="off; on for high ranks", high="at low ranks the same as a higher alpha", source="arXiv 2312.03732"
)
DORA = Advice(
    usual="off", high="slower, and more memory; often better at low rank", source="arXiv 2402.09353", advanced=True
)
INIT = Advice(usual="default", advanced=True)
PLUS_RATIO = Advice(
    label="LoRA+ ratio",
    usual="1 (off), or 16",
    usual_range=(1.0, 32.0),
    high="B learns so fast that it may diverge; lower the learning rate",
    source="arXiv 2402.12354",
    steps=(1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    advanced=True,
)
SAVE_MODULES = Advice(
    high="a whole layer in float32, with its optimiser state, and as large in the adapter's file", advanced=True
)
START_FROM = Advice(label="go on with adapter", kind="path", advanced=True)

# [train]

METHOD = Advice(
    usual="lora",
    high="full keeps 16 bytes of memory a weight, and forgets more",
    source="arXiv 2405.09673 (forgetting)",
)
EPOCHS = Advice(
    usual="1 to 3",
    low="below 1 not every row is seen",
    high="rows are learned by heart, and the evaluation loss rises",
    source="arXiv 2203.02155 (evaluation loss is lowest after the first)",
    steps=(0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0),
)
STEPS = Advice(usual="left out: epochs say it", steps=(50, 100, 200, 500, 1000, 2000, 5000, 10000))
BATCH_SIZE = Advice(
    label="micro-batch",
    unit="sequences",
    low="the GPU waits between small pieces of work",
    high="memory for activations grows with it; the numbers of a step only through the global batch",
    steps=(1, 2, 4, 8, 16, 32, 64, 128),
)
GRAD_ACCUMULATION = Advice(
    usual="so that the global batch is 8 to 128",
    low="steps follow few rows each and are noisy",
    high="few steps, each of them long",
    source=f"{_QLORA} (global batch of 16 to 64 by size)",
    steps=(1, 2, 4, 8, 16, 32, 64),
)
LEARNING_RATE = Advice(
    usual="1e-4 to 3e-4 for LoRA, ten times less for a full fine-tune",
    usual_range=(1e-6, 1e-3),
    low="learns slowly or not at all",
    high="the loss jumps, or ends as not a number",
    source=f"{_QLORA} (2e-4 for 7B and 13B, 1e-4 for 33B and 65B)",
    steps=(1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3),
)
SCHEDULER = Advice(
    usual="cosine", low="constant never settles, but lets a run go on for longer", source=f"{_QLORA} (constant)"
)
WARMUP = Advice(
    usual="0.03, or up to 0.1",
    low="the first steps, when the optimiser knows least, are the longest",
    high="much of the run goes by below its learning rate",
    source="arXiv 1706.02677",
    steps=(0.0, 0.01, 0.03, 0.05, 0.1, 0.2),
)
DECAY = Advice(usual="0.1 to 0.2", source="arXiv 2404.06395 (0.1)", steps=(0.05, 0.1, 0.2, 0.3, 0.5), advanced=True)
MIN_LEARNING_RATE = Advice(usual="0, or a tenth of learning_rate", steps=(0.0, 1e-6, 1e-5, 2e-5, 5e-5), advanced=True)
OPTIMIZER = Advice(
    usual="adamw; the 8-bit ones for full fine-tunes",
    low="8 bits save next to nothing beside an adapter, whose state is small",
    source="arXiv 2110.02861 (8 bits), arXiv 2302.06675 (lion), arXiv 1804.04235 (adafactor)",
)
WEIGHT_DECAY = Advice(
    usual="0 to 0.1",
    usual_range=(0.0, 0.3),
    high="weights are drawn to zero faster than they learn",
    source="arXiv 1711.05101",
    steps=(0.0, 0.01, 0.05, 0.1),
)
BETAS = Advice(
    usual="left out, or 0.9 and 0.95",
    source=f"{_QLORA} (0.9 and 0.999)",
    steps=((0.9, 0.999), (0.9, 0.95)),
    advanced=True,
)
CLIP = Advice(
    usual="0.3 to 1",
    low="0 lets a bad batch throw the weights off; a very low one makes all steps as long as each other",
    high="never clips",
    source=f"{_QLORA} (0.3), arXiv 1211.5063",
    steps=(0.0, 0.3, 0.5, 1.0, 2.0),
)
SEED = Advice(steps=(0, 1, 2, 3, 42), advanced=True)
SHUFFLE = Advice(usual="on", low="rows of a kind come together, and the last ones weigh most", advanced=True)
NEFTUNE = Advice(
    label="NEFTune alpha",
    usual="0 (off), or 5 to 15",
    usual_range=(0.0, 30.0),
    high="the noise drowns the words",
    source="arXiv 2310.05914",
    steps=(0.0, 5.0, 10.0, 15.0),
    advanced=True,
)
GRADIENT_CHECKPOINTING = Advice(usual="auto", high="far less memory, about a third slower", source="arXiv 1604.06174")
COMPILE = Advice(usual="off for short runs", high="a minute or more before the first step", advanced=True)
MEMORY_LIMIT = Advice(usual="left out", unit="bytes", advanced=True)
EVAL_EVERY = Advice(
    label="evaluate every",
    usual="left out: ten times over the run",
    low="time goes into evaluation",
    high="overfitting is seen late",
    steps=("0.1 epochs", "0.25 epochs", "0.5 epochs", "1 epoch"),
)
SAVE_EVERY = Advice(
    label="save every",
    usual="left out: ten times over the run",
    high="a crash costs the work since the last one",
    steps=("0.1 epochs", "0.25 epochs", "0.5 epochs", "1 epoch"),
)
KEEP = Advice(label="checkpoints kept", usual="1 to 3", high="disk space", steps=(1, 2, 3, 5, 10))
EARLY_STOPPING = Advice(
    usual="left out, or 2 to 5", low="stops at a chance rise of the loss", steps=(2, 3, 5, 10), advanced=True
)
RESULT = Advice(usual="last", high="best keeps what did best on held-out rows, which flatters it a little")

# [eval]

EVAL_MAX_ROWS = Advice(usual="left out", low="few rows give a loss that jumps", steps=(50, 100, 200, 500, 1000))
SAMPLES = Advice(label="prompts to answer", kind="lines", usual="2 to 4 that show what it should learn")
SAMPLE_EVERY = Advice(label="answer every", steps=("0.1 epochs", "0.25 epochs", "0.5 epochs", "1 epoch"), advanced=True)
SAMPLE_TOKENS = Advice(
    usual="32 to 256", unit="tokens", high="time, at every evaluation", steps=(16, 32, 64, 128, 256), advanced=True
)
