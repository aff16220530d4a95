"""The adapter that a run goes on with (lora.start_from), read and checked without torch.

Its folder is data from outside: safetensors and JSON are read, a pickle never.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ModelError

CONFIG, WEIGHTS, PICKLE = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"
_CHANGED_BASE = ("pissa", "olora", "corda", "lora_ga")
_UNKNOWN = (
    "target_parameters",
    "layer_replication",
    "lora_bias",
    "alora_invocation_tokens",
    "arrow_config",
    "velora_config",
    "kasa_config",
    "monteclora_config",
    "megatron_config",
    "use_qalora",
    "use_bdlora",
)
"""What peft's LoRA can be told beyond A, B, lengths, rows and whole layers; an adapter that uses one of them is refused."""
_PREFIX = "base_model.model."


@dataclass(frozen=True, slots=True)
class Earlier:
    """An adapter on disk."""

    folder: Path
    rank: int
    alpha: float
    rslora: bool
    dora: bool
    targets: str | list[str]
    save_modules: list[str]
    rows: dict[str, list[int]]
    """Layer -> rows of it that are trained (new tokens)."""
    shapes: dict[str, tuple[int, ...]]
    """Shapes of the tensors in its file, by name."""

    @property
    def parameters(self) -> int:
        """Numbers in its file."""
        total = 0
        for shape in self.shapes.values():
            count = 1
            for size in shape:
                count *= size
            total += count
        return total


def read_earlier(path: str) -> Earlier:
    """Return what the adapter folder at `path` says of itself.

    Raises ModelError when it is missing, incomplete, pickled, or no plain LoRA.
    """
    folder = Path(path).expanduser()
    config = _config(folder)
    if not (folder / WEIGHTS).is_file():
        if (folder / PICKLE).exists():
            raise ModelError(
                f"The adapter in {folder} is a pickle ({PICKLE}), which can run code of its own and is never opened. Save it "
                f"anew as safetensors where it comes from (peft does so by default), so that there is a {WEIGHTS}."
            )
        raise ModelError(f"The adapter in {folder} has no {WEIGHTS}. Copy the folder whole.")
    _require_plain(folder, config)
    rows = config.get("trainable_token_indices") or {}
    if isinstance(rows, list):
        rows = {"embed_tokens": rows}
    try:
        return Earlier(
            folder=folder,
            rank=int(config["r"]),
            alpha=float(config["lora_alpha"]),
            rslora=bool(config.get("use_rslora")),
            dora=bool(config.get("use_dora")),
            targets=config["target_modules"],
            save_modules=list(config.get("modules_to_save") or []),
            rows={str(layer): [int(i) for i in ids] for layer, ids in rows.items()},
            shapes=_shapes(folder / WEIGHTS),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / CONFIG} is no description of a LoRA adapter: {error!r}.") from error


def _config(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise ModelError(f"There is no adapter folder {folder} (lora.start_from).")
    try:
        config = json.loads((folder / CONFIG).read_text())
    except FileNotFoundError:
        near = sorted(p.parent.name for p in folder.glob(f"*/{CONFIG}"))
        hint = f" There is one in its {near[0]}/." if near else ""
        raise ModelError(f"{folder} holds no adapter: it has no {CONFIG} (lora.start_from).{hint}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / CONFIG} cannot be read: {error}.") from error
    if not isinstance(config, dict):
        raise ModelError(f"{folder / CONFIG} is no description of an adapter.")
    return config


def _require_plain(folder: Path, config: dict[str, Any]) -> None:
    """Raises ModelError when the adapter is more than what this program trains."""
    kind = config.get("peft_type")
    if kind != "LORA":
        raise ModelError(f"The adapter in {folder} is {kind!r}; lora.start_from goes on with LoRA adapters only.")
    init = str(config.get("init_lora_weights")).lower()
    if init.startswith(_CHANGED_BASE):
        raise ModelError(
            f"The adapter in {folder} belongs to a base that {init} has changed. Convert it to a plain LoRA where it was trained "
            "(peft's save_pretrained with path_initial_model_for_weight_conversion)."
        )
    if config.get("bias", "none") != "none":
        raise ModelError(
            f"The adapter in {folder} has trained biases (bias = {config['bias']!r}), which are not supported."
        )
    used = [key for key in _UNKNOWN if config.get(key)]
    if used:
        raise ModelError(f"The adapter in {folder} uses {used[0]} of peft, which is not supported.")


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of what a safetensors file holds, from its header. Raises ModelError when it is no such file."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > file.stat().st_size:
                raise ValueError("its header is cut")
            header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        end = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
        if end != file.stat().st_size:
            raise ValueError(f"it should be {end} bytes and is {file.stat().st_size}")
        return {name: tuple(entry["shape"]) for name, entry in header.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelError(f"{file} is no whole safetensors file: {error}. Copy it again.") from error


def require_fit(earlier: Earlier, base: Path, bits: int) -> None:
    """Make sure that an adapter belongs on the base in folder `base`, as far as names and shapes in the files tell.

    Raises ModelError. Layers whose names differ between file and model (transformers renames some) are not judged here.
    """
    if earlier.dora and bits == 8:
        raise ModelError(
            f"The adapter in {earlier.folder} is a DoRA, which does not go with quantization.bits = 8; set 4, 16 or 32."
        )
    weights: dict[str, tuple[int, ...]] = {}
    for file in sorted(base.glob("*.safetensors")):
        weights |= _shapes(file)
    names = [
        n.removeprefix(_PREFIX).removesuffix(".lora_A.weight") for n in earlier.shapes if n.endswith(".lora_A.weight")
    ]
    found = {name: shape for name in names if (shape := _shape_of(name, weights)) is not None}
    for name, shape in found.items():
        width = earlier.shapes[f"{_PREFIX}{name}.lora_A.weight"][1]
        height = earlier.shapes.get(f"{_PREFIX}{name}.lora_B.weight", (0,))[0]
        if len(shape) == 2 and 1 not in shape and {width, height} != set(shape):
            raise ModelError(
                f"The adapter in {earlier.folder} does not fit the model in {base}: its {name} is for {height} x {width} "
                f"weights, and the model has {' x '.join(map(str, shape))}. Name the base that it was trained on in model.path."
            )
    missing = [name for name in names if name not in found]
    if found and missing:
        raise ModelError(
            f"The adapter in {earlier.folder} does not fit the model in {base}, which has no {missing[0]}"
            f"{f' (and {len(missing) - 1} more)' if len(missing) > 1 else ''}. Name the base that it was trained on in "
            "model.path."
        )


def _shape_of(name: str, weights: dict[str, tuple[int, ...]]) -> tuple[int, ...] | None:
    """Shape of the weight of layer `name` in a base's files, which may leave out the model's own prefix."""
    short = name.partition(".")[2]
    return weights.get(f"{name}.weight") or weights.get(f"{short}.weight")
