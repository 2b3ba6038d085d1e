"""The layers that encoders are made of. Their weights come from outside, by the names of a checkpoint.

A weight is [out, in]; a low-rank adapter (LoRA, Hu et al. 2021, arXiv:2106.09685) stands beside it in
the way of torch.nn.utils.parametrize: NAME.parametrizations.weight.{original,0.lora_A,0.lora_B}, the
matrices of all tasks stacked in the first dimension.
"""

from typing import Dict

import torch
from torch import Tensor


@torch.jit.script
def linear(x: Tensor, weights: Dict[str, Tensor], name: str) -> Tensor:
    return torch.nn.functional.linear(x, weights[name + ".weight"], weights[name + ".bias"])


@torch.jit.script
def layer_norm(x: Tensor, weights: Dict[str, Tensor], name: str, epsilon: float) -> Tensor:
    return torch.nn.functional.layer_norm(
        x, [x.shape[1]], weights[name + ".weight"], weights[name + ".bias"], epsilon)


@torch.jit.script
def adapted_linear(x: Tensor, weights: Dict[str, Tensor], name: str, task: int,
                   scale: float) -> Tensor:
    """x·(W + scale·B·A)ᵀ + b, the adapter's part by itself: it is thin. No task (-1): x·Wᵀ + b."""
    if name + ".weight" in weights:
        return linear(x, weights, name)
    own = name + ".parametrizations.weight."
    y = torch.nn.functional.linear(x, weights[own + "original"], weights[name + ".bias"])
    if task < 0:
        return y
    a, b = weights[own + "0.lora_A"][task], weights[own + "0.lora_B"][task]
    return y + scale * torch.nn.functional.linear(torch.nn.functional.linear(x, a), b)


@torch.jit.script
def adapted_rows(ids: Tensor, weights: Dict[str, Tensor], name: str, task: int,
                 scale: float) -> Tensor:
    """The rows `ids` of W + scale·A·B, or of W where there is no adapter or no task (-1)."""
    if name + ".weight" in weights:
        return weights[name + ".weight"][ids]
    own = name + ".parametrizations.weight."
    rows = weights[own + "original"][ids]
    if task < 0:
        return rows
    return rows + scale * (weights[own + "0.lora_A"][task][ids] @ weights[own + "0.lora_B"][task])
