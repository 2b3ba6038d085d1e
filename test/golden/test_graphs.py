"""The encoders' graphs, compared with other implementations of the same formulas.

JinaBERT with test/python/jina_bert_reference.py; BERT, XLM-RoBERTa and jina-embeddings-v3 with
transformers.
"""

import dataclasses
import json
import shutil
import sys

import pytest
from conftest import PROJECT

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # beside other tests, a barrier of threads waits for a core
sys.path[:0] = [str(PROJECT / "scripts"), str(PROJECT / "test" / "python")]

import make_graphs  # noqa: E402
from graphs import alibi  # noqa: E402
from jina_bert_reference import (  # noqa: E402
    JINA_BERT, QK_NORM, Reference, alibi_slopes, gelu_tanh)
from make_checkpoint import RANK, TASKS, Shape, make_checkpoint  # noqa: E402
from model_graph import make_model  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

SMALL = {"layers": 1, "heads": 2, "hidden": 8, "intermediate": 8}


def random_texts(lengths, vocabulary, seed=3):
    """Ids from 5 on, so that none is a padding id."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(5, vocabulary, (length,), generator=generator).tolist()
            for length in lengths]


def agree(found, wanted):
    """Whether each vector is the wanted one; a list, one entry a text."""
    wanted = wanted.double()
    cosines = torch.cosine_similarity(found, wanted)
    close = ((found - wanted).abs().amax(1) < 1e-4) & (cosines >= 0.99999)
    return close.tolist()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """made(Shape(…)) is a folder with that checkout."""
    folders = {}

    def make(shape):
        if shape not in folders:
            folders[shape] = make_checkpoint(shape, tmp_path_factory.mktemp("checkout") / "model")
        return folders[shape]
    return make


@pytest.fixture
def model(tmp_path):
    """model(checkout) is what vecdb makes of it, to be run by PyTorch."""
    numbers = iter(range(100))
    return lambda checkout: make_model(checkout, tmp_path / f"model{next(numbers)}")


def test_a_graph_is_the_same_bytes_each_time():
    encode = make_graphs.GRAPHS["bert"]
    archives = [make_graphs.archive_of(make_graphs.SentenceEncoder(encode)) for _ in range(2)]
    assert archives[0] == archives[1]
    assert str(PROJECT).encode() not in archives[0]


# ---- JinaBERT ----

FAMILIES = {"jina-bert": JINA_BERT, "jina-bert-qk-norm": QK_NORM}
MUTATIONS = {
    "slopes in order of size": {"slopes": lambda heads: sorted(alibi_slopes(heads), reverse=True)},
    "bias with a plus sign": {"sign": 1.0},
    "bias scaled like the scores": {"bias_is_scaled": True},
    "tanh GELU": {"gelu": gelu_tanh},
    "epsilon 1e-5": {"epsilon": 1e-5},
    "no token type": {"token_type": False},
}


@pytest.mark.parametrize("architecture", FAMILIES)
def test_jina_bert_is_its_formulas_at_every_length(made, model, architecture):
    folder = made(Shape(architecture, layers=2, heads=6))
    graph, reference = model(folder), Reference(folder)
    for lengths in ([1, 2, *range(3, 46)], [511, 512, 513], [2000]):
        texts = random_texts(lengths, 30522)
        assert all(agree(graph.encode(texts), reference.encode(texts, FAMILIES[architecture])))


def test_a_text_of_8192_tokens_is_its_formulas(made, model):
    folder = made(Shape("jina-bert", **SMALL))
    texts = random_texts([8192], 30522)
    wanted = Reference(folder, torch.float32).encode(texts)
    assert all(agree(model(folder).encode(texts), wanted))


@pytest.mark.parametrize("architecture", FAMILIES)
def test_each_known_mistake_in_jina_bert_shows(made, model, architecture):
    folder, right = made(Shape(architecture)), FAMILIES[architecture]
    texts = random_texts([2, 40, 200], 30522)
    found, reference = model(folder).encode(texts), Reference(folder)
    assert all(agree(found, reference.encode(texts, right)))
    mistakes = MUTATIONS | {"halves swapped": {"gate_is_first": not right.gate_is_first}}
    for name, change in mistakes.items():
        wrong = reference.encode(texts, dataclasses.replace(right, **change))
        assert not any(agree(found, wrong)), name


@pytest.mark.parametrize("heads", [1, 2, 3, 6, 8, 12, 16, 20])
def test_slopes_are_those_of_the_paper_for_any_number_of_heads(heads):
    assert alibi.slopes_of(heads).tolist() == pytest.approx(alibi_slopes(heads), rel=1e-6)


def test_twelve_heads_have_four_slopes_from_sixteen_appended():
    assert alibi.slopes_of(12).tolist() == pytest.approx(
        [2.0 ** -(i + 1) for i in range(8)] + [2.0 ** -(i + 0.5) for i in range(4)])


@pytest.mark.parametrize("shape", [
    Shape("jina-bert", dtype="F16", heads=3, unused=True), Shape("jina-bert", dtype="BF16", heads=6),
    Shape("jina-bert", prefix="bert.", dtype="F16", unused=True)], ids=str)
def test_jina_bert_is_read_in_each_dtype_and_with_a_prefix(made, model, shape):
    folder, texts = made(shape), random_texts([7, 60], 30522)
    assert all(agree(model(folder).encode(texts), Reference(folder).encode(texts)))


@pytest.mark.parametrize("architecture", ["jina-bert", "bert", "jina-v3"])
def test_bfloat16_stays_close(made, model, architecture):
    graph, texts = model(made(Shape(architecture, positions=1024))), random_texts([7, 600], 30522)
    task = 1 if architecture == "jina-v3" else -1
    exact = graph.encode(texts, task)
    graph.weights = {name: tensor.to(torch.bfloat16) for name, tensor in graph.weights.items()}
    assert torch.cosine_similarity(graph.encode(texts, task), exact).min() > 0.995


@pytest.mark.parametrize("architecture", ["jina-bert", "bert", "jina-v3"])
def test_a_text_has_the_same_bits_alone_and_in_any_batch(made, model, architecture):
    graph = model(made(Shape(architecture, positions=1024)))
    texts = random_texts([1, 2, 17, 5, 300, 600], 500)
    alone = torch.cat([graph.encode([text]) for text in texts])
    assert torch.equal(graph.encode(texts), alone)
    assert torch.equal(graph.encode(texts[::-1]), alone.flip(0))


# ---- BERT and XLM-RoBERTa ----

TRANSFORMERS_SHAPES = [
    Shape("bert", positions=2048), Shape("bert", positions=2048, pooling="cls", dtype="F16"),
    Shape("bert", positions=2048, prefix="bert.", unused=True, normalize=True),
    Shape("xlm-roberta", positions=2050, epsilon=1e-5, tokenizer="sentencepiece"),
    Shape("xlm-roberta", positions=2050, epsilon=1e-5, tokenizer="sentencepiece", dtype="F16",
          prefix="roberta.", unused=True, normalize=True),
    Shape("jina-v3-plain", positions=2050, epsilon=1e-5, heads=3),
    Shape("jina-v3-plain", positions=2050, epsilon=1e-5, heads=4, dtype="BF16", normalize=True)]


@torch.no_grad()
def pooled(transformer, texts, shape):
    vectors = []
    for text in texts:
        rows = transformer(torch.tensor([text])).last_hidden_state[0]
        vector = rows[0] if shape.pooling == "cls" else rows.mean(0)
        vectors.append(vector / vector.norm() if shape.normalize else vector)
    return torch.stack(vectors)


def by_transformers(folder, shape, texts):
    from transformers import AutoModel

    transformer = AutoModel.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", add_pooling_layer=False).eval()
    return pooled(transformer, texts, shape)


@pytest.mark.parametrize("shape", TRANSFORMERS_SHAPES, ids=str)
def test_an_encoder_is_that_of_transformers(made, model, shape):
    folder = made(shape)
    texts = random_texts([1, 2, *range(3, 47), 511, 512, 513, 2000], 500)
    assert all(agree(model(folder).encode(texts), by_transformers(folder, shape, texts)))


def test_xlm_roberta_is_bert_with_the_first_positions_left_out(made, model, tmp_path):
    folder = made(Shape("xlm-roberta", positions=66, tokenizer="sentencepiece"))
    bert = tmp_path / "bert"
    shutil.copytree(folder, bert)
    table = "embeddings.position_embeddings.weight"
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {table: weights[table][2:].clone()}, bert / "model.safetensors")
    config = json.loads((bert / "config.json").read_text())
    config |= {"model_type": "bert", "max_position_embeddings": 64}
    (bert / "config.json").write_text(json.dumps(config))
    texts = random_texts([1, 5, 64], 500)
    assert torch.equal(model(folder).encode(texts), model(bert).encode(texts))


# ---- jina-embeddings-v3 ----

V3 = Shape("jina-v3", positions=2050, epsilon=1e-5, heads=3, unused=True, normalize=True)
V3_NAMES = {
    "emb_ln": "embeddings.LayerNorm", "encoder.layers": "layers", "mixer.out_proj": "self_attn.o_proj",
    "norm1": "post_attention_layernorm", "norm2": "post_mlp_layernorm"}


def merged(weights, task, scale=1 / RANK):
    """The plain weights of one task, in float64: W + B·A · alpha / rank; A·B for the embeddings."""
    plain = {}
    for name, tensor in weights.items():
        own, _, part = name.partition(".parametrizations.weight.")
        if not part:
            plain[name] = tensor.double()
        elif part == "original":
            a, b = (weights[f"{own}.parametrizations.weight.0.lora_{x}"].double() for x in "AB")
            change = 0 if task < 0 else (a[task] @ b[task] if "embeddings" in own else b[task] @ a[task])
            plain[f"{own}.weight"] = tensor.double() + scale * change
    return plain


def v3_transformer(folder, task, **change):
    """transformers' model with the merged weights, every tensor accounted for."""
    from transformers import JinaEmbeddingsV3Config, JinaEmbeddingsV3Model

    said = json.loads((folder / "config.json").read_text())
    config = JinaEmbeddingsV3Config(
        **{key: said[key] for key in ("vocab_size", "hidden_size", "num_hidden_layers", "layer_norm_eps",
                                      "num_attention_heads", "intermediate_size", "type_vocab_size",
                                      "max_position_embeddings")},
        rope_parameters={"rope_theta": said["rotary_emb_base"], "rope_type": "default"})
    config._attn_implementation = "eager"
    state = {}
    weights = merged(load_file(folder / "model.safetensors"), task, **change)
    for name, tensor in weights.items():
        for old, new in V3_NAMES.items():
            name = name.replace(old, new)
        if "mixer.Wqkv" in name:
            for part, rows in zip("qkv", tensor.chunk(3), strict=True):
                state[name.replace("mixer.Wqkv", f"self_attn.{part}_proj")] = rows
        elif not name.startswith("pooler."):
            state[name] = tensor
    model = JinaEmbeddingsV3Model(config, add_pooling_layer=False).double().eval()
    model.load_state_dict(state, strict=True)
    return model


