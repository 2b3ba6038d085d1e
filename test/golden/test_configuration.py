"""The configuration file: flag, then environment, then file, then default."""

import os

import pytest
from conftest import PROGRAM, QUESTION, assert_error

MODEL = PROGRAM.parent / "models" / "all-MiniLM-L6-v2"


def configure(vecdb, text, name="home/.config/vecdb/config.toml"):
    return vecdb.write(name, text)


def link_model(vecdb, name):
    folder = vecdb.folder / "home/.local/share/vecdb/models" / name
    folder.mkdir(parents=True)
    for file in MODEL.iterdir():
        os.symlink(file, folder / file.name)


def default_model(vecdb, *flags, **env):
    return [r["name"] for r in vecdb("model", "list", "--json", *flags, **env).records if r["default"]]


def test_flag_goes_before_environment_before_file_before_default(vecdb):
    for name in ("of-flag", "of-variable", "of-file"):
        link_model(vecdb, name)
    assert default_model(vecdb) == [MODEL.name]
    configure(vecdb, "model = of-file\n")
    assert default_model(vecdb) == ["of-file"]
    assert default_model(vecdb, VECDB_MODEL="") == ["of-file"]
    assert default_model(vecdb, VECDB_MODEL="of-variable") == ["of-variable"]
    assert default_model(vecdb, "--model", "of-flag", VECDB_MODEL="of-variable") == ["of-flag"]
    assert vecdb("model", "list").out.count("\tdefault") == 1


def test_the_file_is_looked_for_where_models_are(vecdb):
    for name in ("a", "b", "c", "d"):
        link_model(vecdb, name)
    configure(vecdb, "model = a")
    assert default_model(vecdb) == ["a"]
    configure(vecdb, "model = b", "xdg/vecdb/config.toml")
    xdg = str(vecdb.folder / "xdg")
    assert default_model(vecdb, XDG_CONFIG_HOME=xdg) == ["b"]
    file = configure(vecdb, "model = c", "own.toml")
    assert default_model(vecdb, XDG_CONFIG_HOME=xdg, VECDB_CONFIG=str(file)) == ["c"]
    assert default_model(vecdb, "--config", file, VECDB_CONFIG="absent") == ["c"]
    assert default_model(vecdb, VECDB_CONFIG="/dev/null") == [MODEL.name]
    (vecdb.folder / "own-home").mkdir()
    os.symlink(vecdb.folder / "home/.local/share/vecdb/models", vecdb.folder / "own-home/models")
    configure(vecdb, "model = d", "own-home/config.toml")
    assert default_model(vecdb, VECDB_HOME=str(vecdb.folder / "own-home")) == ["d"]


def test_a_named_file_must_exist(vecdb):
    assert_error(vecdb("--config", "absent", "model", "list"), 5, "absent")
    assert_error(vecdb("model", "list", VECDB_CONFIG="absent"), 5, "absent")
    assert_error(vecdb("--config", ".", "model", "list"), 5)


def test_every_key_does_something(vecdb):
    vecdb.write("long", "word " * 600)
    file = configure(vecdb, """# what I like
store = 'my store'   # beside this file
threads = 1
precision = "f32"
progress = plain
max-memory = 256M
on-overflow = split

color = always
""", "d/config.toml")
    vecdb.env["VECDB_CONFIG"] = str(file)
    assert vecdb("ingest", "long").code == 0
    assert (vecdb.folder / "d" / "my store" / "catalog.db").exists()
    stats = vecdb("stats", "--json").records[0]
    assert stats["precision"] == "f32" and stats["split"] == stats["chunks"] > 1
    assert "\x1b" in vecdb("query", "-k", "1", "word").out
    assert "\x1b" not in vecdb("query", "-k", "1", "--color", "never", "word").out
    assert "\x1b" not in vecdb("query", "-k", "1", "word", NO_COLOR="1").out
    assert "cut" not in vecdb("query", "word").err  # split has no meaning for a question
    assert vecdb("ingest", "--json", "--on-overflow", "warn", "long").records[0]["chunks"] == 1
    assert_error(vecdb("list", "--store", "nowhere"), 5, "nowhere")


@pytest.mark.parametrize("text, words", [
    ("thread = 1", ["thread", "did you mean threads"]),
    ("quiet = true", ["quiet", "not a known key"]),
    ("\n# c\nthreads = many", [":3:", "threads many"]),
    ("threads = 0", [":1:", "threads 0"]),
    ("color = purple", ["color purple", "always"]),
    ("on-overflow = maybe", ["on-overflow maybe", "mean"]),
    ("max-memory = 1X", ["max-memory 1X", "512M"]),
    ("precision = f16", ["precision f16", "bf16"]),
    ("threads", [":1:", "KEY = VALUE"]),
    ("[section]", [":1:", "KEY = VALUE"]),
    ("= 1", [":1:"]),
    ("store = a b", [":1:", "store", "quotes"]),
    ("store = 'a' b", [":1:", "quotes"]),
    ("store = \"a", [":1:", "quotes"]),
    ("store = \"a\\n\"", [":1:", "quotes"]),
    ("model =", [":1:", "model"]),
    ("threads = 1\nthreads = 2", [":2:", "twice"]),
    (b"model = \xff", ["UTF-8"]),
])
def test_what_is_not_understood_is_refused_with_file_and_line(vecdb, text, words):
    file = configure(vecdb, text)
    for command in (("list",), ("query", "x"), ("model", "list")):
        assert_error(vecdb(*command), 2, str(file), *words)
    assert vecdb("--help").code == 0 and vecdb("--version").code == 0


def test_a_file_executes_nothing(vecdb):
    configure(vecdb, "store = '$(touch made)`touch made`$HOME'\n")
    assert_error(vecdb("list"), 5, "$(touch made)`touch made`$HOME")
    assert not list(vecdb.folder.rglob("made"))


def test_a_stores_own_model_and_precision_go_before_the_file(vecdb, speech_store):
    link_model(vecdb, "other")
    configure(vecdb, "model = no-such\nprecision = bf16\n")
    result = vecdb("--store", speech_store, "query", "-k", "1", "--json", QUESTION)
    assert result.code == 0 and result.records[0]["chunk"] == 31
    assert_error(vecdb("encode", stdin="x"), 6, "no-such")
    vecdb.write("a", "Text.")
    assert_error(vecdb("ingest", "a"), 6, "no-such")
