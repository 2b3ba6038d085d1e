"""The same passages in the same order as the original: 200 questions against transformers' MiniLM."""

import json
import re
import sys

import pytest
from conftest import PROGRAM, PROJECT, SPEECH

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # beside other tests, a barrier of threads waits for a core

MODEL = PROGRAM.parent / "models" / "all-MiniLM-L6-v2"
TOP = 10
# Two passages whose cosines are this near have no order that another order of sums would keep.
TIE = 2e-6


@torch.no_grad()
def unit_vectors(texts):
    """all-MiniLM-L6-v2 with its published weights by transformers: mean over tokens, length 1."""
    from safetensors.torch import load_file
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel

    said = json.loads((MODEL / "model.json").read_text())
    keys = ("num_hidden_layers", "num_attention_heads", "hidden_size", "intermediate_size", "vocab_size",
            "type_vocab_size", "max_position_embeddings", "layer_norm_eps")
    config = BertConfig(**{key: said["encoder"][key] for key in keys})
    model = BertModel(config, add_pooling_layer=False).eval()
    weights = load_file(MODEL / "model.safetensors")
    model.load_state_dict({name: weights[name] for name in said["tensors"]}, strict=True)
    tokenizer = BertWordPieceTokenizer(str(MODEL / "vocab.txt"), lowercase=True)
    tokenizer.enable_truncation(said["window"])
    vectors = []
    for text in texts:
        ids = torch.tensor([tokenizer.encode(text).ids])
        vectors.append(model(ids).last_hidden_state[0].mean(0))
    return torch.nn.functional.normalize(torch.stack(vectors), dim=1).double()


def test_two_hundred_questions_have_the_same_ten_passages_in_the_same_order(vecdb):
    vecdb.write("speech.txt", SPEECH.read_bytes())
    flags = ["--chunk-size", "200", "--separator", ". "]
    assert vecdb("--precision", "f32", "ingest", *flags, "speech.txt").code == 0
    passages = [record["text"] for record in vecdb("split", "--json", *flags, "speech.txt").records]
    sentences = re.split(r"(?<=[.?!])\s+", SPEECH.read_text(encoding="utf-8"))
    questions = [" ".join(text.split()[:12]) for text in sentences if len(text.split()) > 4][:200]
    assert len(passages) > 150 and len(questions) == 200

    result = vecdb("query", "--json", "-k", str(TOP), "-", stdin="".join(f"{q}\n" for q in questions))
    assert result.code == 0, result.err
    found = {}
    for record in result.records:
        found.setdefault(record["query"], []).append(record)
    scores = unit_vectors(questions) @ unit_vectors(passages).T
    same = 0
    for question, row in zip(questions, scores, strict=True):
        order = [record["chunk"] for record in found[question]]
        wanted = row.argsort(descending=True, stable=True)[:TOP].tolist()
        same += order == wanted
        assert len(order) == TOP
        for rank, record in enumerate(found[question]):
            assert record["score"] == pytest.approx(float(row[record["chunk"]]), abs=1e-5)
            assert float(row[wanted[rank]]) - float(row[record["chunk"]]) < TIE, (question, order, wanted)
    assert same >= 195, same
