"""XLM-RoBERTa (Conneau et al. 2019, arXiv:1911.02116): BERT whose positions start after padding's.

RoBERTa numbers the places of a text from pad_token_id + 1 and leaves the rows of the position table
up to there unused, so that max_position_embeddings is larger than the longest text.
"""

from .bert import Bert

PREFIX = "roberta"
IGNORED_TENSORS = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")
IGNORED_HEADS = (
    "lm_head.bias",
    "lm_head.decoder.bias",
    "lm_head.decoder.weight",
    "lm_head.dense.bias",
    "lm_head.dense.weight",
    "lm_head.layer_norm.bias",
    "lm_head.layer_norm.weight",
)


class XlmRoberta(Bert):
    @staticmethod
    def first_position_of(config: dict) -> int:
        return config["pad_token_id"] + 1
