"""`--length tokens` with each kind of tokenizer, with and without a prefix: no chunk exceeds the window,
and its length is what Hugging Face's `tokenizers` counts."""

import sys

import pytest
from conftest import PROJECT, SPEECH

pytest.importorskip("torch")
pytest.importorskip("tokenizers")
sys.path.insert(0, str(PROJECT / "test" / "python"))

import make_tokenizer  # noqa: E402
from make_checkpoint import Shape, make_checkpoint  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

WINDOW = 48
SMALL = {"layers": 1, "heads": 2, "hidden": 8, "intermediate": 8}
SHAPES = {
    "wordpiece": Shape("bert", positions=WINDOW, **SMALL),
    "sentencepiece": Shape("xlm-roberta", positions=WINDOW + 2, tokenizer="sentencepiece", **SMALL),
    "bpe": Shape("jina-bert", positions=WINDOW, tokenizer="bpe", vocabulary=4000, **SMALL),
    "unigram": Shape("jina-bert", positions=WINDOW, tokenizer="bpe", vocabulary=4000, **SMALL)}
TRAINED = {"bpe": make_tokenizer.byte_level, "unigram": make_tokenizer.unigram}


@pytest.fixture(scope="module", params=SHAPES)
def checkout(request, tmp_path_factory):
    folder = make_checkpoint(SHAPES[request.param], tmp_path_factory.mktemp("checkout") / "model")
    if request.param in TRAINED:
        TRAINED[request.param](folder)
    return folder


@pytest.mark.parametrize("prefix", ["", "passage: ", "Represent the document for retrieval: "])
def test_chunks_fit_the_window_and_their_lengths_are_the_tokenizers(vecdb, checkout, prefix):
    tokenizer = Tokenizer.from_file(str(checkout / "tokenizer.json"))
    added = vecdb("model", "add", checkout, "--name", "tiny", "--query-prefix", "query: ", "--passage-prefix", prefix)
    assert added.code == 0, added.err
    vecdb.env["VECDB_MODEL"] = "tiny"
    text = SPEECH.read_text()[:12_000] + "\n\n".join(make_tokenizer.LINES)
    if (checkout / "sentencepiece.bpe.model").exists():
        # Without a map of characters a line break is an unknown character to SentencePiece.
        text = " ".join(text.split())
    text = vecdb.write("text", text)
    overhead = len(tokenizer.encode(prefix).ids)
    for splitter in ("recursive", "sentence"):
        flags = ("--splitter", splitter, "--length", "tokens", text)
        ingest = vecdb("--store", splitter, "--precision", "f32", "ingest", "--json", *flags)
        summary = ingest.records[-1]["summary"]
        assert (ingest.code, summary["truncated"], summary["oversize"]) == (0, 0, 0), ingest.err
        chunks = vecdb("--store", splitter, "show", "--json", text).records
        counts = [len(tokenizer.encode(prefix + chunk["text"]).ids) for chunk in chunks]
        assert [chunk["tokens"] for chunk in chunks] == counts
        assert WINDOW - 4 <= max(counts) <= WINDOW

        (stats,) = vecdb("split", "--stats", "--json", *flags).records
        lengths = sorted(max(0, count - overhead) for count in counts)
        assert (stats["room"], stats["over_window"]) == (WINDOW - overhead, 0)
        assert (stats["chunks"], stats["tokens"]["min"], stats["tokens"]["max"]) == (len(counts), lengths[0], lengths[-1])
        assert stats["tokens"]["mean"] == pytest.approx(sum(lengths) / len(lengths))
        assert summary["longest"] == lengths[-1]
        assert [c["text"] for c in vecdb("split", *flags).records] == [c["text"] for c in chunks]
