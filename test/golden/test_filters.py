"""Filters: every filtered answer is what a plain evaluation leaves of the unfiltered one."""

import json
import os
import random
import re
from datetime import datetime, timezone

import pytest

from conftest import Program, assert_error

# Facts that a random filter can hit: each file's time of modification.
TIMES = {"docs/a.md": "2024-05-01", "docs/b.md": "2026-02-01", "docs/deep/c.md": "2026-03-01",
         "page.html": "2025-01-01", "rows.csv": "2026-01-01", "items.jsonl": "2026-01-15", "plain.txt": "2023-01-01"}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def nanoseconds(date: str) -> int:
    return int((datetime.fromisoformat(date).replace(tzinfo=timezone.utc) - EPOCH).total_seconds()) * 10**9


def fill(vecdb: Program) -> None:
    """Documents of all kinds, with metadata of their own and of their chunks."""
    vecdb.write("docs/a.md", "---\nlang: en\ntags: [tea, hot]\ndraft: true\nauthor:\n  name: Ann\n---\n"
                "Tea wants water just off the boil.\n\nCoffee wants it a little cooler.\n")
    vecdb.write("docs/b.md", "---\nlang: de\nyear: 2024\ndate: 2026-01-31\n---\nDie Brücke öffnet um zwölf.\n")
    vecdb.write("docs/deep/c.md", "---\nlang: en\nyear: 1999.5\ntags: []\nnote: null\n---\nThe bridge opens at noon.\n")
    vecdb.write("page.html", "<!DOCTYPE html><html lang=fr><title>Le thé</title><p>Le thé est chaud.</html>")
    vecdb.write("rows.csv", "text,lang,year,n\n" + "".join(
        f"row {i} about {['tea', 'bridges', 'rain'][i % 3]},{['en', 'de', ''][i % 3]},{2020 + i % 7},{i}\n"
        for i in range(30)))
    vecdb.write("items.jsonl", "".join(
        json.dumps({"text": f"item {i} of the list", "n": i if i % 2 else str(i), "tags": ["tea"] * (i % 3),
                    "draft": i % 4 == 0, "author": {"name": ["Ann", "Bob"][i % 2]}}) + "\n" for i in range(12)))
    vecdb.write("plain.txt", "Rain falls on the bridge.\n")
    for name, date in TIMES.items():
        os.utime(vecdb.folder / name, ns=(nanoseconds(date), nanoseconds(date)))
    run = vecdb("ingest", "--precision", "f32", "--chunk-size", "40", "--text-field", "text", "docs", "page.html",
                "rows.csv", "items.jsonl", "plain.txt")
    assert run.code == 0, run.err
    run = vecdb("ingest", "--meta", "lang=en", "--meta", "year=2025", "--name", "note", "-", stdin="A note on tea.\n")
    assert run.code == 0, run.err


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Program:
    """A program whose folder holds the store; for tests that only read."""
    vecdb = Program(tmp_path_factory.mktemp("filters"))
    fill(vecdb)
    return vecdb


def everything(vecdb: Program) -> list[dict]:
    return vecdb("query", "--json", "-k", "1000", "tea").records


def query(vecdb: Program, text: str, *flags: str, k: int = 1000) -> list[dict]:
    result = vecdb("query", "--json", "-k", str(k), "--filter", text, *flags, "tea")
    assert result.code == (0 if result.out else 1), result
    return result.records


def places(hits: list[dict]) -> list[str]:
    return [f"{os.path.basename(hit['uri'])}#{hit['chunk']}" for hit in hits]


def without_rank(hits: list[dict]) -> list[dict]:
    return [{key: value for key, value in hit.items() if key != "rank"} for hit in hits]


# --- a plain evaluation ---

def values_of(hit: dict, *path: str) -> list:
    """All values that keys of metadata lead to, those of arrays one by one."""
    found = [hit["meta"]]
    for key in path:
        found = [each[key] for each in found if isinstance(each, dict) and key in each]
        found = [each for value in found for each in (value if isinstance(value, list) else [value])]
    return found


