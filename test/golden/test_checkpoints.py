"""`vecdb model make` and `vecdb model add` of a Hugging Face checkout, and scripts/trace_encoder.py."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from conftest import PROGRAM, PROJECT, assert_error

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # beside other tests, a barrier of threads waits for a core
sys.path[:0] = [str(PROJECT / "scripts"), str(PROJECT / "test" / "python")]

from jina_bert_reference import Reference  # noqa: E402
from make_checkpoint import Shape, make_checkpoint  # noqa: E402
from model_graph import ModelGraph  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from test_graphs import agree, made  # noqa: E402, F401
from tokenizers import Tokenizer  # noqa: E402

SMALL = {"layers": 1, "heads": 2, "hidden": 8, "intermediate": 8}
QUERY = "encoder.layer.0.attention.self.query.weight"


def change_json(path, **changes):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | changes))


def manifest_of(vecdb, checkout, *flags):
    """model.json as vecdb makes it, and the folder it stands in."""
    out = vecdb.folder / f"model{len(list(vecdb.folder.glob('model*')))}"
    result = vecdb("model", "make", checkout, "--out", out, *flags)
    assert (result.code, result.out) == (0, ""), result.err
    return json.loads((out / "model.json").read_text())


@pytest.fixture
def copy(made, tmp_path):  # noqa: F811
    """copy(Shape(…)) is a checkout that a test may change."""
    def make(shape):
        folder = tmp_path / "checkout"
        shutil.copytree(made(shape), folder)
        return folder
    return make


# ---- what is read ----

def test_the_tensors_are_recorded_under_the_files_names(vecdb, made):  # noqa: F811
    shape = Shape("jina-bert", prefix="bert.", dtype="F16", unused=True, tokenizer="json", **SMALL)
    manifest = manifest_of(vecdb, made(shape))
    weights = load_file(made(shape) / "model.safetensors")
    assert manifest["tensors"].keys() | set(manifest["ignored_tensors"]) == weights.keys()
    assert "bert.embeddings.position_ids" in manifest["ignored_tensors"]
    assert {tensor["dtype"] for tensor in manifest["tensors"].values()} == {"F16"}
    assert (manifest["encoder"]["architecture"], manifest["window"]) == ("jina-bert", 8192)
    assert (manifest["pooling"], manifest["normalize"], manifest["self_test"]) == ("mean", False, [])


@pytest.mark.parametrize("tokenizer", ["json+vocab", "json", "vocab"])
def test_each_layout_of_a_wordpiece_tokenizer_gives_the_same_model(vecdb, made, tokenizer):  # noqa: F811
    shapes = [Shape("bert", positions=128, tokenizer=each, **SMALL)
              for each in (tokenizer, "json+vocab")]
    models = [manifest_of(vecdb, made(shape)) for shape in shapes]
    assert models[0]["tokenizer"] == models[1]["tokenizer"]
    assert models[0]["files"]["vocab.txt"] == models[1]["files"]["vocab.txt"]


@pytest.mark.parametrize("architecture", ["xlm-roberta", "bert"])
def test_a_sentencepiece_tokenizer_goes_with_either_architecture(vecdb, made, architecture):  # noqa: F811
    shape = Shape(architecture, positions=130, tokenizer="sentencepiece", vocabulary=2000, **SMALL)
    manifest = manifest_of(vecdb, made(shape))
    assert manifest["encoder"]["architecture"] == architecture
    assert manifest["window"] == (128 if architecture == "xlm-roberta" else 130)
    assert manifest["tokenizer"]["kind"] == "sentencepiece"


def test_jina_v3_has_a_prompt_and_an_adapter_a_task(vecdb, made):  # noqa: F811
    manifest = manifest_of(vecdb, made(Shape("jina-v3", positions=130, unused=True, **SMALL)))
    assert manifest["encoder"]["architecture"] == "jina-v3"
    assert manifest["query"]["task"] == "retrieval.query"
    assert manifest["query"]["prefix"].startswith("Represent the query")
    assert manifest["passage"]["task"] == "retrieval.passage"
    assert manifest["tasks"]["text-matching"] == {"prefix": "", "task": "text-matching"}
    assert manifest["dimensions"] == [8]
    plain = manifest_of(vecdb, made(Shape("jina-v3-plain", positions=130, **SMALL)))
    assert (plain["encoder"]["architecture"], plain["tasks"]) == ("jina-v3-plain", {})


def test_lower_case_of_sentence_transformers_own_settings_is_obeyed(vecdb, copy):
    """As bge-small-zh-v1.5 has it: the tokenizer keeps case, and texts are lower-cased before it."""
    folder = copy(Shape("bert", positions=128, tokenizer="json", **SMALL))
    spec = json.loads((folder / "tokenizer.json").read_text())
    spec["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(spec))
    (folder / "tokenizer_config.json").unlink()
    assert manifest_of(vecdb, folder)["tokenizer"]["lower_case"] is False
    change_json(folder / "sentence_bert_config.json", do_lower_case=True)
    settings = manifest_of(vecdb, folder)["tokenizer"]
    assert (settings["lower_case"], settings["strip_accents"]) == (True, False)


def test_an_added_model_is_called_by_its_new_name(vecdb, made):  # noqa: F811
    out = vecdb.folder / "first"
    assert vecdb("model", "make", made(Shape("bert", positions=66, **SMALL)), "--out", f"{out}/").code == 0
    assert vecdb("model", "add", out, "--name", "second").code == 0
    assert vecdb("model", "show", "second", "--json").records[0]["name"] == "second"
    vecdb.write("a.txt", "A text.")
    assert vecdb("--model", "second", "ingest", "a.txt").code == 0
    assert len(vecdb("query", "--json", "text").records) == 1
    assert_error(vecdb("model", "add", out, "--name", "third", "--query-prefix", "q: "), 2, "--query-prefix")


def test_of_several_adds_of_one_name_one_wins_and_the_others_say_so(vecdb, made):  # noqa: F811
    checkout = made(Shape("bert", positions=66, **SMALL))
    adds = [vecdb.popen("model", "add", checkout, "--name", "one", stderr=subprocess.PIPE) for _ in range(4)]
    said = [add.communicate()[1].decode() for add in adds]
    assert sorted(add.returncode for add in adds) == [0, 6, 6, 6], said
    assert sum("installed already" in text for text in said) == 3
    assert vecdb("model", "verify", "one").code == 0


def test_a_stores_model_is_compared_before_its_dimensions(vecdb, made):  # noqa: F811
    assert vecdb("model", "add", made(Shape("bert", positions=66, **SMALL)), "--name", "tiny").code == 0
    vecdb.write("a.txt", "A text.")
    assert vecdb("ingest", "a.txt").code == 0
    assert_error(vecdb("--model", "tiny", "query", "text"), 6, "all-MiniLM-L6-v2", "tiny", "store was made")
    assert_error(vecdb("--model", "tiny", "ingest", "a.txt"), 6, "all-MiniLM-L6-v2", "tiny")


# ---- what is refused ----

def edit(name, **changes):
    return lambda folder: change_json(folder / name, **changes)


def without(name, key):
    def edit(folder):
        content = json.loads((folder / name).read_text())
        del content[key]
        (folder / name).write_text(json.dumps(content))
    return edit


def edit_tensors(change):
    def edit(folder):
        weights = load_file(folder / "model.safetensors")
        change(weights)
        save_file(weights, folder / "model.safetensors")
    return edit


REFUSED = {
    "another architecture": (edit("config.json", model_type="mpnet"), ["mpnet"]),
    "relative positions": (edit("config.json", position_embedding_type="relative_key"),
                           ["relative_key"]),
    "a gate that is no GEGLU": (edit("config.json", feed_forward_type="original"), ["original"]),
    "a configuration of BERT": (
        edit("config.json", position_embedding_type="absolute", feed_forward_type="original"),
        ["bert", "7 tensors are missing", "embeddings.position_embeddings.weight",
         "5 tensors are not part", "encoder.layer.0.mlp.gated_layers.weight"]),
    "another activation": (edit("config.json", hidden_act="gelu_new"), ["hidden_act", "gelu_new"]),
    "no activation": (without("config.json", "hidden_act"), ["config.json", "hidden_act", "missing"]),
    "no epsilon": (without("config.json", "layer_norm_eps"), ["layer_norm_eps", "missing"]),
    "a decoder": (edit("config.json", is_decoder=True), ["is_decoder"]),
    "heads that do not divide": (edit("config.json", num_attention_heads=3), ["num_attention_heads"]),
    "a negative size": (edit("config.json", hidden_size=-8), ["hidden_size"]),
    "a huge size": (edit("config.json", num_hidden_layers=10**9), ["num_hidden_layers"]),
    "a missing tensor": (edit_tensors(lambda w: w.pop(QUERY)), ["1 tensor is missing", QUERY]),
    "an extra tensor": (edit_tensors(lambda w: w.update(surprise=torch.zeros(1))), ["surprise"]),
    "another shape": (edit_tensors(lambda w: w.update({QUERY: torch.zeros(8, 9)})), [QUERY, "[8, 9]"]),
    "another dtype": (edit_tensors(lambda w: w.update({QUERY: w[QUERY].double()})), [QUERY, "F64"]),
    "a NaN": (edit_tensors(lambda w: w[QUERY].fill_(float("nan"))), [QUERY, "not finite"]),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), ["model.safetensors"]),
    "no configuration": (lambda folder: (folder / "config.json").unlink(), ["config.json"]),
    "no pipeline": (lambda folder: (folder / "modules.json").unlink(), ["modules.json"]),
    "a pipeline out of the folder": (
        lambda folder: (folder / "modules.json").write_text(json.dumps([
            {"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "../1_Pooling"}])),
        ["modules.json", "../1_Pooling"]),
    "a pipeline with a dense layer": (
        lambda folder: (folder / "modules.json").write_text(json.dumps([
            {"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "1_Pooling"},
            {"type": "x.Dense", "path": "2_Dense"}])), ["modules.json", "Dense"]),
    "an encoder in a folder of its own": (
        lambda folder: (folder / "modules.json").write_text(json.dumps([
            {"type": "x.Transformer", "path": "0_Transformer"}, {"type": "x.Pooling", "path": "1_Pooling"}])),
        ["modules.json", "0_Transformer"]),
    "rotary positions of another model": (
        edit("config.json", model_type="nomic_bert", rotary_emb_base=1000), ["nomic_bert"]),
    "a card that is no text": (lambda folder: (folder / "README.md").write_bytes(b"---\nlicense: \xff\n---\n"),
                               ["README.md", "UTF-8"]),
    "another pooling": (edit("1_Pooling/config.json", pooling_mode_max_tokens=True), ["pooling"]),
    "a window without end": (
        lambda folder: (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 8193}'),
        ["max_seq_length", "8193"]),
    "too few rows": (edit("config.json", vocab_size=30521), ["word_embeddings", "30521"]),
}


@pytest.mark.parametrize("change, words", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_known_is_refused_by_name(vecdb, copy, change, words):
    folder = copy(Shape("jina-bert", **SMALL))
    change(folder)
    refused(vecdb, folder, *words)


def refused(vecdb, folder, *words):
    assert_error(vecdb("model", "make", folder, "--out", "made"), 6, *words)
    assert_error(vecdb("model", "add", folder), 6, *words)
    left = [path.name for path in vecdb.folder.rglob("*") if "partial" in path.name]
    assert left == [] and not (vecdb.folder / "made").exists()


V3_REFUSED = {
    "no rotary base": (without("config.json", "rotary_emb_base"), ["rotary_emb_base"]),
    "other positions": (edit("config.json", position_embedding_type="absolute"), ["tensors are missing"]),
    "no adapters": (without("config.json", "lora_adaptations"), ["lora_adaptations"]),
    "fewer adapters": (
        edit("config.json", lora_adaptations=["retrieval.query", "retrieval.passage"]),
        ["lora_A", "[5, "]),
    "no alpha": (without("config.json", "lora_alpha"), ["lora_alpha"]),
    "another rank": (edit("config.json", lora_rank=8), ["lora_A"]),
    "no words of a task": (edit("config.json", task_instructions={}), ["task_instructions"]),
    "scaled positions": (
        edit("config.json", rope_parameters={"rope_theta": 20000.0, "rope_type": "yarn"}), ["yarn"]),
    "a dimension too large": (edit("config.json", matryoshka_dimensions=[9]), ["matryoshka_dimensions"]),
}


def test_a_sentencepiece_json_that_does_more_than_the_model_is_refused(vecdb, copy):
    folder = copy(Shape("xlm-roberta", positions=130, tokenizer="sentencepiece", **SMALL))
    spec = json.loads((folder / "tokenizer.json").read_text())
    added = {"id": 4, "content": "<new>", "special": True, "single_word": False, "lstrip": False,
             "rstrip": False, "normalized": False}
    for change, words in (({"normalizer": {"type": "Lowercase"}}, ["normalizer"]),
                          ({"added_tokens": [*spec["added_tokens"], added]}, ["<new>"])):
        (folder / "tokenizer.json").write_text(json.dumps(spec | change))
        refused(vecdb, folder, "tokenizer.json", *words)


@pytest.mark.parametrize("change, words", V3_REFUSED.values(), ids=V3_REFUSED.keys())
def test_a_jina_v3_that_is_not_known_is_refused_by_name(vecdb, copy, change, words):
    folder = copy(Shape("jina-v3", positions=130, unused=True, **SMALL))
    change(folder)
    refused(vecdb, folder, *words)


# ---- prefixes ----

def prefixes_of(vecdb, folder, *flags):
    manifest = manifest_of(vecdb, folder, *flags)
    return manifest["query"]["prefix"], manifest["passage"]["prefix"]


@pytest.fixture
def card(copy):
    """card(readme, prompts) is a checkout with those."""
    folder = copy(Shape("bert", positions=66, **SMALL))

    def make(readme="", **prompts):
        (folder / "README.md").write_text(readme)
        change = {"prompts": prompts} if prompts else {}
        (folder / "config_sentence_transformers.json").write_text(json.dumps(change))
        return folder
    return make


def test_prefixes_are_the_checkouts_or_those_given(vecdb, card):
    assert prefixes_of(vecdb, card(query="q: ", document="d: ")) == ("q: ", "d: ")
    assert prefixes_of(vecdb, card(passage="p: ")) == ("", "p: ")
    assert prefixes_of(vecdb, card()) == ("", "")
    assert prefixes_of(vecdb, card(), "--query-prefix", "x: ") == ("x: ", "")
    made_with_another = vecdb("model", "make", card(query="q: "), "--out", "m", "--query-prefix", "other: ")
    assert_error(made_with_another, 6, "--query-prefix", "q: ", "other: ")
    assert_error(vecdb("model", "make", card(passage="a", document="b"), "--out", "m"), 6, "document")
    other = card(s2p_query="q: ")
    assert_error(vecdb("model", "make", other, "--out", "m"), 6, "s2p_query", "--query-prefix")
    assert prefixes_of(vecdb, other, "--query-prefix", "q: ", "--passage-prefix", "") == ("q: ", "")
    change_json(other / "config_sentence_transformers.json", default_prompt_name="s2p_query")
    assert_error(vecdb("model", "make", other, "--out", "m"), 6, "default_prompt_name")


@pytest.mark.parametrize("readme, config, name", [
    ("", {}, "multilingual-e5-small"), ("", {"_name_or_path": "intfloat/e5-base-v2"}, "m"),
    ("---\nmodel-index:\n- name: e5-small-v2\n---\ntext", {}, "m"), ("## E5-small\n", {}, "m")])
def test_an_e5_model_without_prefixes_is_refused(vecdb, card, readme, config, name):
    folder = card(readme, query="", document="")
    change_json(folder / "config.json", **config)
    refusal = vecdb("model", "make", folder, "--out", "m", "--name", name)
    assert_error(refusal, 6, "E5", "--query-prefix 'query: '")
    given = ["--name", name, "--query-prefix", "query: ", "--passage-prefix", "passage: "]
    assert prefixes_of(vecdb, folder, *given) == ("query: ", "passage: ")
    assert prefixes_of(vecdb, folder, "--name", name, "--query-prefix", "") == ("", "")


def test_a_card_that_compares_with_e5_is_not_an_e5_model(vecdb, card):
    readme = "---\nmodel-index:\n- name: gte-small\n---\n# gte-small\n| e5-small-v2 | 384 |\n"
    assert prefixes_of(vecdb, card(readme), "--name", "gte-small") == ("", "")


# ---- the program ----

def exported(vecdb, checkout, out):
    """Runs trace_encoder.py as people do."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", PROJECT / "scripts" / "trace_encoder.py", checkout, "--out", out],
        env=os.environ | {"VECDB_PROGRAM": str(PROGRAM)}, capture_output=True, text=True)


