"""Rotary positions (Su et al. 2021, arXiv:2104.09864), in the form that pairs column c with c + width/2."""

from typing import Tuple

import torch
from torch import Tensor


@torch.jit.script
def rotations_of(positions: Tensor, width: int, base: float) -> Tuple[Tensor, Tensor]:
    """Cosine and sine of position · base^(-2c / width), c = 0 … width/2 - 1, twice side by side.

    Both float32[N, width].
    """
    frequencies = 1.0 / (base ** (torch.arange(0, width, 2, dtype=torch.float32) / width))
    angles = positions.to(torch.float32).unsqueeze(1) * frequencies
    angles = torch.cat([angles, angles], dim=1)
    return angles.cos(), angles.sin()


@torch.jit.script
def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turns each head's pairs of columns by their angles, in float32. x is [N, heads · width]."""
    tokens, hidden = x.shape
    width = cosine.shape[1]
    heads = x.view(tokens, hidden // width, width).to(torch.float32)
    first, second = heads.chunk(2, dim=2)
    turned = torch.cat([-second, first], dim=2)
    rotated = heads * cosine.unsqueeze(1) + turned * sine.unsqueeze(1)
    return rotated.view(tokens, hidden).to(x.dtype)
