#!/usr/bin/env python3
"""Writes all-MiniLM-L6-v2, as published, in the forms that other engines run.

    peer_models.py CHECKOUT OUT    makes OUT/model.onnx, OUT/fused.onnx and OUT/ctranslate2

The ONNX graphs take padded rows of tokens with their mask and give unit vectors; fused.onnx is for
ONNX Runtime alone. CTranslate2 keeps the encoder only.
"""

import math
import shutil
import sys
from pathlib import Path

import numpy
import torch
from transformers import AttentionInterface, AutoConfig, AutoModel


def added_to_scores(mask: torch.Tensor) -> torch.Tensor:
    return (1.0 - mask[:, None, None, :].to(torch.float32)) * -10000.0


def plain_attention(module, query, key, value, mask, **_):
    """As a quotient and a sum, which is what ONNX Runtime's optimizer looks for."""
    scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[-1])
    return (torch.softmax(scores + mask, dim=-1) @ value).transpose(1, 2).contiguous(), None


class SentenceEncoder(torch.nn.Module):
    def __init__(self, checkout: Path) -> None:
        super().__init__()
        AttentionInterface.register("plain", plain_attention)
        self.bert = AutoModel.from_pretrained(checkout, attn_implementation="plain", add_pooling_layer=False)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        # Given in four dimensions, the mask is added to the scores as it stands.
        hidden = self.bert(input_ids=ids, token_type_ids=torch.zeros_like(ids), attention_mask=added_to_scores(mask))[0]
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weights).sum(1) / weights.sum(1)
        return torch.nn.functional.normalize(mean, dim=1)


def write_onnx(checkout: Path, out: Path) -> None:
    ids = torch.ones((2, 7), dtype=torch.int64)
    torch.onnx.export(SentenceEncoder(checkout).eval(), (ids, ids), out, dynamo=False, opset_version=17,
                      input_names=["ids", "mask"], output_names=["vectors"],
                      dynamic_axes={name: {0: "texts", 1: "tokens"} for name in ("ids", "mask")} | {"vectors": {0: "texts"}})


def name_heads(graph, heads: int) -> None:
    """Gives their number where the shape of queries, keys and values leaves it open (-1)."""
    from onnx import numpy_helper
    constants = {node.output[0]: node for node in graph.node if node.op_type == "Constant"}
    for node in graph.node:
        if node.op_type == "Concat" and len(node.input) == 4:
            value = constants[node.input[2]].attribute[0].t
            value.CopyFrom(numpy_helper.from_array(numpy.array([heads], dtype=numpy.int64)))


def write_fused(source: Path, checkout: Path, out: Path) -> None:
    """With ONNX Runtime's own operators for attention, layer norm with residual and GELU with bias."""
    import onnx
    from onnxruntime.transformers import optimizer
    config = AutoConfig.from_pretrained(checkout)
    model = onnx.load(source)
    name_heads(model.graph, config.num_attention_heads)
    fused = optimizer.optimize_model(model, model_type="bert", num_heads=config.num_attention_heads,
                                     hidden_size=config.hidden_size)
    if fused.get_fused_operator_statistics()["Attention"] != config.num_hidden_layers:
        raise RuntimeError("ONNX Runtime's optimizer did not find the attention of every layer")
    fused.save_model_to_file(str(out))


def write_ctranslate2(checkout: Path, out: Path) -> None:
    from ctranslate2.converters import TransformersConverter
    TransformersConverter(str(checkout)).convert(str(out), force=True)


def main(checkout: Path, out: Path) -> None:
    """Under another name first, so that what is there is whole."""
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    write_onnx(checkout, part / "model.onnx")
    write_fused(part / "model.onnx", checkout, part / "fused.onnx")
    write_ctranslate2(checkout, part / "ctranslate2")
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