def vectors(vecdb, texts):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    result = vecdb("--model", "tiny", "--precision", "f32", "encode", "--jsonl", stdin=lines)
    assert result.code == 0, result.err
    return [record["vector"] for record in result.records]


@pytest.mark.parametrize("shape", [
    Shape("jina-bert", dtype="F16"), Shape("jina-bert", dtype="BF16", prefix="bert.", unused=True),
    Shape("jina-bert-qk-norm"), Shape("jina-v3", positions=1024, normalize=True),
    Shape("bert", positions=1024, prefix="bert.", dtype="F16", pooling="cls")], ids=str)
def test_the_program_gives_the_references_vectors_alone_and_in_batches(vecdb, made, shape):  # noqa: F811
    traced = vecdb.folder / "tiny"
    done = exported(vecdb, made(shape), traced)
    assert (done.returncode, done.stderr) == (0, "")
    result = vecdb("model", "add", traced)
    assert result.code == 0, result.err
    verified = vecdb("model", "verify", "tiny", "--json").records[0]
    adapters = 5 if shape.architecture == "jina-v3" else 0
    assert verified["self_tests"] >= 3 + adapters and verified["worst_cosine_f32"] >= 0.99999

    tokenizer = Tokenizer.from_file(str(made(shape) / "tokenizer.json"))
    texts = ["", "one", "What did the president say?", "A longer text, " * 50, "and one more. " * 220]
    ids = [tokenizer.encode(text).ids for text in texts]
    together = vectors(vecdb, texts)
    wanted = Reference(made(shape)).encode(ids) if shape.architecture == "jina-bert" else \
        ModelGraph(traced).encode(ids)
    assert all(agree(torch.tensor(together, dtype=torch.float64), wanted))
    for text, vector in zip(texts, together, strict=True):
        assert vectors(vecdb, [text]) == [vector]


