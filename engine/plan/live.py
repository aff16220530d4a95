"""How much memory operations on shapes would hold: tensors on torch's `meta` device have sizes and no values.

`LiveBytes` follows every storage from the operation that makes it to the moment nobody refers to it, so dropout, recomputation
and whatever autograd keeps are counted as they happen. Questions about values, which shapes cannot answer, are answered
here and only here.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

META = torch.device("meta")
NAMED_CAPABILITY = (8, 0)
"""What a GPU that is not here can do: what all that compute in bfloat16 can."""
OUTLIERS = 0
"""Columns of an 8-bit product that are computed in 16 bits: none can be foreseen, and there are few."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What happened between two marks."""

    name: str
    start: int
    """Bytes alive when it began."""
    stop: int
    """Bytes alive when it ended."""
    peak: int
    """Most bytes alive in it."""


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts bytes of storages on the meta device while it is entered. `supervised` is how many labels a mask of labels keeps."""

    def __init__(self, supervised: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.supervised = supervised
        self.live = 0
        self.segments: list[Segment] = []
        self.inside = False
        """Whether an operation is being done: those that torch writes in Python must see where tensors really are."""
        self._sizes: dict[int, tuple[int, Any]] = {}
        self._peak = 0
        self._start = 0

    def mark(self, name: str) -> None:
        """End a segment and begin the next."""
        self.segments.append(Segment(name, self._start, self.live, self._peak))
        self._start = self._peak = self.live

    def disown(self, tensor: Tensor) -> None:
        """Count the storage of `tensor` no longer: a gradient, which the plan knows anyway."""
        size, _ = self._sizes.pop(tensor.untyped_storage()._cdata, (0, None))
        self.live -= size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if kwargs.get("device") is not None:
            kwargs = {**kwargs, "device": META}
        if _mixes(args):
            args = tuple(_shape_of(arg) for arg in args)
        answer = _ANSWERS.get(func)
        self.inside = True
        try:
            out = answer(self, func, args, kwargs) if answer else func(*args, **kwargs)
        finally:
            self.inside = False
        hidden = _HIDDEN.get(func)
        for value in out if isinstance(out, tuple | list) else (out,):
            if isinstance(value, Tensor):
                self._own(value)
        if hidden:
            self._peak = max(self._peak, self.live + hidden(args))
        return out

    def _own(self, tensor: Tensor) -> None:
        if not tensor.is_meta:
            return
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._sizes:
            return
        size = storage.nbytes()

        def gone(_: Any) -> None:
            if self._sizes.pop(key, None) is not None:
                self.live -= size

        self._sizes[key] = (size, weakref.ref(storage, gone))
        self.live += size
        self._peak = max(self._peak, self.live)


def _mixes(args: Sequence[Any]) -> bool:
    """Whether some tensors have values and some have not."""
    tensors = [arg for arg in args if isinstance(arg, Tensor)]
    return any(tensor.is_meta for tensor in tensors) and not all(tensor.is_meta for tensor in tensors)


def _shape_of(arg: Any) -> Any:
    """A tensor without its values; anything else as it is."""
    if not isinstance(arg, Tensor) or arg.is_meta or arg.dim() == 0:
        return arg
    return torch.empty_strided(arg.shape, arg.stride(), dtype=arg.dtype, device=META)


Answer = Callable[[LiveBytes, Any, Sequence[Any], dict[str, Any]], Any]


def _yes(live: LiveBytes, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A value that is asked for: true, and 1."""
    if not args[0].is_meta:
        return func(*args, **kwargs)
    return args[0].dtype.is_floating_point * 1.0 or 1 if args[0].dtype != torch.bool else True


