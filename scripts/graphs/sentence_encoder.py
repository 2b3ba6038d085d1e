"""What every architecture ends with: one vector a text from its tokens' vectors."""

from typing import Callable, Dict

import torch
from torch import Tensor, nn

from .packed import pool_first, pool_mean


class SentenceEncoder(nn.Module):
    """forward(ids, starts, weights, options) -> float32[B, hidden].

    ids: int64[N], the tokens of all texts; starts: int64[B + 1], where each begins; weights: the
    checkpoint's tensors by name; options: the numbers that the architecture asks for, and pool_first
    and normalize, 0 or 1.
    """

    def __init__(self, encode_tokens: Callable):
        super().__init__()
        self.encode_tokens = encode_tokens

    def forward(self, ids: Tensor, starts: Tensor, weights: Dict[str, Tensor],
                options: Dict[str, float]) -> Tensor:
        x = self.encode_tokens(ids, starts, weights, options)
        pooled = pool_first(x, starts) if options["pool_first"] != 0.0 else pool_mean(x, starts)
        if options["normalize"] != 0.0:
            pooled = nn.functional.normalize(pooled, p=2.0, dim=1)
        return pooled