COMPARE = {"=": lambda a, b: a == b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
           ">=": lambda a, b: a >= b}


def number_in(value):
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return float(value) if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", value) else None
    return value if isinstance(value, (int, float)) else None


def random_term(random: random.Random):
    op = random.choice(list(COMPARE))
    holds = COMPARE[op]
    kind = random.randrange(9)
    if kind == 0:
        bound = random.choice([20, 60, 100, 500])
        return f"size {op} {bound}", lambda hit: holds(hit["size"], bound)
    if kind == 1:
        date = random.choice(["2024-05-01", "2026-01-01", "2026-02-15"])
        return f"mtime {op} {date}", lambda hit: hit["mtime_ns"] != 0 and holds(hit["mtime_ns"], nanoseconds(date))
    if kind == 2:
        glob, pattern = random.choice([
            ("docs/**", r".*/docs/.+"), ("*.md", r".*/[^/]*\.md"), ("docs/*.md", r".*/docs/[^/]*\.md"),
            ("note", r"(.*/)?note"), ("[p-r]*", r"(.*/)?[p-r][^/]*")])
        return f"path ~ '{glob}'", lambda hit: re.fullmatch(pattern, hit["uri"]) is not None
    if kind == 3:
        types = random.sample(["markdown", "html", "csv", "jsonl", "text"], 2)
        return f"type in ({', '.join(types)})", lambda hit: hit["type"] in types
    if kind == 4:
        text = random.choice(["en", "de", "fr", ""])
        return f'lang {op} "{text}"', lambda hit: any(
            isinstance(each, str) and holds(each, text) for each in values_of(hit, "lang"))
    if kind == 5:
        key, bound = random.choice([("year", 2022), ("year", 2024), ("n", 5), ("n", 11.5), ("row", 7)])
        return f"{key} {op} {bound}", lambda hit: any(
            number_in(each) is not None and holds(number_in(each), bound) for each in values_of(hit, key))
    if kind == 6:
        key = random.choice(["tags", "draft", "note", "title", "n", "author"])
        return f"{key} exists", lambda hit: key in hit["meta"]
    if kind == 7:
        return "author.name = Ann", lambda hit: "Ann" in values_of(hit, "author", "name")
    return "draft = true or tags ~ 't*'", lambda hit: any(each is True for each in values_of(hit, "draft")) or any(
        isinstance(each, str) and each.startswith("t") for each in values_of(hit, "tags"))


def random_filter(random: random.Random, depth: int = 3):
    kind = random.randrange(4) if depth else 0
    if kind == 0:
        text, holds = random_term(random)
        return f"({text})", holds
    first, holds_first = random_filter(random, depth - 1)
    if kind == 1:
        return f"not {first}", lambda hit: not holds_first(hit)
    second, holds_second = random_filter(random, depth - 1)
    if kind == 2:
        return f"({first} and {second})", lambda hit: holds_first(hit) and holds_second(hit)
    return f"({first} or {second})", lambda hit: holds_first(hit) or holds_second(hit)


def test_random_filters_leave_of_an_answer_what_a_plain_evaluation_leaves(library):
    hits = everything(library)
    assert len(hits) == 49
    numbers = random.Random(3)
    some = 0
    for number in range(45):
        text, holds = random_filter(numbers)
        expected = [hit for hit in hits if holds(hit)]
        found = query(library, text)
        assert without_rank(found) == without_rank(expected), text
        assert [hit["rank"] for hit in found] == list(range(1, len(found) + 1))
        if number % 4 == 0:
            assert query(library, text, k=3) == found[:3]
        some += 0 < len(found) < len(hits)
    assert some > 25