def _same(live: LiveBytes, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Whether two tensors are alike, which is asked of what ought to be."""
    return True if args[0].is_meta else func(*args, **kwargs)


def _kept(live: LiveBytes, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """What a mask keeps of a tensor: as much as is supervised."""
    source, indices = args
    if not source.is_meta:
        return func(*args, **kwargs)
    mask = next((index for index in indices if index is not None), None)
    if mask is None or mask.dtype != torch.bool or len(indices) > 1:
        return func(source, [None if i is None else _shape_of(i) for i in indices], **kwargs)
    return _empty((live.supervised, *source.shape[mask.dim() :]), source.dtype)


def _put(live: LiveBytes, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The way back of `_kept`."""
    target, indices, *rest = args
    if not target.is_meta:
        return func(*args, **kwargs)
    mask = next((index for index in indices if index is not None), None)
    if mask is not None and mask.dtype == torch.bool:
        return target
    return func(target, [None if i is None else _shape_of(i) for i in indices], *rest, **kwargs)


def _where(live: LiveBytes, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    if not args[0].is_meta:
        return func(*args, **kwargs)
    return _empty((live.supervised, args[0].dim()), torch.int64)


def _empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, dtype=dtype, device=META)


def _eight_bit_rows(live: LiveBytes, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """bitsandbytes::int8_vectorwise_quant: rows in eight bits, their scales, the columns that stand out."""
    source = args[0]
    threshold = args[1] if len(args) > 1 else kwargs.get("threshold", 0.0)
    columns = _empty((OUTLIERS,), torch.int64) if threshold else None
    return _empty(source.shape, torch.int8), _empty((source.shape[:-1].numel(),), torch.float32), columns


def _eight_bit_product(live: LiveBytes, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """bitsandbytes::int8_mixed_scaled_mm: the product, and the columns that stand out."""
    source, rows, weight = args[0], args[1], args[2]
    return _empty((*rows.shape[:-1], weight.shape[0]), source.dtype), _empty((rows.shape[0], OUTLIERS), source.dtype)


def _dequantised(args: Sequence[Any]) -> int:
    """bitsandbytes::gemm_4bit writes the whole weight out before it multiplies, in the type of its input."""
    return int(args[2][0]) * int(args[2][1]) * int(args[0].element_size())


def _operators() -> tuple[dict[Any, Answer], dict[Any, Callable[[Sequence[Any]], int]]]:
    import bitsandbytes  # noqa: F401 - registers its operators

    aten, bnb = torch.ops.aten, torch.ops.bitsandbytes
    answers: dict[Any, Answer] = {
        aten._local_scalar_dense.default: _yes,
        aten.is_nonzero.default: _yes,
        aten.equal.default: _same,
        aten.allclose.default: _same,
        aten.index.Tensor: _kept,
        aten.index_put.default: _put,
        aten.index_put_.default: _put,
        aten._index_put_impl_.default: _put,
        aten.nonzero.default: _where,
        bnb.int8_vectorwise_quant.default: _eight_bit_rows,
        bnb.int8_mixed_scaled_mm.default: _eight_bit_product,
    }
    return answers, {bnb.gemm_4bit.default: _dequantised}


_ANSWERS, _HIDDEN = _operators()


@contextmanager
def fused_attention() -> Iterator[None]:
    """Give attention on shapes the memory of torch's fused kernels; tensors on meta would be given the plain one."""
    plain = F.scaled_dot_product_attention

    def attention(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        """Queries, keys, values, the output and a sum for each query are kept, and a mask in the type of the queries."""
        if dropout_p:  # no fused kernel of the CPU draws
            return plain(query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa)
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            attn_mask = torch.where(attn_mask, 0.0, float("-inf")).to(query.dtype)
        kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        out: Tensor = kernel(query, key, value, 0.0, is_causal, attn_mask=attn_mask, scale=scale)[0]
        return out

    F.scaled_dot_product_attention = attention
    try:
        yield
    finally:
        F.scaled_dot_product_attention = plain


@contextmanager
def called(device: torch.device, live: LiveBytes) -> Iterator[None]:
    """Let tensors without values say that they are on `device`, so that all code chooses what it would choose there."""
    known = torch._C.TensorBase.device.__get__

    def told(tensor: Tensor) -> torch.device:
        return device if tensor.is_meta and not live.inside else known(tensor)

    prepare, ability = torch.cuda._lazy_init, torch.cuda.get_device_capability
    if device.type == "cuda" and not torch.cuda.is_available():
        torch.cuda._lazy_init = lambda: None  # no operation is going to reach it
        torch.cuda.get_device_capability = lambda *_: NAMED_CAPABILITY
    torch.Tensor.device = property(told)  # type: ignore[assignment]
    try:
        yield
    finally:
        del torch.Tensor.device
        torch.cuda._lazy_init, torch.cuda.get_device_capability = prepare, ability


@contextmanager
def packed_or_not(packed: bool) -> Iterator[None]:
    """Let transformers know whether positions restart, which it asks their values for."""
    from transformers import masking_utils

    ask = masking_utils.find_packed_sequence_indices
    told = torch.zeros_like if packed else lambda positions: None
    masking_utils.find_packed_sequence_indices = told
    try:
        yield
    finally:
        masking_utils.find_packed_sequence_indices = ask
