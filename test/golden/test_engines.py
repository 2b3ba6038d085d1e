"""The native engine: equal to the graphs that PyTorch wrote, and to itself."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import DATA, PROGRAM, PROJECT, SPEECH, assert_error

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # beside other tests, a barrier of threads waits for a core

sys.path[:0] = [str(PROJECT / "test" / "python")]

from make_checkpoint import Shape, make_checkpoint  # noqa: E402
from test_graphs import agree  # noqa: E402

MODEL = PROGRAM.parent / "models" / "all-MiniLM-L6-v2"
LEVELS = ("avx2", "avx512", "avx512vnni", "avx512bf16", "amx")  # of VECDB_MAX_ISA; a machine with less uses what it has
LENGTHS = [*range(2, 47), 511, 512, 513, 2000]
SMALL = {"layers": 1, "heads": 2, "hidden": 8, "intermediate": 8}
# Each a token of its own.
WORDS = [word for word in (DATA / "minilm_vocab.txt").read_text().split("\n") if word.isascii() and word.isalpha()]


def vectors_of(vecdb, texts, *flags, **env):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    result = vecdb(*flags, "encode", "--jsonl", stdin=lines, **env)
    assert result.code == 0, result.err
    return torch.tensor([record["vector"] for record in result.records], dtype=torch.float64)


def texts_of(lengths, seed=5):
    """Texts of so many WordPiece tokens, [CLS] and [SEP] included."""
    chance = random.Random(seed)
    return [" ".join(chance.choices(WORDS, k=length - 2)) for length in lengths]


def token_counts(vecdb, texts, *flags):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    return [record["tokens"] for record in vecdb(*flags, "encode", "--jsonl", stdin=lines).records]


def least_cosine(a, b):
    return torch.cosine_similarity(a, b).min().item()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """models(Shape(…)) is the environment in which the model "made" is made of that checkout."""
    homes = {}

    def make(shape):
        if shape not in homes:
            home = tmp_path_factory.mktemp("home")
            checkout = make_checkpoint(shape, home / "checkout")
            subprocess.run([PROGRAM, "model", "make", checkout, "--out", home / "models" / "made"],
                           check=True, capture_output=True)
            homes[shape] = {"VECDB_HOME": str(home), "VECDB_MODEL": "made"}
        return homes[shape]
    return make


SHAPES = [
    Shape("bert", positions=2048), Shape("bert", positions=2048, pooling="cls", dtype="F16", heads=3),
    Shape("bert", positions=2048, prefix="bert.", unused=True, normalize=True, dtype="BF16", hidden=60, heads=5),
    Shape("xlm-roberta", positions=2050, epsilon=1e-5, tokenizer="sentencepiece", dtype="F16"),
    Shape("jina-bert", heads=6), Shape("jina-bert", dtype="BF16", intermediate=100),
    Shape("jina-bert-qk-norm", heads=8), Shape("jina-bert-qk-norm", normalize=True, hidden=72, heads=3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_native_engine_is_the_graph_at_every_length(vecdb, models, shape):
    vecdb.env |= models(shape)
    texts = texts_of(LENGTHS)
    if shape.architecture != "xlm-roberta":
        assert token_counts(vecdb, texts) == LENGTHS
    native = vectors_of(vecdb, texts, "--precision", "f32", "--engine", "native")
    wanted = vectors_of(vecdb, texts, "--precision", "f32", "--engine", "torchscript")
    assert all(agree(native, wanted))
    for level in LEVELS:
        lower = vectors_of(vecdb, texts, "--precision", "f32", "--engine", "native", VECDB_MAX_ISA=level)
        assert all(agree(lower, wanted)), level
        for precision in ("bf16", "int8"):
            rounded = vectors_of(vecdb, texts, "--precision", precision, "--engine", "native", VECDB_MAX_ISA=level)
            assert least_cosine(rounded, wanted) > 0.9975, (level, precision)


def test_a_text_of_8192_tokens_is_that_of_the_graph(vecdb, models):
    vecdb.env |= models(Shape("jina-bert", **SMALL))
    texts = texts_of([8192, 7, 8191])
    native = vectors_of(vecdb, texts, "--precision", "f32", "--engine", "native")
    assert all(agree(native, vectors_of(vecdb, texts, "--precision", "f32", "--engine", "torchscript")))


def mixed_texts(count, seed=7):
    """From nothing to far over the window; many scripts."""
    chance = random.Random(seed)
    words = SPEECH.read_text().split() + ["東京", "Привет", "naïve", "👩‍👩‍👧", "don't", "x" * 150]
    lengths = [0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 30, 60, 120, 200, 250, 300]
    return [" ".join(chance.choices(words, k=chance.choice(lengths))) for _ in range(count)]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("precision", ["f32", "bf16", "int8"])
def test_a_text_has_the_same_bits_alone_and_in_any_batch(vecdb, precision, level):
    texts = mixed_texts(60)
    flags = ("--precision", precision, "--engine", "native")
    vecdb.env["VECDB_MAX_ISA"] = level
    together = vectors_of(vecdb, texts, *flags, "--threads", "1")
    order = random.Random(8).sample(range(len(texts)), len(texts))
    shuffled = vectors_of(vecdb, [texts[i] for i in order], *flags, "--threads", "3", "--max-memory", "48M")
    assert torch.equal(shuffled, together[order])
    for i in range(len(texts)) if os.environ.get("VECDB_LONG_TESTS") else range(0, len(texts), 6):
        assert torch.equal(vectors_of(vecdb, [texts[i]], *flags)[0], together[i])


@pytest.mark.parametrize("shape", [Shape("jina-bert", heads=6), Shape("jina-bert-qk-norm", heads=3),
                                   Shape("bert", positions=2048, hidden=60, heads=5)], ids=str)
@pytest.mark.parametrize("precision", ["f32", "bf16", "int8"])
def test_long_texts_have_the_same_bits_alone_and_in_any_batch(vecdb, models, shape, precision):
    vecdb.env |= models(shape)
    texts = texts_of([2, 1500, 3, 513, 31, 257])
    flags = ("--precision", precision, "--engine", "native")
    alone = torch.cat([vectors_of(vecdb, [text], *flags) for text in texts])
    assert torch.equal(vectors_of(vecdb, texts, *flags, "--threads", "2"), alone)
    assert torch.equal(vectors_of(vecdb, texts[::-1], *flags, "--threads", "1"), alone.flip(0))


def test_levels_of_instruction_sets_differ_in_rounding_only(vecdb):
    texts = mixed_texts(40)
    wanted = vectors_of(vecdb, texts, "--precision", "f32", "--engine", "torchscript")
    for level in LEVELS:
        flags = ("--engine", "native", "--precision")
        assert (vectors_of(vecdb, texts, *flags, "f32", VECDB_MAX_ISA=level) - wanted).abs().max() < 1e-5
        assert least_cosine(vectors_of(vecdb, texts, *flags, "bf16", VECDB_MAX_ISA=level), wanted) >= 0.9999


def passages_of(vecdb, size):
    records = vecdb("split", "--json", "--splitter", "recursive", "--chunk-size", str(size), SPEECH).records
    return [record for record in records if "text" in record]


# Short texts are mostly [CLS] and [SEP], in whose rows a few numbers stand out.
@pytest.mark.parametrize(("sizes", "least"), [((1000, 200), 0.999), ((60, 20), 0.996), ((), 0.996)],
                         ids=["passages", "short pieces", "words"])
def test_int8_is_near_f32_at_every_level(vecdb, sizes, least):
    texts = [passage["text"] for size in sizes for passage in passages_of(vecdb, size)]
    texts = texts or sorted(set(SPEECH.read_text(encoding="utf-8").split()))
    wanted = vectors_of(vecdb, texts, "--precision", "f32", "--engine", "native")
    for level in LEVELS:
        assert least_cosine(vectors_of(vecdb, texts, "--precision", "int8", VECDB_MAX_ISA=level), wanted) > least, level


def test_int8_finds_the_passages_that_f32_finds(vecdb):
    """Short pieces ask for the passage that they are from."""
    gain = 1 / torch.log2(torch.arange(10, dtype=torch.float64) + 2)

    def ndcg(precision, passages, pieces):
        texts, questions = ([each["text"] for each in records] for records in (passages, pieces))
        inside = torch.tensor([[passage["start"] <= piece["start"] and piece["end"] <= passage["end"]
                                for passage in passages] for piece in pieces], dtype=torch.float64)
        scores = vectors_of(vecdb, questions, "--precision", precision) @ vectors_of(
            vecdb, texts, "--precision", precision).T
        found = inside.gather(1, scores.topk(10).indices) @ gain
        best = inside.sort(descending=True).values[:, :10] @ gain
        return found[best > 0] / best[best > 0]
    pieces = passages_of(vecdb, 60)
    lost = torch.cat([ndcg("f32", passages, pieces) - ndcg("int8", passages, pieces)
                      for passages in (passages_of(vecdb, 1000), passages_of(vecdb, 300))])
    assert len(lost) > 1500
    assert lost.mean() < 0.004  # whose standard error is 0.001


def test_int8_is_refused_where_the_native_engine_does_not_compute(vecdb, models):
    assert_error(vecdb("--precision", "int8", "--engine", "torchscript", "encode", stdin="tea\n"), 6, "--precision int8",
                 "native", "--engine torchscript")
    vecdb.env |= models(Shape("jina-v3-plain", positions=130, epsilon=1e-5, heads=3))
    assert_error(vecdb("--precision", "int8", "encode", stdin="tea\n"), 6, "--precision int8", "jina-v3-plain", "bf16")


def test_a_store_in_int8_is_filled_and_asked_in_int8(vecdb):
    vecdb.write("a", "Tea wants water just off the boil.")
    vecdb.write("b", "Anvils are forged.")
    assert vecdb("--precision", "int8", "ingest", "a", "b").code == 0
    assert vecdb("stats", "--json").records[0]["precision"] == "int8"
    result = vecdb("query", "--json", "-k", "1", "hot water")
    assert result.code == 0 and "Tea" in result.records[0]["text"]
    assert_error(vecdb("--precision", "bf16", "query", "hot water"), 2, "--precision", "int8")
    lines = vecdb("export", "--vectors").out
    assert vecdb("--store", "copy", "import", "-", stdin=lines).code == 0
    assert vecdb("--store", "copy", "stats", "--json").records[0]["precision"] == "int8"


def test_the_native_engine_is_the_default_and_loads_no_libtorch(vecdb):
    for engine, loaded in (("auto", False), ("native", False), ("torchscript", True)):
        result = vecdb("--engine", engine, "encode", stdin="tea\n", LD_DEBUG="files")
        assert result.code == 0
        assert ("libtorch_cpu" in result.err) is loaded, engine


def test_an_architecture_that_only_the_graphs_know_is_run_by_them(vecdb, models):
    vecdb.env |= models(Shape("jina-v3-plain", positions=130, epsilon=1e-5, heads=3))
    assert vecdb("encode", stdin="tea\n").code == 0
    assert_error(vecdb("--engine", "native", "encode", stdin="tea\n"), 6, "--engine native", "jina-v3-plain")


def test_a_level_that_is_not_known_is_refused(vecdb):
    assert_error(vecdb("encode", stdin="tea\n", VECDB_MAX_ISA="avx3"), 2, "VECDB_MAX_ISA", "avx3", "avx512")


def test_a_new_store_takes_bf16_only_where_the_level_multiplies_it(vecdb):
    vecdb.write("a", "Tea wants water just off the boil.")
    has_bf16 = " avx512_bf16" in Path("/proc/cpuinfo").read_text()
    for level in LEVELS:
        vecdb.env["VECDB_MAX_ISA"] = level
        assert vecdb("--store", level, "ingest", "a").code == 0
        stats = vecdb("--store", level, "stats", "--json").records[0]
        assert stats["precision"] == ("bf16" if has_bf16 and level in ("avx512bf16", "amx") else "f32"), level


def test_stores_do_not_record_the_engine(vecdb):
    vecdb.write("a", "Tea wants water just off the boil.")
    assert vecdb("--engine", "torchscript", "--precision", "f32", "ingest", "a").code == 0
    result = vecdb("--engine", "native", "query", "--json", "hot water")
    assert result.code == 0, result.err
    again = vecdb("--engine", "torchscript", "query", "--json", "hot water")
    assert result.records[0]["score"] == pytest.approx(again.records[0]["score"], abs=1e-5)
