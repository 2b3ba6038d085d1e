"""JinaBERT (Günther et al. 2023, arXiv:2310.19923): BERT without positions, with ALiBi and GEGLU.

    GEGLU(x) = GELU(x·A) ⊙ (x·B), Shazeer 2020, arXiv:2002.05202; GELU in its exact form, with erf

Two layers are published under the name: that of jina-embeddings-v2-base-en and its like, and that of
jina-embeddings-v2-base-code, which normalises queries and keys over their whole width, before it is
split into heads, and whose gate is the second half.
"""

from typing import Dict

import torch
from torch import Tensor
from torch.nn.functional import gelu

from .alibi import attend_alibi, slopes_of
from .layers import layer_norm, linear


@torch.jit.script
def embed(ids: Tensor, weights: Dict[str, Tensor], epsilon: float) -> Tensor:
    """LayerNorm(word[id] + type[0]): nothing positional."""
    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.token_type_embeddings.weight"][0]
    return layer_norm(x, weights, "embeddings.LayerNorm", epsilon)


@torch.jit.script
def attention_output(mixed: Tensor, x: Tensor, weights: Dict[str, Tensor], layer: str,
                     epsilon: float) -> Tensor:
    mixed = linear(mixed, weights, layer + "attention.output.dense")
    return layer_norm(mixed + x, weights, layer + "attention.output.LayerNorm", epsilon)


@torch.jit.script
def encode_jina_bert(ids: Tensor, starts: Tensor, weights: Dict[str, Tensor],
                     options: Dict[str, float]) -> Tensor:
    """Options: layers, heads, epsilon. Returns [N, hidden]."""
    slopes, epsilon = slopes_of(int(options["heads"])), options["epsilon"]
    x = embed(ids, weights, epsilon)
    for i in range(int(options["layers"])):
        layer = "encoder.layer." + str(i) + "."
        own = layer + "attention.self."
        mixed = attend_alibi(linear(x, weights, own + "query"), linear(x, weights, own + "key"),
                             linear(x, weights, own + "value"), starts, slopes)
        x = attention_output(mixed, x, weights, layer, epsilon)
        inner = torch.nn.functional.linear(x, weights[layer + "mlp.gated_layers.weight"])
        gate, up = inner.chunk(2, dim=1)
        inner = linear(gelu(gate) * up, weights, layer + "mlp.wo")
        x = layer_norm(inner + x, weights, layer + "mlp.layernorm", epsilon)
    return x


@torch.jit.script
def encode_jina_bert_qk_norm(ids: Tensor, starts: Tensor, weights: Dict[str, Tensor],
                             options: Dict[str, float]) -> Tensor:
    """Options: layers, heads, epsilon. Returns [N, hidden]."""
    slopes, epsilon = slopes_of(int(options["heads"])), options["epsilon"]
    x = embed(ids, weights, epsilon)
    for i in range(int(options["layers"])):
        layer = "encoder.layer." + str(i) + "."
        own = layer + "attention.self."
        query = layer_norm(linear(x, weights, own + "query"), weights, own + "layer_norm_q", epsilon)
        key = layer_norm(linear(x, weights, own + "key"), weights, own + "layer_norm_k", epsilon)
        mixed = attend_alibi(query, key, linear(x, weights, own + "value"), starts, slopes)
        x = x + attention_output(mixed, x, weights, layer, epsilon)
        x = layer_norm(x, weights, layer + "layer_norm_1", epsilon)
        inner = torch.nn.functional.linear(x, weights[layer + "mlp.up_gated_layer.weight"])
        up, gate = inner.chunk(2, dim=1)
        inner = linear(up * gelu(gate), weights, layer + "mlp.down_layer")
        x = layer_norm(x + inner, weights, layer + "layer_norm_2", epsilon)
    return x