def lines_of(vecdb, *args, stdin):
    result = vecdb("--model", "tiny", "--precision", "f32", *args, stdin=stdin)
    assert result.code == 0, result.err
    return [torch.tensor(record["vector"], dtype=torch.float64) for record in result.records]


def test_a_task_chooses_words_and_adapter(vecdb, made):  # noqa: F811
    checkout = made(Shape("jina-v3", positions=130, normalize=True))
    assert vecdb("model", "add", checkout, "--name", "tiny").code == 0
    graph = ModelGraph(vecdb.folder / "home" / ".local" / "share" / "vecdb" / "models" / "tiny")
    tokenizer = Tokenizer.from_file(str(checkout / "tokenizer.json"))

    def wanted(text, task):
        return graph.encode([tokenizer.encode(text).ids], task)[0]

    for flags, prefix, task in (
            ((), "", -1), (("--task", "text-matching"), "", 4), (("--task", "separation"), "", 2),
            (("--query",), "Represent the query for retrieving evidence documents: ", 0),
            (("--passage",), "Represent the document for retrieval: ", 1)):
        (found,) = lines_of(vecdb, "encode", *flags, stdin="A question\n")
        assert agree(found.unsqueeze(0), wanted(prefix + "A question", task).unsqueeze(0)) == [True], flags
    vecdb.write("a.txt", "A question")
    assert vecdb("--model", "tiny", "--precision", "f32", "ingest", "a.txt").code == 0
    (hit,) = vecdb("query", "--json", "A question").records
    query = wanted("Represent the query for retrieving evidence documents: A question", 0)
    passage = wanted("Represent the document for retrieval: A question", 1)
    assert hit["score"] == pytest.approx(float(query @ passage), abs=1e-5)
    assert_error(vecdb("--model", "tiny", "encode", "--task", "no", stdin="x"), 2, "no", "text-matching")
    assert_error(vecdb("encode", "--task", "separation", stdin="x"), 2, "all-MiniLM-L6-v2", "no such task")
    assert_error(vecdb("--model", "tiny", "encode", "--task", "separation", "--query", stdin="x"), 2)