def test_random_filters_list_the_documents_of_which_something_passes(library):
    hits = everything(library)
    documents = [document["uri"] for document in library("list", "--json").records]
    numbers = random.Random(4)
    some = 0
    for _ in range(300):
        text, holds = random_filter(numbers)
        passing = {hit["uri"] for hit in hits if holds(hit)}
        listed = library("list", "--json", "--filter", text)
        assert listed.code == 0
        assert [document["uri"] for document in listed.records] == [uri for uri in documents if uri in passing], text
        some += 0 < len(passing) < len(documents)
    assert some > 150


# --- single promises ---

def test_the_best_that_passes_is_found_behind_any_number_that_do_not(library):
    assert places(query(library, "name = plain.txt", k=1)) == ["plain.txt#0"]
    worst = everything(library)[-1]
    only = f"name = '{os.path.basename(worst['uri'])}'"
    assert worst in [hit | {"rank": worst["rank"]} for hit in query(library, only)]


def test_one_row_in_ten_thousand_is_found(vecdb):
    vecdb.write("rows.csv", "text,key\n" + "".join(f"text number {i % 10},{i}\n" for i in range(10_000)))
    assert vecdb("ingest", "--text-field", "text", "rows.csv").code == 0
    found = query(vecdb, "key = 7777")
    assert [(hit["chunk"], hit["text"], hit["meta"]) for hit in found] == \
        [(7777, "text number 7", {"row": 7778, "key": "7777"})]
    assert query(vecdb, "key = 10000") == []


def test_every_question_of_many_gets_the_filter(library):
    result = library("query", "--json", "-k", "2", "--filter", "type = markdown", "-", stdin="tea\nbridge\n")
    assert result.code == 0
    assert {hit["type"] for hit in result.records} == {"markdown"}
    assert [hit["rank"] for hit in result.records] == [1, 2, 1, 2]
    assert places(result.records)[0] == "a.md#0" and places(result.records)[2] == "c.md#0"


def test_a_least_score_counts_among_what_passes(library):
    hits = query(library, "lang = en")
    border = (hits[3]["score"] + hits[4]["score"]) / 2
    assert query(library, "lang = en", "--min-score", f"{border:.7f}") == hits[:4]


def test_other_formats_obey_the_filter(library):
    result = library("query", "--format", "paths", "-k", "100", "--filter", "type = html", "tea")
    assert result.out == f"{library.folder / 'page.html'}\n"


def test_nothing_that_passes_is_exit_code_1_with_a_word(library):
    result = library("query", "--filter", "year > 3000", "tea")
    assert (result.code, result.out) == (1, "")
    assert result.err == "vecdb: nothing found: no passage passes the filter\n"
    assert library("query", "--quiet", "--filter", "year > 3000", "tea").err == ""
    assert library("list", "--filter", "year > 3000").code == 0


def test_a_key_that_nothing_has_is_named(library):
    result = library("query", "--filter", "lnag = en", "tea")
    assert result.code == 1
    assert result.err.startswith('vecdb: --filter: "lnag": no document has this key; did you mean lang?\n')
    result = library("list", "--filter", "not xyzzy = 1 and type = html")
    assert result.out.startswith(str(library.folder / "page.html"))
    assert result.err == \
        'vecdb: --filter: "xyzzy": no document has this key; `vecdb list --json` prints what is known of each\n'
    long = library("list", "--filter", " or ".join(f"{'k' * 3000}{i} = 1" for i in range(9)))
    assert long.err.count("\n") == 4 and long.err.endswith("6 more keys that no document has\n")
    assert "kkk" not in long.err


def test_list_names_the_keys_of_chunks(library):
    keys = {os.path.basename(each["uri"]): each["chunk_keys"] for each in library("list", "--json").records}
    assert keys["rows.csv"] == ["lang", "n", "row", "year"]
    assert keys["a.md"] == []


def test_a_malformed_filter_is_refused_before_anything_is_opened(vecdb):
    for command in (("query", "tea"), ("list",), ("delete",)):
        assert_error(vecdb(*command, "--filter", "lang ="), 2, "--filter: column 7", "value")
    assert_error(vecdb("query", "--filter", "", "tea"), 2, "--filter", "empty")
    assert_error(vecdb("query", "--filter=-", "tea"), 2, "--filter: column 2", "operator")
    assert_error(vecdb("query", "--filter", "a = 1", "--filter", "b = 1", "tea"), 2, "--filter")


