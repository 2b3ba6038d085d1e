"""Attention with linear biases (Press et al. 2021, arXiv:2108.12409), in JinaBERT's symmetric form.

    score[h, i, j] = q_i · k_j / sqrt(width) - slope[h] · |i - j|

Günther et al. 2023 (arXiv:2310.19923, section 2.2) have no causal mask, so the distance counts in both
directions. The bias is neither scaled nor learned.
"""

from typing import List

import torch
from torch import Tensor


@torch.jit.script
def slopes_of(heads: int) -> Tensor:
    """The heads' slopes: 2^(-8 (h + 1) / n) for n heads, when n is a power of two.

    Otherwise those of the power of two below come first, and every other one of the power of two
    above follows, as many as are missing. Returns float32[heads].
    """
    below = 1
    while 2 * below <= heads:
        below = 2 * below
    slopes: List[float] = []
    for head in range(below):
        slopes.append(2.0 ** (-8.0 * (head + 1) / below))
    for head in range(heads - below):
        slopes.append(2.0 ** (-8.0 * (2 * head + 1) / (2 * below)))
    return torch.tensor(slopes, dtype=torch.float32)


@torch.jit.script
def attend_alibi(query: Tensor, key: Tensor, value: Tensor, starts: Tensor, slopes: Tensor) -> Tensor:
    """Softmax attention inside each text. All of [N, hidden], heads side by side in a row.

    `slopes` is float32[heads]; the biases stay float32 where query, key and value are bfloat16. A
    long text goes in blocks of queries, so that the biases need heads × 256 × length numbers and not
    heads × length². Which blocks depends on nothing but the text's own length, so that a text has
    the same bits in every batch.
    """
    rows = 256
    heads = slopes.shape[0]
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
        positions = torch.arange(length, dtype=torch.float32)
        for first in range(0, length, rows):
            last = min(first + rows, length)
            distances = (positions[first:last].unsqueeze(1) - positions.unsqueeze(0)).abs_()
            bias = distances * -slopes.view(1, heads, 1, 1)
            mixed = torch.nn.functional.scaled_dot_product_attention(
                q[:, :, first:last], k, v, attn_mask=bias)
            out[begin + first : begin + last] = mixed.transpose(1, 2).reshape(last - first, hidden)
    return out
