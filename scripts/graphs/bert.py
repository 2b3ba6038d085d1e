"""BERT (Devlin et al. 2018, arXiv:1810.04805), post-norm, learned absolute positions.

XLM-RoBERTa (Conneau et al. 2019, arXiv:1911.02116) is the same but for first_position: it numbers
the places of a text from its padding id + 1 on.
"""

from typing import Dict

import torch
from torch import Tensor
from torch.nn.functional import gelu

from .layers import layer_norm, linear
from .packed import attend, positions_of


@torch.jit.script
def encode_bert(ids: Tensor, starts: Tensor, weights: Dict[str, Tensor],
                options: Dict[str, float]) -> Tensor:
    """Options: layers, heads, epsilon, first_position. Returns [N, hidden]."""
    heads, epsilon = int(options["heads"]), options["epsilon"]
    positions = positions_of(ids, starts) + int(options["first_position"])
    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.token_type_embeddings.weight"][0]
    x = x + weights["embeddings.position_embeddings.weight"][positions]
    x = layer_norm(x, weights, "embeddings.LayerNorm", epsilon)
    for i in range(int(options["layers"])):
        layer = "encoder.layer." + str(i) + "."
        own = layer + "attention.self."
        mixed = attend(linear(x, weights, own + "query"), linear(x, weights, own + "key"),
                       linear(x, weights, own + "value"), starts, heads)
        mixed = linear(mixed, weights, layer + "attention.output.dense")
        x = layer_norm(mixed + x, weights, layer + "attention.output.LayerNorm", epsilon)
        inner = gelu(linear(x, weights, layer + "intermediate.dense"))  # the exact form, with erf
        inner = linear(inner, weights, layer + "output.dense")
        x = layer_norm(inner + x, weights, layer + "output.LayerNorm", epsilon)
    return x