def test_vectors_are_cut_to_dimensions_that_the_model_was_trained_for(vecdb, made):  # noqa: F811
    assert vecdb("model", "add", made(Shape("jina-v3", positions=130, normalize=True)), "--name", "tiny").code == 0
    (full,) = lines_of(vecdb, "encode", "--passage", stdin="A question\n")
    (cut,) = lines_of(vecdb, "encode", "--passage", "--dimensions", "16", stdin="A question\n")
    assert agree(cut.unsqueeze(0), (full[:16] / full[:16].norm()).unsqueeze(0)) == [True]
    for wrong, words in (("17", ["17", "8, 16, 32"]), ("0", ["--dimensions"]), ("99999", ["99999"])):
        assert_error(vecdb("--model", "tiny", "encode", "--dimensions", wrong, stdin="x"), 2, *words)
    assert_error(vecdb("encode", "--dimensions", "16", stdin="x"), 2, "all-MiniLM-L6-v2", "leave the flag out")

    vecdb.write("a.txt", "One sentence.\n\nAnother one.")
    cut_store = ("--model", "tiny", "ingest", "--chunk-size", "15", "--dimensions", "16", "a.txt")
    assert vecdb(*cut_store).code == 0
    assert vecdb("stats", "--json").records[0]["dimension"] == 16
    assert len(vecdb("query", "--json", "One sentence.").records) == 2
    assert vecdb("ingest", "--chunk-size", "15", "a.txt").code == 0  # the store's own dimensions
    assert_error(vecdb("ingest", "--dimensions", "32", "a.txt"), 2, "32", "16")
    assert vecdb("verify").code == 0


