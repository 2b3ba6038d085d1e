"""JinaBERT once more, straight from its formulas, to compare scripts/graphs with.

Padded batches, an explicit matrix of biases, an explicit softmax; no module, no packed rows, no
blocks; in float64 unless told. It shares nothing with scripts/graphs. ALiBi: arXiv:2108.12409;
GEGLU: arXiv:2002.05202; the model: arXiv:2310.19923.

A `Formula` says each choice that an implementation can get wrong, so that a test can turn one of
them and see that it matters.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file


def alibi_slopes(heads: int) -> list[float]:
    """A geometric series from 2^(-8/n) on; what no power of two gives is taken from the next one."""
    if heads & (heads - 1) == 0:
        start = 2.0 ** (-8.0 / heads)
        return [start ** (i + 1) for i in range(heads)]
    power = 2 ** int(math.log2(heads))
    return alibi_slopes(power) + alibi_slopes(2 * power)[0::2][: heads - power]


def gelu_erf(x: torch.Tensor) -> torch.Tensor:
    return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))


def gelu_tanh(x: torch.Tensor) -> torch.Tensor:
    """The approximation that JinaBERT does not use."""
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


@dataclass(frozen=True)
class Formula:
    slopes: Callable[[int], list[float]] = alibi_slopes
    sign: float = -1.0
    bias_is_scaled: bool = False
    gate_is_first: bool = True
    gelu: Callable[[torch.Tensor], torch.Tensor] = gelu_erf
    epsilon: float | None = None  # None: the configuration's
    token_type: bool = True


JINA_BERT = Formula()
QK_NORM = Formula(gate_is_first=False)


class Reference:
    def __init__(self, checkout: Path, dtype: torch.dtype = torch.float64):
        self.config = json.loads((checkout / "config.json").read_text())
        weights = load_file(checkout / "model.safetensors")
        prefix = "bert." if any(name.startswith("bert.") for name in weights) else ""
        self.weights = {name.removeprefix(prefix): tensor.to(dtype)
                        for name, tensor in weights.items() if tensor.is_floating_point()}
        self.dtype = dtype

    def encode(self, texts: list[list[int]], formula: Formula = JINA_BERT) -> torch.Tensor:
        """Raw means: [texts, hidden]."""
        longest = max(map(len, texts))
        ids = torch.zeros(len(texts), longest, dtype=torch.int64)
        mask = torch.zeros(len(texts), longest, dtype=self.dtype)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.tensor(text)
            mask[row, : len(text)] = 1
        x = self.weights["embeddings.word_embeddings.weight"][ids]
        if formula.token_type:
            x = x + self.weights["embeddings.token_type_embeddings.weight"][0]
        x = self.norm("embeddings.LayerNorm", x, formula)
        for number in range(self.config["num_hidden_layers"]):
            x = self.layer(f"encoder.layer.{number}.", x, mask, formula)
        return (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1e-9)

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        y = torch.einsum("bti,oi->bto", x, self.weights[name + ".weight"])
        return y + self.weights[name + ".bias"] if name + ".bias" in self.weights else y

    def norm(self, name: str, x: torch.Tensor, formula: Formula) -> torch.Tensor:
        epsilon = self.config["layer_norm_eps"] if formula.epsilon is None else formula.epsilon
        centred = x - x.mean(-1, keepdim=True)
        variance = (centred * centred).mean(-1, keepdim=True)
        return (centred / torch.sqrt(variance + epsilon) * self.weights[name + ".weight"]
                + self.weights[name + ".bias"])

    def layer(self, at: str, x: torch.Tensor, mask: torch.Tensor, formula: Formula) -> torch.Tensor:
        mixed = self.linear(at + "attention.output.dense", self.attention(at, x, mask, formula))
        a = self.norm(at + "attention.output.LayerNorm", mixed + x, formula)
        if at + "layer_norm_1.weight" not in self.weights:
            inner = self.gated(self.linear(at + "mlp.gated_layers", a), formula)
            return self.norm(at + "mlp.layernorm", self.linear(at + "mlp.wo", inner) + a, formula)
        a = self.norm(at + "layer_norm_1", x + a, formula)
        inner = self.gated(self.linear(at + "mlp.up_gated_layer", a), formula)
        return self.norm(at + "layer_norm_2", a + self.linear(at + "mlp.down_layer", inner), formula)

    def gated(self, halves: torch.Tensor, formula: Formula) -> torch.Tensor:
        inner = self.config["intermediate_size"]
        first, second = halves[..., :inner], halves[..., inner:]
        gate, up = (first, second) if formula.gate_is_first else (second, first)
        return formula.gelu(gate) * up

    def attention(self, at: str, x: torch.Tensor, mask: torch.Tensor, formula: Formula) -> torch.Tensor:
        """Head by head, each with its whole matrix of scores."""
        q, k, v = (self.linear(f"{at}attention.self.{part}", x) for part in ("query", "key", "value"))
        if at + "attention.self.layer_norm_q.weight" in self.weights:
            q = self.norm(at + "attention.self.layer_norm_q", q, formula)
            k = self.norm(at + "attention.self.layer_norm_k", k, formula)
        heads = self.config["num_attention_heads"]
        width = self.config["hidden_size"] // heads
        places = torch.arange(x.shape[1], dtype=self.dtype)
        distance = (places[:, None] - places[None, :]).abs()
        mixed = torch.empty_like(q)
        for head, slope in enumerate(formula.slopes(heads)):
            columns = slice(head * width, (head + 1) * width)
            scores = torch.einsum("bic,bjc->bij", q[..., columns], k[..., columns])
            bias = formula.sign * slope * distance
            scale = math.sqrt(width)
            scores = (scores + bias) / scale if formula.bias_is_scaled else scores / scale + bias
            scores = scores.masked_fill(mask[:, None, :] == 0, -math.inf)
            scores = torch.exp(scores - scores.amax(-1, keepdim=True))
            share = scores / scores.sum(-1, keepdim=True)
            mixed[..., columns] = torch.einsum("bij,bjc->bic", share, v[..., columns])
        return mixed