@pytest.mark.parametrize("task", [-1, *range(len(TASKS))])
def test_jina_v3_is_that_of_transformers_with_each_tasks_adapter_merged(made, model, task):
    folder = made(V3)
    texts = random_texts([1, 2, 511, 512, 513, 2000] if task == 0 else [3, 60], 500)
    wanted = pooled(v3_transformer(folder, task), texts, V3)
    assert all(agree(model(folder).encode(texts, task), wanted))


def test_each_known_mistake_in_jina_v3_shows(made, model, tmp_path):
    folder, texts = made(V3), random_texts([3, 60, 200], 500)
    found = model(folder).encode(texts, 2)
    assert all(agree(found, pooled(v3_transformer(folder, 2), texts, V3)))
    for name, wrong in {"another task": v3_transformer(folder, 1), "no task": v3_transformer(folder, -1),
                        "no scale": v3_transformer(folder, 2, scale=1.0)}.items():
        assert not any(agree(found, pooled(wrong, texts, V3))), name
    for key, value in {"rotary_emb_base": 10000.0, "layer_norm_eps": 1e-12}.items():
        other = tmp_path / key
        shutil.copytree(folder, other)
        config = json.loads((other / "config.json").read_text())
        (other / "config.json").write_text(json.dumps(config | {key: value}))
        assert not any(agree(found, pooled(v3_transformer(other, 2), texts, V3))), key


def test_the_authors_layout_without_adapters_is_that_of_transformers(made, model, tmp_path):
    """What transformers writes when it saves a model of its own: the authors' names, its own config."""
    from transformers import AutoModel

    shape = Shape("jina-v3-plain", positions=2050, epsilon=1e-5, heads=3)
    saved = tmp_path / "saved"
    shutil.copytree(made(shape), saved)
    (saved / "model.safetensors").unlink()
    AutoModel.from_pretrained(made(shape), dtype=torch.float32, add_pooling_layer=False).save_pretrained(saved)
    texts = random_texts([1, 60, 600], 500)
    assert all(agree(model(saved).encode(texts), by_transformers(saved, shape, texts)))
    assert all(agree(model(saved).encode(texts), model(made(shape)).encode(texts)))
