"""What every architecture does with a packed batch. Scripted: the loops depend on the batch."""

from typing import List

import torch
from torch import Tensor


@torch.jit.script
def positions_of(ids: Tensor, starts: Tensor) -> Tensor:
    """Position of each token in its own text, from 0; filling tokens get 0. Returns int64[N]."""
    positions = torch.zeros_like(ids)
    bounds: List[int] = starts.tolist()
    for i in range(len(bounds) - 1):
        begin, end = bounds[i], bounds[i + 1]
        positions[begin:end] = torch.arange(end - begin)
    return positions


@torch.jit.script
def attend(query: Tensor, key: Tensor, value: Tensor, starts: Tensor, heads: int) -> Tensor:
    """Softmax attention inside each text. All of [N, hidden], heads side by side in a row."""
    tokens, hidden = query.shape
    width = hidden // heads
    out = torch.zeros_like(query)
    bounds: List[int] = starts.tolist()
    for i in range(len(bounds) - 1):
        begin, end = bounds[i], bounds[i + 1]
        length = end - begin
        q = query[begin:end].view(1, length, heads, width).transpose(1, 2)
        k = key[begin:end].view(1, length, heads, width).transpose(1, 2)
        v = value[begin:end].view(1, length, heads, width).transpose(1, 2)
        mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        out[begin:end] = mixed.transpose(1, 2).reshape(length, hidden)
    return out


@torch.jit.script
def pool_mean(x: Tensor, starts: Tensor) -> Tensor:
    """Mean of each text's rows, special tokens included, summed in float32. Returns [B, hidden]."""
    bounds: List[int] = starts.tolist()
    pooled = torch.zeros(len(bounds) - 1, x.shape[1], dtype=torch.float32)
    for i in range(len(bounds) - 1):
        pooled[i] = x[bounds[i] : bounds[i + 1]].to(torch.float32).mean(0)
    return pooled


@torch.jit.script
def pool_first(x: Tensor, starts: Tensor) -> Tensor:
    """Each text's first row, the [CLS] token. Returns float32[B, hidden]."""
    return x[starts[:-1]].to(torch.float32)
