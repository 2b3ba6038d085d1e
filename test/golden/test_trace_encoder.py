"""The encoders that scripts/trace_encoder.py exports, compared with other implementations of them.

JinaBERT with test/python/jina_bert_reference.py; BERT and XLM-RoBERTa with transformers, where that
can be imported (it is too large to be required: `pip install transformers==5.23.0`).
"""

import contextlib
import dataclasses
import io
import json
import shutil
import sys

import pytest
from conftest import PROJECT

torch = pytest.importorskip("torch")
sys.path[:0] = [str(PROJECT / "scripts"), str(PROJECT / "test" / "python")]

import trace_encoder  # noqa: E402
from encoders import alibi, architectures, checkpoint, graph, sentencepiece_file  # noqa: E402
from encoders.prompts import read_prefixes  # noqa: E402
from encoders.sentence_encoder import SentenceEncoder  # noqa: E402
from jina_bert_reference import (  # noqa: E402
    JINA_BERT, QK_NORM, Reference, alibi_slopes, gelu_tanh)
from make_checkpoint import Shape, make_checkpoint  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

SMALL = {"layers": 1, "heads": 2, "hidden": 8, "intermediate": 8}


def random_texts(lengths, vocabulary, seed=3):
    """Ids from 5 on, so that none is a padding id."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(5, vocabulary, (length,), generator=generator).tolist()
            for length in lengths]


def traced_of(folder):
    architecture, config = architectures.read_architecture(folder)
    pooling, normalize = checkpoint.read_pipeline(folder, config["hidden_size"])
    encoder, ignored = architectures.make_encoder(
        architecture, config, pooling, normalize, checkpoint.tensor_names(folder))
    checkpoint.load_weights(encoder, folder, ignored, architecture.name)
    return graph.trace(encoder)


@torch.no_grad()
def encode(traced, texts):
    return traced(*graph.pack(texts)).double()


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
def test_jina_bert_is_its_formulas_at_every_length(made, architecture):
    folder = made(Shape(architecture, layers=2, heads=6))
    traced, reference = traced_of(folder), Reference(folder)
    texts = random_texts([1, 2, 511, 512, 513], 30522)
    assert all(agree(encode(traced, texts), reference.encode(texts, FAMILIES[architecture])))
    long = random_texts([2000], 30522)
    assert all(agree(encode(traced, long), reference.encode(long, FAMILIES[architecture])))


def test_a_text_of_8192_tokens_is_its_formulas(made):
    folder = made(Shape("jina-bert", **SMALL))
    texts = random_texts([8192], 30522)
    wanted = Reference(folder, torch.float32).encode(texts)
    assert all(agree(encode(traced_of(folder), texts), wanted))


@pytest.mark.parametrize("architecture", FAMILIES)
def test_each_known_mistake_in_jina_bert_shows(made, architecture):
    folder, right = made(Shape(architecture)), FAMILIES[architecture]
    texts = random_texts([2, 40, 200], 30522)
    found, reference = encode(traced_of(folder), texts), Reference(folder)
    assert all(agree(found, reference.encode(texts, right)))
    mistakes = MUTATIONS | {"halves swapped": {"gate_is_first": not right.gate_is_first}}
    for name, change in mistakes.items():
        wrong = reference.encode(texts, dataclasses.replace(right, **change))
        assert not any(agree(found, wrong)), name


@pytest.mark.parametrize("heads", [1, 2, 3, 6, 8, 12, 16, 20])
def test_slopes_are_those_of_the_paper_for_any_number_of_heads(heads):
    assert alibi.slopes_of(heads) == pytest.approx(alibi_slopes(heads), rel=1e-12)


def test_twelve_heads_have_four_slopes_from_sixteen_appended():
    assert alibi.slopes_of(12) == pytest.approx(
        [2.0 ** -(i + 1) for i in range(8)] + [2.0 ** -(i + 0.5) for i in range(4)])


@pytest.mark.parametrize("shape", [
    Shape("jina-bert", dtype="F16", heads=3, unused=True), Shape("jina-bert", dtype="BF16", heads=6),
    Shape("jina-bert", prefix="bert.", dtype="F16", unused=True)], ids=str)
def test_jina_bert_is_read_in_each_dtype_and_with_a_prefix(made, shape):
    folder, texts = made(shape), random_texts([7, 60], 30522)
    assert all(agree(encode(traced_of(folder), texts), Reference(folder).encode(texts)))


def test_bfloat16_stays_close(made):
    folder, texts = made(Shape("jina-bert")), random_texts([7, 600], 30522)
    traced = traced_of(folder)
    exact = encode(traced, texts)
    for parameter in traced.parameters():
        parameter.data = parameter.data.to(torch.bfloat16)
    assert torch.cosine_similarity(encode(traced, texts), exact).min() > 0.995


# ---- BERT and XLM-RoBERTa ----

TRANSFORMERS_SHAPES = [
    Shape("bert", positions=2048), Shape("bert", positions=2048, pooling="cls", dtype="F16"),
    Shape("bert", positions=2048, prefix="bert.", unused=True, normalize=True),
    Shape("xlm-roberta", positions=2050, epsilon=1e-5, tokenizer="sentencepiece"),
    Shape("xlm-roberta", positions=2050, epsilon=1e-5, tokenizer="sentencepiece", dtype="F16",
          prefix="roberta.", unused=True, normalize=True)]


@torch.no_grad()
def by_transformers(folder, shape, texts):
    from transformers import AutoModel

    model = AutoModel.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", add_pooling_layer=False).eval()
    vectors = []
    for text in texts:
        rows = model(torch.tensor([text])).last_hidden_state[0]
        vector = rows[0] if shape.pooling == "cls" else rows.mean(0)
        vectors.append(vector / vector.norm() if shape.normalize else vector)
    return torch.stack(vectors)


@pytest.mark.parametrize("shape", TRANSFORMERS_SHAPES, ids=str)
def test_bert_and_xlm_roberta_are_those_of_transformers(made, shape):
    pytest.importorskip("transformers", reason="transformers is not installed: nothing to compare with")
    folder = made(shape)
    texts = random_texts([1, 2, 511, 512, 513, 2000], 500)
    assert all(agree(encode(traced_of(folder), texts), by_transformers(folder, shape, texts)))


def test_xlm_roberta_is_bert_with_the_first_positions_left_out(made, tmp_path):
    folder = made(Shape("xlm-roberta", positions=66, tokenizer="sentencepiece"))
    bert = tmp_path / "bert"
    shutil.copytree(folder, bert)
    table = "embeddings.position_embeddings.weight"
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {table: weights[table][2:].clone()}, bert / "model.safetensors")
    change_json(bert / "config.json", model_type="bert", max_position_embeddings=64)
    texts = random_texts([1, 5, 64], 500)
    assert torch.equal(encode(traced_of(folder), texts), encode(traced_of(bert), texts))


# ---- the export ----

def change_json(path, **changes):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | changes))


def export(source, out, *flags):
    """Exit code and stderr of trace_encoder.py; run in this process, where torch is loaded."""
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        code = trace_encoder.main([str(source), "--out", str(out), *flags])
    return code, errors.getvalue()


def exported(source, out, *flags):
    assert export(source, out, *flags) == (0, "")
    return json.loads((out / "model.json").read_text())


def test_a_length_that_tracing_made_a_constant_is_noticed():
    class Frozen(SentenceEncoder):
        def __init__(self):
            super().__init__("mean", False)
            self.words = torch.nn.Embedding(50, 4)

        def encode_tokens(self, ids, starts):
            return self.words(ids) * float(ids.shape[0])

    encoder = Frozen().eval()
    with pytest.raises(AssertionError, match="traced graph differs"):
        graph.encode_checked(encoder, graph.trace(encoder), [[1, 2, 3]], 50)


def test_the_tensors_are_recorded_under_the_files_names(made, tmp_path):
    shape = Shape("jina-bert", prefix="bert.", dtype="F16", unused=True, tokenizer="json", **SMALL)
    manifest = exported(made(shape), tmp_path / "m")
    weights = load_file(made(shape) / "model.safetensors")
    assert manifest["tensors"].keys() | set(manifest["ignored_tensors"]) == weights.keys()
    assert "bert.embeddings.position_ids" in manifest["ignored_tensors"]
    assert {tensor["dtype"] for tensor in manifest["tensors"].values()} == {"F16"}
    names = {name for name, _ in torch.jit.load(tmp_path / "m" / "encoder.pt").named_parameters()}
    assert names == manifest["tensors"].keys()
    assert (manifest["architecture"], manifest["window"]) == ("jina-bert", 8192)
    assert (manifest["pooling"], manifest["normalize"]) == ("mean", False)
    assert max(len(test["text"]) for test in manifest["self_test"]) > 3000


@pytest.mark.parametrize("tokenizer", ["json+vocab", "json", "vocab"])
def test_each_layout_of_a_wordpiece_tokenizer_gives_the_same_model(made, tmp_path, tokenizer):
    shapes = [Shape("bert", positions=128, tokenizer=each, **SMALL)
              for each in (tokenizer, "json+vocab")]
    models = [exported(made(shape), tmp_path / str(i)) for i, shape in enumerate(shapes)]
    for key in ("tokenizer", "self_test"):
        assert models[0][key] == models[1][key]
    assert models[0]["files"]["vocab.txt"] == models[1]["files"]["vocab.txt"]


@pytest.mark.parametrize("architecture", ["xlm-roberta", "bert"])
def test_a_sentencepiece_tokenizer_goes_with_either_architecture(made, tmp_path, architecture):
    shape = Shape(architecture, positions=130, tokenizer="sentencepiece", vocabulary=2000, **SMALL)
    manifest = exported(made(shape), tmp_path / "m")
    assert manifest["architecture"] == architecture
    assert manifest["window"] == (128 if architecture == "xlm-roberta" else 130)
    assert manifest["tokenizer"] == {"kind": "sentencepiece", "file": "sentencepiece.bpe.model"}
    pieces, _ = sentencepiece_file.read(tmp_path / "m" / "sentencepiece.bpe.model")
    assert len(pieces) > 1000


def edit(name, **changes):
    return lambda folder: change_json(folder / name, **changes)


def edit_tensors(change):
    def edit(folder):
        weights = load_file(folder / "model.safetensors")
        change(weights)
        save_file(weights, folder / "model.safetensors")
    return edit


def edit_tokenizer(change):
    def edit(folder):
        spec = json.loads((folder / "tokenizer.json").read_text())
        change(spec)
        (folder / "tokenizer.json").write_text(json.dumps(spec))
    return edit


QUERY = "encoder.layer.0.attention.self.query.weight"
REFUSED = {
    "another architecture": (edit("config.json", model_type="mpnet"), ["mpnet"]),
    "jina-embeddings-v3": (edit("config.json", rotary_emb_base=20000), ["jina-embeddings-v3"]),
    "relative positions": (edit("config.json", position_embedding_type="relative_key"),
                           ["relative_key"]),
    "a gate that is no GEGLU": (edit("config.json", feed_forward_type="original"), ["original"]),
    "a configuration of BERT": (
        edit("config.json", position_embedding_type="absolute", feed_forward_type="original"),
        ["bert", "tensors missing", "embeddings.position_embeddings.weight", "5 that", "gated_layers"]),
    "another activation": (edit("config.json", hidden_act="gelu_new"), ["hidden_act", "gelu_new"]),
    "a decoder": (edit("config.json", is_decoder=True), ["is_decoder"]),
    "heads that do not divide": (edit("config.json", num_attention_heads=3), ["num_attention_heads"]),
    "a missing tensor": (edit_tensors(lambda w: w.pop(QUERY)), ["1 tensors missing", QUERY]),
    "an extra tensor": (edit_tensors(lambda w: w.update(surprise=torch.zeros(1))), ["surprise"]),
    "another shape": (edit_tensors(lambda w: w.update({QUERY: torch.zeros(8, 9)})), [QUERY, "[8, 9]"]),
    "another dtype": (edit_tensors(lambda w: w.update({QUERY: w[QUERY].double()})), [QUERY, "F64"]),
    "a NaN": (edit_tensors(lambda w: w[QUERY].fill_(float("nan"))), [QUERY, "not finite"]),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), ["model.safetensors"]),
    "another pooling": (edit("1_Pooling/config.json", pooling_mode_max_tokens=True), ["pooling"]),
    "a window without end": (
        lambda folder: (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 8193}'),
        ["max_seq_length", "8193"]),
    "another vocabulary": (
        lambda folder: (folder / "vocab.txt").write_text("[PAD]\n"), ["vocab.txt"]),
    "an added token": (edit_tokenizer(lambda t: t["added_tokens"].append(
        t["added_tokens"][0] | {"id": 30522, "content": "<new>"})), ["<new>"]),
    "no wrapping": (edit_tokenizer(lambda t: t.update(post_processor=None)), ["[CLS]", "[SEP]"]),
    "another normaliser": (edit_tokenizer(lambda t: t.update(normalizer={"type": "NFC"})), ["NFC"]),
    "too few rows": (edit("config.json", vocab_size=30521), ["30521"]),
}


@pytest.mark.parametrize("change, words", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_known_is_refused_by_name(made, tmp_path, change, words):
    folder = tmp_path / "source"
    shutil.copytree(made(Shape("jina-bert", **SMALL)), folder)
    change(folder)
    refused(folder, tmp_path, words)


def refused(folder, tmp_path, words, *flags):
    code, errors = export(folder, tmp_path / "out", *flags)
    assert code == 1 and errors.startswith("trace_encoder: ") and errors.count("\n") == 1, errors
    for word in words:
        assert word in errors
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.partial").exists()


def test_byte_level_bpe_is_refused_by_name(made, tmp_path):
    code = Shape("jina-bert-qk-norm", tokenizer="bpe", **SMALL)
    refused(made(code), tmp_path, ["jina-bert-qk-norm", "BPE"])
    refused(made(Shape("jina-bert", tokenizer="bpe", **SMALL)), tmp_path, ["BPE"])


def test_a_sentencepiece_file_that_is_another_is_refused(made, tmp_path):
    folder = tmp_path / "source"
    shutil.copytree(made(Shape("xlm-roberta", positions=130, tokenizer="sentencepiece", **SMALL)), folder)
    model = folder / "sentencepiece.bpe.model"
    model.write_bytes(model.read_bytes().replace("▁the".encode(), "▁THE".encode(), 1))
    refused(folder, tmp_path, ["sentencepiece.bpe.model", "XLM-R's order"])
    model.write_bytes(b"\xff" * 40)
    refused(folder, tmp_path, ["not a SentencePiece model"])


# ---- prefixes ----

@pytest.fixture
def card(tmp_path):
    """card(readme, prompts) is a folder with those; no more of a checkout."""
    folder = tmp_path / "model"
    folder.mkdir()

    def make(readme="", **prompts):
        (folder / "README.md").write_text(readme)
        change = {"prompts": prompts} if prompts else {}
        (folder / "config_sentence_transformers.json").write_text(json.dumps(change))
        return folder
    return make


def test_prefixes_are_the_checkouts_or_those_given(card):
    said = card(query="q: ", document="d: ")
    assert read_prefixes(said, {}, "m", None, None) == ("q: ", "d: ")
    assert read_prefixes(card(passage="p: "), {}, "m", None, None) == ("", "p: ")
    assert read_prefixes(card(), {}, "m", None, None) == ("", "")
    assert read_prefixes(card(), {}, "m", "x: ", None) == ("x: ", "")
    with pytest.raises(checkpoint.Refused, match="--query-prefix"):
        read_prefixes(card(query="q: "), {}, "m", "other: ", None)


@pytest.mark.parametrize("readme, config, name", [
    ("", {}, "multilingual-e5-small"), ("", {"_name_or_path": "intfloat/e5-base-v2"}, "m"),
    ("---\nmodel-index:\n- name: e5-small-v2\n---\ntext", {}, "m"), ("## E5-small\n", {}, "m")])
def test_an_e5_model_without_prefixes_is_refused(card, readme, config, name):
    folder = card(readme, query="", document="")
    with pytest.raises(checkpoint.Refused, match="--query-prefix 'query: '"):
        read_prefixes(folder, config, name, None, None)
    assert read_prefixes(folder, config, name, "query: ", "passage: ") == ("query: ", "passage: ")
    assert read_prefixes(folder, config, name, "", "") == ("", "")


def test_a_card_that_compares_with_e5_is_not_an_e5_model(card):
    readme = "---\nmodel-index:\n- name: gte-small\n---\n# gte-small\n| e5-small-v2 | 384 |\n"
    assert read_prefixes(card(readme), {}, "gte-small", None, None) == ("", "")


# ---- the program ----

def vectors(vecdb, texts):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    result = vecdb("--model", "tiny", "--precision", "f32", "encode", "--jsonl", stdin=lines)
    assert result.code == 0, result.err
    return [record["vector"] for record in result.records]


@pytest.mark.parametrize("shape", [
    Shape("jina-bert", dtype="F16"), Shape("jina-bert", dtype="BF16", prefix="bert.", unused=True),
    Shape("bert", positions=1024, prefix="bert.", dtype="F16", pooling="cls")], ids=str)
def test_the_program_gives_the_references_vectors_alone_and_in_batches(vecdb, made, tmp_path, shape):
    vecdb.env["VECDB_HOME"] = str(tmp_path / "home2")
    folder = tmp_path / "home2" / "models" / "tiny"
    folder.parent.mkdir(parents=True)
    exported(made(shape), folder)
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(made(shape) / "tokenizer.json"))
    texts = ["", "one", "What did the president say?", "A longer text, " * 50, "and one more. " * 220]
    ids = [tokenizer.encode(text).ids for text in texts]
    together = vectors(vecdb, texts)
    if shape.jina:
        wanted = Reference(made(shape)).encode(ids)
    else:
        wanted = encode(traced_of(made(shape)), ids)
    assert all(agree(torch.tensor(together, dtype=torch.float64), wanted))
    for text, vector in zip(texts, together, strict=True):
        assert vectors(vecdb, [text]) == [vector]
