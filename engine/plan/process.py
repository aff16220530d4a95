"""What a process takes beside the tensors of a run, what its allocator loses between them, and what loading asks for.

On a CPU all of it is resident memory of the process, which has what its tensors have: a worker's allocator gives large blocks
back when they are free (`engine.train.device.save_memory`).
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from pathlib import Path

import psutil
import torch

from engine.config.runfile import RunFile
from engine.plan.device import CUDA_CONTEXT
from engine.plan.shapes import Shapes, dtype_of

FIRST_STEP = 80 << 20
"""What the libraries take when they compute for the first time: buffers of oneDNN and MKL, threads, kernels that are read in.
Measured: 30 to 130 MiB."""
CUBLAS = 40 << 20
"""Workspaces of cuBLAS: 32 MiB and 8 MiB on Hopper, which torch keeps."""
QUANTISING = 16
"""Bytes a parameter of the weight that is being quantised takes on a CPU, where it is done in several passes in float32."""


@functools.cache
def process_bytes(kind: str) -> int:
    """What is there without a model: of a GPU the context and workspaces, else this process as it is, and what computing adds.

    As it is when it is first asked for: a model that is loaded later must not count twice in a plan that is made again.
    """
    if kind == "cuda":
        return CUDA_CONTEXT + CUBLAS
    return int(psutil.Process().memory_info().rss) + FIRST_STEP


def loading_peak(shapes: Shapes, folder: Path, run: RunFile, kind: str, process: int, stored: dict[str, int]) -> int:
    """The most while the model is read and quantised, one weight after the other.

    On a CPU pages of the weights' file are resident while it is read: all of it where it has the type of the computation, and
    then once more what is not quantised, when that is copied out of it (`engine.train.model.load_base`).
    """
    there = process - (FIRST_STEP if kind == "cpu" else 0) + stored["weights"] + stored["quantization constants"]
    same_type = stored_dtype(folder) == dtype_of(run.quantization, kind)
    if shapes.largest:
        mapped = shapes.source_bytes if kind == "cpu" and same_type else 0
        return there + max(mapped, shapes.largest * (QUANTISING if kind == "cpu" else 4))
    on_disk = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return there + (on_disk if kind == "cpu" and not same_type and stored_dtype(folder) is not None else 0)


def stored_dtype(folder: Path) -> torch.dtype | None:
    """The type of most of the weights on disk, from the header of a file; None where there is none that is known."""
    bytes_of: Counter[str] = Counter()
    for file in sorted(folder.glob("*.safetensors"))[:1]:
        with file.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        for name, entry in header.items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                bytes_of[entry["dtype"]] += end - begin
    named = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
    return named.get(bytes_of.most_common(1)[0][0]) if bytes_of else None
