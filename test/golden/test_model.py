"""Vectors, determinism, and models that are not what they should be."""

import json
import os
import random
import shutil
import struct

import pytest
from conftest import DATA, PROGRAM, SPEECH, assert_error

MODEL = PROGRAM.parent / "models" / "all-MiniLM-L6-v2"


def encode(vecdb, texts, *flags, **env):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    result = vecdb("--precision", "f32", "encode", "--jsonl", *flags, stdin=lines, **env)
    assert result.code == 0, result.err
    return result.out.splitlines()


def test_vectors_are_those_of_sentence_transformers(vecdb):
    items = json.loads((DATA / "minilm_vectors.json").read_text())["items"]
    records = [json.loads(line) for line in encode(vecdb, [item["text"] for item in items])]
    for item, record in zip(items, records, strict=True):
        assert max(abs(a - b) for a, b in zip(item["vector"], record["vector"], strict=True)) < 1e-5


def varied_texts(count):
    """From nothing to far over the window; many scripts."""
    chance = random.Random(7)
    words = SPEECH.read_text().split() + ["東京", "Привет", "naïve", "👩‍👩‍👧", "don't", "x" * 150]
    lengths = [0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 30, 60, 120, 200, 250, 300]
    return [" ".join(chance.choices(words, k=chance.choice(lengths))) for _ in range(count)]


def test_a_text_has_the_same_bits_alone_in_any_batch_and_with_any_threads(vecdb):
    texts = varied_texts(200)
    drop = lambda line: json.loads(line) | {"index": 0}
    together = [drop(line) for line in encode(vecdb, texts, "--threads", "1")]
    order = list(range(200))
    random.Random(8).shuffle(order)
    shuffled = encode(vecdb, [texts[i] for i in order], "--threads", "2")
    assert [drop(line) for line in shuffled] == [together[i] for i in order]
    for i in range(200) if os.environ.get("VECDB_LONG_TESTS") else range(0, 200, 10):
        assert drop(encode(vecdb, [texts[i]])[0]) == together[i]


def test_npy_holds_the_same_numbers(vecdb):
    numpy = pytest.importorskip("numpy")
    path = vecdb.folder / "v.npy"
    with path.open("wb") as file:
        process = vecdb.popen("encode", "--format", "npy", stdin=-1, stdout=file)
        process.communicate(b"one\ntwo\n")
    records = vecdb("encode", stdin="one\ntwo\n").records
    assert numpy.array_equal(numpy.load(path),
                             numpy.array([r["vector"] for r in records], dtype="float32"))


# ---- models that are not the model ----

def read_tensors(path):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:8 + length]), bytearray(data[8 + length:])


def write_tensors(path, header, body):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


@pytest.fixture
def copy(vecdb):
    """A copy of the model that vecdb finds before its own; weights are linked until changed."""
    folder = vecdb.folder / "home2" / "models" / MODEL.name
    folder.mkdir(parents=True)
    for file in MODEL.iterdir():
        os.symlink(file, folder / file.name)
    vecdb.env["VECDB_HOME"] = str(vecdb.folder / "home2")
    return folder


def replace(path, content=None):
    """Makes a linked file the copy's own."""
    content = path.read_bytes() if content is None else content
    path.unlink()
    path.write_bytes(content)


def refused(vecdb, *words):
    assert_error(vecdb("encode", stdin="text\n"), 6, *words)
    vecdb.write("a", "Text.")
    assert_error(vecdb("ingest", "a"), 6, *words)
    assert not list(vecdb.folder.rglob("*.faiss"))


def test_a_model_that_is_whole_is_used(vecdb, copy):
    assert vecdb("encode", stdin="text\n").code == 0


@pytest.mark.parametrize("file", ["model.json", "encoder.pt", "model.safetensors", "vocab.txt"])
def test_a_missing_file_is_named(vecdb, copy, file):
    (copy / file).unlink()
    refused(vecdb, file)


