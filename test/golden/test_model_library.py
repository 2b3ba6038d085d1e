"""`vecdb model`: models by name, installed only after every check."""

import json

import pytest
from conftest import PROGRAM, assert_error

MODEL = PROGRAM.parent / "models" / "all-MiniLM-L6-v2"


def names(vecdb):
    return [record["name"] for record in vecdb("model", "list", "--json").records]


@pytest.fixture
def source(vecdb):
    """A model folder of its own, as somebody may have traced it."""
    folder = vecdb.folder / "traced"
    folder.mkdir()
    for file in MODEL.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def change_manifest(folder, **changes):
    manifest = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(manifest | changes))


def test_the_default_model_is_listed_and_shown(vecdb):
    (record,) = vecdb("model", "list", "--json").records
    assert record == {"name": MODEL.name, "folder": str(MODEL), "default": True}
    assert f"{MODEL.name}\t{MODEL}\tdefault\n" == vecdb("model", "list").out
    shown = vecdb("model", "show", "--json").records[0]
    assert (shown["dimension"], shown["window"], shown["self-test"]) == (384, 256, "3 texts")


def test_the_default_model_passes_its_own_test(vecdb):
    result = vecdb("model", "verify", "--json")
    assert result.code == 0
    assert result.records[0]["worst_cosine_f32"] >= 0.99999
    assert result.records[0]["worst_cosine_bf16"] >= 0.999
    assert result.records[0]["worst_cosine_int8"] >= 0.999
    assert "101 tensors" in result.err


def test_a_model_is_added_used_and_removed_by_name(vecdb, source):
    assert vecdb("model", "add", source).code == 0
    assert names(vecdb) == [MODEL.name, "traced"]
    one = vecdb("--model", "traced", "encode", stdin="text\n").out
    assert one == vecdb("encode", stdin="text\n").out
    assert vecdb("model", "list", "--json", VECDB_MODEL="traced").records[1]["default"] is True
    assert_error(vecdb("model", "add", source), 6, "traced", "installed already")
    assert vecdb("model", "add", f"{source}/", "--name", "twin").code == 0
    assert vecdb("model", "remove", "traced").code == 0
    assert names(vecdb) == [MODEL.name, "twin"]


def test_models_that_came_with_the_program_stay(vecdb):
    assert_error(vecdb("model", "remove", MODEL.name), 6, MODEL.name, "your own")
    assert names(vecdb) == [MODEL.name]


def test_a_vector_that_differs_from_the_self_test_is_refused(vecdb, source):
    """The same tensors in another role: shapes and names fit, the arithmetic does not."""
    header_and_body = bytearray((source / "model.safetensors").read_bytes())
    length = int.from_bytes(header_and_body[:8], "little")
    header = json.loads(header_and_body[8:8 + length])
    first, second = (f"encoder.layer.{i}.attention.self.query.weight" for i in (0, 1))
    header[first]["data_offsets"], header[second]["data_offsets"] = (
        header[second]["data_offsets"], header[first]["data_offsets"])
    text = json.dumps(header).encode()
    weights = len(text).to_bytes(8, "little") + text + header_and_body[8 + length:]
    (source / "model.safetensors").write_bytes(weights)
    import hashlib
    manifest = json.loads((source / "model.json").read_text())
    change_manifest(source, files=manifest["files"]
                    | {"model.safetensors": hashlib.sha256(weights).hexdigest()})
    assert_error(vecdb("model", "add", source), 6, "self-test text 0", "cosine")
    assert names(vecdb) == [MODEL.name]


def test_a_model_with_another_window_or_pooling_than_its_vectors_is_refused(vecdb, source):
    change_manifest(source, window=16)
    assert_error(vecdb("model", "add", source), 6, "self-test")


def test_a_model_without_a_self_test_says_so(vecdb, source):
    change_manifest(source, self_test=[])
    assert vecdb("model", "add", source).code == 0
    assert "self-test: none" in vecdb("model", "verify", "traced").err
    assert vecdb("model", "show", "--json", "traced").records[0]["self-test"] == "none"


def test_damage_after_the_adding_is_found(vecdb, source):
    vecdb("model", "add", source)
    weights = vecdb.folder / "home/.local/share/vecdb/models/traced/model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert_error(vecdb("model", "verify", "traced"), 6, "model.safetensors")
    assert_error(vecdb("--model", "traced", "encode", stdin="text\n"), 6, "model.safetensors")


def test_what_is_no_model_folder_is_refused(vecdb):
    (vecdb.folder / "empty").mkdir()
    assert_error(vecdb("model", "add", "empty"), 6, "model.json")
    assert_error(vecdb("model", "add", "missing"), 6, "missing")
    for name in ("..", "a/b", ""):
        assert vecdb("model", "add", MODEL, "--name", name).code == 6
    assert names(vecdb) == [MODEL.name]


def test_an_unknown_action_or_name_is_refused(vecdb):
    assert_error(vecdb("model"), 2, "list")
    assert_error(vecdb("model", "lst"), 2, "lst", "list")
    assert_error(vecdb("model", "show", "nothing"), 6, "nothing", MODEL.name)