def test_hostile_filters_are_refused_or_answered_at_once(library):
    for text, word in (("(" * 100_000, "64 KiB"), ("(" * 60_000, "64 levels"), ("not " * 15_000 + "a = 1", "64 levels"),
                       ("a in (" + "1," * 20_000 + "1)", "10000 values"), ('"' * 50_001, "column"),
                       ("a = 'b\\", "escape"), ("a = 1\x01", "control"), (b"a = \xff", "UTF-8"),
                       ("[" * 60_000, "name of a field"), ("~" * 60_000, "field")):
        assert_error(library("list", "--filter", text), 2, "--filter", word)
    for text in ("a = 1 or " * 7000 + "lang = en", "a in (" + "1," * 9_999 + "en)",
                 "path ~ '" + "*a" * 30_000 + "'", "'" + "\\u00e9" * 10_000 + "' = 1", "x" * 60_000 + " = 1"):
        assert library("list", "--filter", text).code == 0


def test_a_filter_sees_what_is_stored_at_the_time(vecdb):
    vecdb.write("a.md", "---\nlang: en\n---\nTea is hot.\n")
    vecdb.write("b.md", "---\nlang: de\n---\nTee ist warm.\n")
    vecdb.write("c.csv", "text,lang\nTea leaves,en\nTeeblätter,de\n")
    ingest = ("ingest", "--text-field", "text", "--prune", ".")
    assert vecdb(*ingest).code == 0
    assert sorted(places(query(vecdb, "lang = en"))) == ["a.md#0", "c.csv#0"]
    vecdb.write("b.md", "---\nlang: en\n---\nTee ist warm.\n")
    assert vecdb(*ingest).code == 0
    assert sorted(places(query(vecdb, "lang = en"))) == ["a.md#0", "b.md#0", "c.csv#0"]
    vecdb.write("c.csv", "text,lang\nTea leaves,fr\nTeeblätter,de\nTea pots,en\n")
    (vecdb.folder / "a.md").unlink()
    assert vecdb(*ingest).code == 0
    assert sorted(places(query(vecdb, "lang = en"))) == ["b.md#0", "c.csv#2"]
    assert vecdb("compact").code == 0
    assert sorted(places(query(vecdb, "lang = en"))) == ["b.md#0", "c.csv#2"]
    assert sorted(places(query(vecdb, "not lang = en"))) == ["c.csv#0", "c.csv#1"]


def test_delete_removes_what_passes_as_a_whole(vecdb):
    fill(vecdb)
    before = [each["uri"] for each in vecdb("list", "--json").records]
    assert_error(vecdb("delete", "--filter", "n = 3"), 2, "only 1 of its ", "nothing was deleted")
    assert [each["uri"] for each in vecdb("list", "--json").records] == before
    listed = vecdb("list", "--json", "--filter", "type = markdown or mtime < 2024-01-01").records
    removed = vecdb("delete", "--json", "--filter", "type = markdown or mtime < 2024-01-01")
    assert removed.code == 0 and removed.err == "vecdb: 4 documents removed\n"
    assert [(each["uri"], each["status"]) for each in removed.records] == [(each["uri"], "removed") for each in listed]
    left = [each["uri"] for each in vecdb("list", "--json").records]
    assert left == [uri for uri in before if uri not in {each["uri"] for each in listed}]
    again = vecdb("delete", "--filter", "type = markdown")
    assert (again.code, again.err) == (0, "vecdb: 0 documents removed\n")
    assert vecdb("verify").code == 0


def test_delete_takes_uris_or_a_filter(vecdb):
    fill(vecdb)
    assert_error(vecdb("delete"), 2, "--filter")
    assert_error(vecdb("delete", "--filter", "type = csv", "rows.csv"), 2, "--filter")