def test_a_checkout_is_added_without_python(vecdb, made):  # noqa: F811
    shape = Shape("jina-bert")
    assert vecdb("model", "add", made(shape), "--name", "tiny").code == 0
    assert vecdb("model", "show", "tiny", "--json").records[0]["self-test"] == "none"
    assert "self-test: none" in vecdb("model", "verify", "tiny").err
    ids = Tokenizer.from_file(str(made(shape) / "tokenizer.json")).encode("A question").ids
    wanted = Reference(made(shape)).encode([ids])
    assert all(agree(torch.tensor(vectors(vecdb, ["A question"]), dtype=torch.float64), wanted))


def test_a_refusal_of_the_script_is_one_line(vecdb, copy):
    folder = copy(Shape("bert", positions=66, **SMALL))
    change_json(folder / "config.json", model_type="mpnet")
    done = exported(vecdb, folder, vecdb.folder / "out")
    assert done.returncode == 1 and "mpnet" in done.stderr and done.stderr.count("\n") == 1
    assert not (vecdb.folder / "out").exists() and not list(vecdb.folder.glob("out*"))


def test_a_self_test_that_does_not_come_out_is_refused(vecdb, made):  # noqa: F811
    traced = vecdb.folder / "tiny"
    assert exported(vecdb, made(Shape("bert", positions=128)), traced).returncode == 0
    manifest = json.loads((traced / "model.json").read_text())
    manifest["self_test"][0]["vector"][0] += 1
    (traced / "model.json").write_text(json.dumps(manifest))
    assert_error(vecdb("model", "add", traced), 6, "self-test", "cosine")