@pytest.mark.parametrize("file", ["encoder.pt", "vocab.txt", "model.safetensors"])
def test_a_flipped_bit_is_refused(vecdb, copy, file):
    content = bytearray((copy / file).read_bytes())
    content[len(content) // 2] ^= 1
    replace(copy / file, content)
    refused(vecdb, file, "sha256")


@pytest.mark.parametrize("file", ["encoder.pt", "vocab.txt", "model.safetensors", "model.json"])
def test_a_cut_file_is_refused(vecdb, copy, file):
    content = (copy / file).read_bytes()
    replace(copy / file, content[:len(content) // 2])
    refused(vecdb, file)


TENSOR = "encoder.layer.3.attention.self.query.weight"


def change_tensors(copy, change):
    header, body = read_tensors(copy / "model.safetensors")
    replace(copy / "model.safetensors", b"")
    write_tensors(copy / "model.safetensors", *change(header, body))


def test_a_missing_tensor_is_named(vecdb, copy):
    def change(header, body):
        begin, end = header.pop(TENSOR)["data_offsets"]
        for name, tensor in header.items():
            if name != "__metadata__" and tensor["data_offsets"][0] >= end:
                tensor["data_offsets"] = [at - (end - begin) for at in tensor["data_offsets"]]
        return header, body[:begin] + body[end:]
    change_tensors(copy, change)
    refused(vecdb, "model.safetensors", "1 tensor", TENSOR, "missing")


def test_an_extra_tensor_is_named(vecdb, copy):
    def change(header, body):
        header["encoder.layer.6.output.dense.bias"] = {
            "dtype": "F32", "shape": [384], "data_offsets": [len(body), len(body) + 1536]}
        return header, body + bytes(1536)
    change_tensors(copy, change)
    refused(vecdb, "encoder.layer.6.output.dense.bias", "not part")


def test_a_transposed_tensor_is_named(vecdb, copy):
    name = "encoder.layer.0.intermediate.dense.weight"
    def change(header, body):
        header[name]["shape"].reverse()
        return header, body
    change_tensors(copy, change)
    refused(vecdb, name, "[384, 1536]", "[1536, 384]")


def test_another_dtype_is_named(vecdb, copy):
    def change(header, body):
        header[TENSOR]["dtype"] = "I32"
        return header, body
    change_tensors(copy, change)
    refused(vecdb, TENSOR, "I32", "F32")


def test_a_nan_is_named(vecdb, copy):
    def change(header, body):
        at = header[TENSOR]["data_offsets"][0] + 400
        body[at:at + 4] = struct.pack("<f", float("nan"))
        return header, body
    change_tensors(copy, change)
    refused(vecdb, TENSOR, "not finite", "100")


@pytest.mark.parametrize("change, words", [
    (lambda m: m.pop("pooling"), ["pooling", "missing"]),
    (lambda m: m.update(pooling="max"), ["max", "not known"]),
    (lambda m: m["encoder"].update(architecture="gpt-2"), ["gpt-2", "not known"]),
    (lambda m: m["encoder"].update(architecture="jina-bert"), ["jina-bert", "tensors"]),
    (lambda m: m["encoder"].update(num_hidden_layers=5), ["tensors", "more"]),
    (lambda m: m["encoder"].update(hidden_size="384"), ["hidden_size"]),
    (lambda m: m["encoder"].update(num_attention_heads=5), ["num_attention_heads"]),
    (lambda m: m["encoder"].update(layer_norm_eps=0), ["layer_norm_eps"]),
    (lambda m: m.update(window=-1), ["window"]),
    (lambda m: m.update(surprise=1), ["surprise"]),
    (lambda m: m.update(format=3), ["format"]),
    (lambda m: m["files"].update({"../x": "0" * 64}), ["../x"]),
])
def test_a_manifest_that_is_not_understood_is_refused(vecdb, copy, change, words):
    manifest = json.loads((copy / "model.json").read_text())
    change(manifest)
    replace(copy / "model.json", json.dumps(manifest).encode())
    refused(vecdb, "model.json", *words)


def test_a_store_refuses_another_model_with_both_names(vecdb, copy):
    vecdb.write("a", "Text.")
    assert vecdb("ingest", "a").code == 0
    manifest = json.loads((copy / "model.json").read_text())
    manifest["window"], manifest["name"] = 128, "other"
    other = copy.with_name("other")
    shutil.copytree(copy, other, symlinks=True)
    replace(other / "model.json", json.dumps(manifest).encode())
    vecdb.write("b", "Text.")
    for command in (("query", "x"), ("ingest", "b")):
        assert_error(vecdb("--model", "other", *command), 6, "all-MiniLM-L6-v2", "other")
    assert len(vecdb("list").out.splitlines()) == 1


def test_a_model_is_a_name_and_not_a_path(vecdb):
    for name in ("../x", "/tmp/x", ".hidden", ""):
        assert vecdb("--model", name, "encode", stdin="x\n").code == 6
