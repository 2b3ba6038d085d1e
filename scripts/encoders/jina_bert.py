"""JinaBERT (Günther et al. 2023, arXiv:2310.19923): BERT without positions, with ALiBi and GEGLU.

    GEGLU(x) = GELU(x·A) ⊙ (x·B), Shazeer 2020, arXiv:2002.05202; GELU in its exact form, with erf

Two layers are published under the name: that of jina-embeddings-v2-base-en and its like (JinaBert),
and that of jina-embeddings-v2-base-code, which normalises queries and keys (JinaBertQkNorm).
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from .alibi import attend_alibi, slopes_of
from .bert import IGNORED_HEADS, IGNORED_TENSORS, PREFIX, ResidualOutput
from .sentence_encoder import SentenceEncoder

__all__ = ["IGNORED_HEADS", "IGNORED_TENSORS", "PREFIX", "JinaBert", "JinaBertQkNorm"]


def layer_norm(config: dict) -> nn.LayerNorm:
    return nn.LayerNorm(config["hidden_size"], eps=config["layer_norm_eps"])


class Embeddings(nn.Module):
    """LayerNorm(word[id] + type[0]): nothing positional."""

    def __init__(self, config: dict):
        super().__init__()
        hidden = config["hidden_size"]
        self.word_embeddings = nn.Embedding(config["vocab_size"], hidden)
        self.token_type_embeddings = nn.Embedding(config["type_vocab_size"], hidden)
        self.LayerNorm = layer_norm(config)

    def forward(self, ids: Tensor) -> Tensor:
        return self.LayerNorm(self.word_embeddings(ids) + self.token_type_embeddings.weight[0])


class SelfAttention(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        hidden = config["hidden_size"]
        self.query = nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)
        self.register_buffer("slopes", torch.tensor(slopes_of(config["num_attention_heads"])))

    def forward(self, x: Tensor, starts: Tensor) -> Tensor:
        return attend_alibi(self.query(x), self.key(x), self.value(x), starts, self.slopes)


class SelfAttentionQkNorm(SelfAttention):
    """Queries and keys are normalised over their whole width, before it is split into heads."""

    def __init__(self, config: dict):
        super().__init__(config)
        self.layer_norm_q = layer_norm(config)
        self.layer_norm_k = layer_norm(config)

    def forward(self, x: Tensor, starts: Tensor) -> Tensor:
        query, key = self.layer_norm_q(self.query(x)), self.layer_norm_k(self.key(x))
        return attend_alibi(query, key, self.value(x), starts, self.slopes)


class Attention(nn.Module):
    def __init__(self, config: dict, self_attention: nn.Module):
        super().__init__()
        self.self = self_attention
        self.output = ResidualOutput(config["hidden_size"], config)

    def forward(self, x: Tensor, starts: Tensor) -> Tensor:
        return self.output(self.self(x, starts), x)


class GatedMlp(nn.Module):
    """LayerNorm(wo(GELU(G) ⊙ U) + x), where gated_layers(x) = [G, U]."""

    def __init__(self, config: dict):
        super().__init__()
        hidden, inner = config["hidden_size"], config["intermediate_size"]
        self.gated_layers = nn.Linear(hidden, 2 * inner, bias=False)
        self.wo = nn.Linear(inner, hidden)
        self.layernorm = layer_norm(config)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.gated_layers(x).chunk(2, dim=-1)
        return self.layernorm(self.wo(gelu(gate) * up) + x)


class UpGatedMlp(nn.Module):
    """down_layer(U ⊙ GELU(G)), where up_gated_layer(x) = [U, G]: the halves the other way round."""

    def __init__(self, config: dict):
        super().__init__()
        hidden, inner = config["hidden_size"], config["intermediate_size"]
        self.up_gated_layer = nn.Linear(hidden, 2 * inner, bias=False)
        self.down_layer = nn.Linear(inner, hidden)

    def forward(self, x: Tensor) -> Tensor:
        up, gate = self.up_gated_layer(x).chunk(2, dim=-1)
        return self.down_layer(up * gelu(gate))


class Layer(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.attention = Attention(config, SelfAttention(config))
        self.mlp = GatedMlp(config)

    def forward(self, x: Tensor, starts: Tensor) -> Tensor:
        return self.mlp(self.attention(x, starts))


class LayerQkNorm(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.attention = Attention(config, SelfAttentionQkNorm(config))
        self.layer_norm_1 = layer_norm(config)
        self.mlp = UpGatedMlp(config)
        self.layer_norm_2 = layer_norm(config)

    def forward(self, x: Tensor, starts: Tensor) -> Tensor:
        x = self.layer_norm_1(x + self.attention(x, starts))
        return self.layer_norm_2(x + self.mlp(x))


class Layers(nn.Module):
    def __init__(self, layers: list[nn.Module]):
        super().__init__()
        self.layer = nn.ModuleList(layers)

    def forward(self, x: Tensor, starts: Tensor) -> Tensor:
        for layer in self.layer:
            x = layer(x, starts)
        return x


class JinaBert(SentenceEncoder):
    layer_type: type[nn.Module] = Layer

    def __init__(self, config: dict, pooling: str, normalize: bool):
        super().__init__(pooling, normalize)
        self.embeddings = Embeddings(config)
        self.encoder = Layers([self.layer_type(config) for _ in range(config["num_hidden_layers"])])

    def encode_tokens(self, ids: Tensor, starts: Tensor) -> Tensor:
        return self.encoder(self.embeddings(ids), starts)


class JinaBertQkNorm(JinaBert):
    layer_type = LayerQkNorm
