"""jina-embeddings-v3 (Sturua et al. 2024, arXiv:2409.10173): XLM-RoBERTa with rotary positions and
one LoRA adapter a task.

It is published in two layouts: its authors' (queries, keys and values stacked in one Wqkv, adapters
beside the weights) and that of transformers (apart, without adapters).
"""

from typing import Dict

import torch
from torch import Tensor
from torch.nn.functional import gelu

from .layers import adapted_linear, adapted_rows, layer_norm, linear
from .packed import attend, positions_of
from .rotary import rotate, rotations_of


@torch.jit.script
def encode_jina_v3(ids: Tensor, starts: Tensor, weights: Dict[str, Tensor],
                   options: Dict[str, float]) -> Tensor:
    """The authors' layout. Options: layers, heads, epsilon, rope_base, lora_scale, task (-1: none).

    Returns [N, hidden].
    """
    heads, epsilon = int(options["heads"]), options["epsilon"]
    task, scale = int(options["task"]), options["lora_scale"]
    x = adapted_rows(ids, weights, "embeddings.word_embeddings", task, scale)
    x = x + adapted_rows(torch.zeros_like(ids), weights, "embeddings.token_type_embeddings", task, scale)
    x = layer_norm(x, weights, "emb_ln", epsilon)
    cosine, sine = rotations_of(positions_of(ids, starts), x.shape[1] // heads, options["rope_base"])
    for i in range(int(options["layers"])):
        layer = "encoder.layers." + str(i) + "."
        stacked = adapted_linear(x, weights, layer + "mixer.Wqkv", task, scale)
        query, key, value = stacked.chunk(3, dim=1)
        query, key = rotate(query.contiguous(), cosine, sine), rotate(key.contiguous(), cosine, sine)
        mixed = attend(query, key, value.contiguous(), starts, heads)
        mixed = adapted_linear(mixed, weights, layer + "mixer.out_proj", task, scale)
        x = layer_norm(mixed + x, weights, layer + "norm1", epsilon)
        inner = gelu(adapted_linear(x, weights, layer + "mlp.fc1", task, scale))
        inner = adapted_linear(inner, weights, layer + "mlp.fc2", task, scale)
        x = layer_norm(inner + x, weights, layer + "norm2", epsilon)
    return x


@torch.jit.script
def encode_jina_v3_plain(ids: Tensor, starts: Tensor, weights: Dict[str, Tensor],
                         options: Dict[str, float]) -> Tensor:
    """The layout of transformers. Options: layers, heads, epsilon, rope_base. Returns [N, hidden]."""
    heads, epsilon = int(options["heads"]), options["epsilon"]
    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.token_type_embeddings.weight"][0]
    x = layer_norm(x, weights, "embeddings.LayerNorm", epsilon)
    cosine, sine = rotations_of(positions_of(ids, starts), x.shape[1] // heads, options["rope_base"])
    for i in range(int(options["layers"])):
        layer = "layers." + str(i) + "."
        own = layer + "self_attn."
        query = rotate(linear(x, weights, own + "q_proj"), cosine, sine)
        key = rotate(linear(x, weights, own + "k_proj"), cosine, sine)
        mixed = attend(query, key, linear(x, weights, own + "v_proj"), starts, heads)
        mixed = linear(mixed, weights, own + "o_proj")
        x = layer_norm(mixed + x, weights, layer + "post_attention_layernorm", epsilon)
        inner = gelu(linear(x, weights, layer + "mlp.fc1"))
        inner = linear(inner, weights, layer + "mlp.fc2")
        x = layer_norm(inner + x, weights, layer + "post_mlp_layernorm", epsilon)
    return x
