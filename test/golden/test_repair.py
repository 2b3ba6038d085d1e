"""verify --repair and --sources: what is right is kept, to the bit; what is lost is named; nothing is touched
before all of it is made."""

import gzip
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest
from conftest import QUESTION, SPEECH, assert_error, many_chunks

DOCUMENTS = 4


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A store of several documents in two segments, two of whose chunks do not fit the window."""
    from conftest import Program
    program = Program(tmp_path_factory.mktemp("sound"))
    for number in range(DOCUMENTS):
        (program.folder / f"{number}.txt").write_text(many_chunks(f"text {number}", 20))
    store = program.folder / "store"
    flags = ("--store", store, "--precision", "f32", "ingest", "--meta", "kind=note")
    assert program(*flags, "--chunk-size", "20", *sorted(program.folder.glob("*.txt"))).code == 0
    long_text = program.write("long.txt", "word " * 600)
    assert program(*flags, "--chunk-size", "5000", "--on-overflow", "mean", long_text, SPEECH).code == 0
    return program, store


@pytest.fixture
def store(vecdb, sound):
    return shutil.copytree(sound[1], vecdb.folder / "store")


def snapshot(store):
    """What is the store's; -shm is memory that SQLite's readers share."""
    return {path: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(store.rglob("*")) if path.is_file() and not path.name.endswith("-shm")}


def answers(vecdb, store, uris=None):
    """Answers of both documents' sorts, without what chunk ids decide."""
    found = []
    for question in (QUESTION, "text 2 line 7", "word"):
        records = vecdb("--store", store, "query", "-k", "200", "--json", question).records
        found.append([record for record in records if uris is None or record["uri"] in uris])
    for answer in found:
        for record in answer:
            del record["rank"]
    return found


def listed(vecdb, store):
    return vecdb("--store", store, "list").out.splitlines()


def flip(path, offset, bit=0):
    content = bytearray(path.read_bytes())
    content[offset] ^= 1 << bit
    path.write_bytes(content)


def repair(vecdb, store, *flags):
    return vecdb("--store", store, "verify", "--repair", *flags)


def assert_whole(vecdb, sound, store):
    program, original = sound
    verified = vecdb("--store", store, "verify")
    assert verified.code == 0, verified.err
    assert listed(vecdb, store) == listed(program, original)
    assert answers(vecdb, store) == answers(program, original)


def test_a_sound_store_is_left_alone(vecdb, store):
    before = snapshot(store)
    result = repair(vecdb, store)
    assert result.code == 0 and "nothing to repair" in result.err
    assert snapshot(store) == before
    assert os.listdir(store.parent).count("store") == 1 and not list(store.parent.glob("store.*"))


@pytest.mark.parametrize("damage", ["flipped", "gone", "cut", "longer", "zeroed", "swapped"])
def test_lost_vectors_are_made_again_to_the_bit(vecdb, sound, store, damage):
    first, second = sorted((store / "segments").iterdir())
    match damage:
        case "flipped":
            flip(first, 1000)
        case "gone":
            first.unlink()
        case "cut":
            first.write_bytes(first.read_bytes()[:-1])
        case "longer":
            first.write_bytes(first.read_bytes() + b"x")
        case "zeroed":
            first.write_bytes(bytes(first.stat().st_size))
        case "swapped":
            content = first.read_bytes()
            first.write_bytes(second.read_bytes())
            second.write_bytes(content)
    assert vecdb("--store", store, "verify").code == 3
    before = snapshot(store)
    result = repair(vecdb, store)
    assert result.code == 0, result.err
    assert "encoded again" in result.err
    assert_whole(vecdb, sound, store)
    kept = store.parent / "store.damaged-1"
    assert {path.relative_to(kept): each[0] for path, each in snapshot(kept).items() if path.suffix == ".faiss"} == \
        {path.relative_to(store): each[0] for path, each in before.items() if path.suffix == ".faiss"}


@pytest.mark.parametrize("damage", ["gone", "flipped", "empty", "a folder", "of another store"])
def test_a_damaged_head_is_made_again(vecdb, sound, store, damage):
    head = store / "HEAD"
    match damage:
        case "gone":
            head.unlink()
        case "flipped":
            flip(head, 30)
        case "empty":
            head.write_bytes(b"")
        case "a folder":
            head.unlink()
            head.mkdir()
        case _:
            assert vecdb("--store", "other", "ingest", SPEECH).code == 0
            shutil.copy(vecdb.folder / "other" / "HEAD", head)
    assert vecdb("--store", store, "query", QUESTION).code == 3
    assert repair(vecdb, store).code == 0
    assert_whole(vecdb, sound, store)


def change_rows(store, sql):
    connection = sqlite3.connect(store / "catalog.db")
    with connection:
        connection.execute(sql)
    connection.close()


def test_a_document_with_a_damaged_row_is_left_out_and_named(vecdb, sound, store):
    program, original = sound
    change_rows(store, "UPDATE chunks SET text = 'forged' WHERE id = 3")
    result = repair(vecdb, store, "--json")
    assert result.code == 1
    lost, = (record["lost"] for record in result.records if "lost" in record)
    assert lost.endswith("/0.txt")
    assert vecdb("--store", store, "verify").code == 0
    rest = [line.split("\t")[0] for line in listed(program, original) if "/0.txt" not in line]
    assert [line.split("\t")[0] for line in listed(vecdb, store)] == rest
    assert answers(vecdb, store, rest) == answers(program, original, rest)
    # What was lost comes back with the file.
    again = vecdb("--store", store, "ingest", "--chunk-size", "20", "--meta", "kind=note", lost)
    assert again.code == 0
    assert_whole(vecdb, sound, store)


@pytest.mark.parametrize("sql", [
    "UPDATE state SET generation = generation + 1",
    "DELETE FROM state",
    "DELETE FROM segments",
    "UPDATE segments SET sha256 = 'x'",
    "INSERT INTO tombstones SELECT id, first FROM segments",
])
def test_rows_that_are_no_documents_lose_nothing(vecdb, sound, store, sql):
    change_rows(store, sql)
    assert vecdb("--store", store, "verify").code == 3
    result = repair(vecdb, store)
    assert result.code == 0, result.err
    assert_whole(vecdb, sound, store)


@pytest.mark.parametrize("seed", range(20))
def test_any_flipped_bit_of_the_catalogue_leaves_a_sound_store_or_says_that_it_cannot(vecdb, sound, store, seed):
    program, original = sound
    catalogue = store / "catalog.db"
    luck = random.Random(seed)
    flip(catalogue, luck.randrange(4096, catalogue.stat().st_size), luck.randrange(8))
    before = snapshot(store)
    if vecdb("--store", store, "verify").code == 0:
        return  # where no row is
    result = repair(vecdb, store, "--json")
    if result.code == 3:
        assert {p: c for p, (c, _) in snapshot(store).items()} == {p: c for p, (c, _) in before.items()}
        return
    assert result.code in (0, 1), result.err
    assert vecdb("--store", store, "verify").code == 0
    names = {line.split("\t")[0] for line in listed(vecdb, store)}
    all_names = {line.split("\t")[0] for line in listed(program, original)}
    assert names <= all_names
    lost = [record for record in result.records if "lost" in record]
    assert len(names) + len(lost) >= len(all_names) or any("documents" in r["lost"] for r in lost)
    assert answers(vecdb, store, names) == answers(program, original, names)


def content(folder):
    """All files' bytes, but those that SQLite keeps for readers, and the name in LOCK."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.endswith(("-shm", "-wal")) and path.name != "LOCK"}


def beside(store):
    return sorted(path.name for path in store.parent.glob(store.name + "*"))


@pytest.mark.parametrize("damage", ["other bytes", "empty", "cut", "gone", "zeroed"])
def test_without_settings_nothing_is_touched(vecdb, store, damage):
    catalogue = store / "catalog.db"
    match damage:
        case "other bytes":
            catalogue.write_bytes(b"no database")
        case "empty":
            catalogue.write_bytes(b"")
        case "cut":
            catalogue.write_bytes(catalogue.read_bytes()[:PAGE])
        case "gone":
            catalogue.unlink()
        case "zeroed":
            catalogue.write_bytes(bytes(catalogue.stat().st_size))
    before = content(store)
    result = repair(vecdb, store)
    assert result.code == 3 and "restore the store from a backup" in result.err
    assert content(store) == before and beside(store) == ["store"]


# Whatever leads to the rows: the rows themselves prove right.

PAGE = 4096


def zero_page(store, number, page_bytes=PAGE):
    with open(store / "catalog.db", "r+b") as file:
        file.seek((number - 1) * PAGE)
        file.write(bytes(page_bytes))


def root_pages(store):
    connection = sqlite3.connect(store / "catalog.db")
    roots = dict(connection.execute("SELECT name, rootpage FROM sqlite_schema"))
    connection.close()
    return roots


@pytest.mark.parametrize("offset", [0, 17, 18, 20, 24, 28, 32, 44, 56, 100, 103, 108, 2000, 4000])
def test_damage_in_the_first_page_loses_nothing(vecdb, sound, store, offset):
    flip(store / "catalog.db", offset, 3)
    if vecdb("--store", store, "verify").code == 0:
        return  # where SQLite keeps nothing that counts
    result = repair(vecdb, store)
    assert result.code == 0, result.err
    assert_whole(vecdb, sound, store)


def test_without_the_first_page_nothing_is_lost(vecdb, sound, store):
    zero_page(store, 1)
    assert repair(vecdb, store).code == 0
    assert_whole(vecdb, sound, store)


@pytest.mark.parametrize("change", [-PAGE, -4000, -1000, -1, 1, 100, PAGE, 10 * PAGE])
def test_a_catalogue_of_another_size_loses_what_was_cut_off_only(vecdb, sound, store, change):
    program, original = sound
    file = store / "catalog.db"
    size = file.stat().st_size
    with open(file, "r+b") as opened:
        opened.truncate(size + change)
    if vecdb("--store", store, "verify").code == 0:
        return  # longer, and read as if it were not
    result = repair(vecdb, store, "--json")
    assert result.code in (0, 1), result.err
    lost = [record["lost"] for record in result.records if "lost" in record]
    assert len(lost) <= 1 + (change < 0)
    assert len(listed(vecdb, store)) + len(lost) == len(listed(program, original))
    if not lost:
        assert_whole(vecdb, sound, store)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """A store whose tables have pages that lead to others, documents that were deleted and replaced,
    and texts longer than a page."""
    from conftest import Program
    program = Program(tmp_path_factory.mktemp("wide"))
    store = program.folder / "store"
    def records(numbers, version):
        for number in numbers:
            name = f"{number:04} " + "name of a document " * 9
            text = f"text {number} of {version} " + ("long " * 1500 if number % 50 == 7 else "")
            yield json.dumps({"uri": name, "text": text, "vector": vector_of(number)})
    for numbers, version in ((range(400), "one"), (range(0, 400, 3), "two")):
        done = program("--store", store, "--precision", "f32", "import", "--trust-vectors", "-",
                       stdin="\n".join(records(numbers, version)))
        assert done.code == 0, done.err
    gone = [f"{number:04} " + "name of a document " * 9 for number in range(1, 400, 5)]
    assert program("--store", store, "delete", *gone).code == 0
    return program, store


def vector_of(number):
    luck = random.Random(number)
    vector = [luck.gauss(0, 1) for _ in range(384)]
    length = sum(x * x for x in vector) ** 0.5
    return [x / length for x in vector]


def exported(vecdb, store):
    """Each document with its text and vector; ids and what is counted by them left out."""
    result = vecdb("--store", store, "export", "--vectors")
    assert result.code == 0, result.err
    lines = [json.loads(line) for line in result.out.splitlines()]
    for line in lines:
        line.pop("id", None)
    return {line["uri"]: line for line in lines}


@pytest.mark.parametrize("table", ["documents", "chunks", "sqlite_autoindex_documents_1", "chunks_of_document",
                                   "chunks_of_text", "state", "tombstones", "sqlite_autoindex_segments_1"])
def test_without_a_page_that_leads_to_rows_nothing_is_lost(vecdb, wide, table):
    program, original = wide
    store = shutil.copytree(original, vecdb.folder / "store")
    zero_page(store, root_pages(store)[table])
    assert vecdb("--store", store, "verify").code == 3
    result = repair(vecdb, store)
    assert result.code == 0, result.err
    assert exported(vecdb, store) == exported(program, original)
    assert vecdb("--store", store, "verify").code == 0


def test_pages_that_stand_in_each_others_place_lose_nothing(vecdb, wide):
    program, original = wide
    pages = (original / "catalog.db").stat().st_size // PAGE
    luck = random.Random(8)
    for turn in range(6):
        store = shutil.copytree(original, vecdb.folder / f"store{turn}")
        content = (store / "catalog.db").read_bytes()
        a, b = (PAGE * (number - 1) for number in luck.sample(range(4, pages + 1), 2))
        with open(store / "catalog.db", "r+b") as file:
            file.seek(a), file.write(content[b:b + PAGE])
            file.seek(b), file.write(content[a:a + PAGE])
        result = repair(vecdb, store)
        lost = len(exported(program, original).keys() - exported(vecdb, store).keys())
        assert lost <= 1, (a, b, result.err)  # of a text that goes on in one of these pages


def test_without_the_state_and_the_indexes_what_was_deleted_stays_so(vecdb, wide):
    program, original = wide
    store = shutil.copytree(original, vecdb.folder / "store")
    roots = root_pages(store)
    for name in ("state", "sqlite_autoindex_documents_1", "chunks_of_document", "documents", "chunks"):
        zero_page(store, roots[name])
    result = repair(vecdb, store, "--json")
    assert result.code == 1  # nothing tells how many documents there were
    assert exported(vecdb, store) == exported(program, original)
    assert vecdb("--store", store, "verify").code == 0


def test_whichever_page_is_lost_others_documents_are_kept_and_the_lost_are_named(vecdb, wide):
    program, original = wide
    expected = exported(program, original)
    pages = (original / "catalog.db").stat().st_size // PAGE
    luck = random.Random(3)
    for number in luck.sample(range(12, pages + 1), 12):
        store = shutil.copytree(original, vecdb.folder / f"store{number}")
        zero_page(store, number)
        result = repair(vecdb, store, "--json")
        assert result.code in (0, 1), result.err
        kept = exported(vecdb, store)
        assert all(expected[uri] == line for uri, line in kept.items())
        lost = {record["lost"] for record in result.records if "lost" in record}
        assert lost == expected.keys() - kept.keys(), number
        assert len(lost) < 40


def test_a_commit_that_the_catalogue_has_lost_is_told(vecdb, store):
    catalogue = (store / "catalog.db").read_bytes()
    vecdb.write("later.txt", "stored later")
    assert vecdb("--store", store, "ingest", "later.txt").code == 0
    (store / "catalog.db").write_bytes(catalogue)
    for end in ("-wal", "-shm"):
        (store / ("catalog.db" + end)).unlink(missing_ok=True)
    result = repair(vecdb, store, "--json")
    assert result.code == 1
    assert [record["lost"] for record in result.records if "lost" in record] == \
        ["what was stored by the last 1 commit"]


def test_a_commit_that_only_a_damaged_log_has_is_found_there(vecdb, sound, store):
    """A flipped bit in SQLite's log makes it drop what follows without a word."""
    program, original = sound
    reader = sqlite3.connect(store / "catalog.db")
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM state").fetchall()  # as long as it reads, the log is not emptied
    vecdb.write("later.txt", "stored later")
    assert vecdb("--store", store, "ingest", "later.txt").code == 0
    copy = shutil.copytree(store, vecdb.folder / "copy")
    (copy / "catalog.db-shm").unlink(missing_ok=True)
    reader.close()
    flip(copy / "catalog.db-wal", 32 + 24 + 3000)
    result = repair(vecdb, copy, "--json")
    assert result.code == 1, result.err
    names = [line.split("\t")[0] for line in listed(vecdb, copy)]
    assert str(vecdb.folder / "later.txt") in names and len(names) == DOCUMENTS + 3
    assert vecdb("--store", copy, "verify").code == 0


def test_what_another_program_has_left_beside_the_catalogue_is_told_and_mended(vecdb, sound, store):
    (store / "catalog.db-journal").write_bytes(b"journal " * 99)
    result = vecdb("--store", store, "verify")
    assert result.code == 3 and "catalog.db-journal" in result.err
    assert repair(vecdb, store).code == 0
    assert_whole(vecdb, sound, store)


# What is no damage.

def traced(vecdb, *args):
    options, command = args[:args.index("--")], args[args.index("--") + 1:]
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    from conftest import PROGRAM, Result
    done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", *options, PROGRAM, *command],
                          cwd=vecdb.folder, env=vecdb.env, capture_output=True, timeout=120)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("error", ["EACCES", "EMFILE", "EIO"])
@pytest.mark.parametrize("command", [["verify"], ["verify", "--repair"]])
def test_a_segment_that_may_not_be_opened_is_not_a_lost_one(vecdb, store, error, command):
    (store / "HEAD").unlink()
    segment = str(sorted((store / "segments").iterdir())[0])
    result = traced(vecdb, "-P", segment, "-e", f"inject=openat:error={error}", "--", "--store", store, *command)
    assert result.code == 5, result
    assert segment in result.err and beside(store) == ["store"]


@pytest.mark.parametrize("call", range(4, 40, 5))
def test_a_disk_that_does_not_read_the_catalogue_is_not_damage(vecdb, store, call):
    flip(sorted((store / "segments").iterdir())[0], 1000)
    catalogue = str(store / "catalog.db")
    result = traced(vecdb, "-P", catalogue, "-e", f"inject=pread64:error=EIO:when={call}+", "--", "--store", store,
                    "verify", "--repair")
    assert result.code in (0, 5), result
    assert result.code == 0 or beside(store) == ["store"]
    if result.code == 0:
        assert vecdb("--store", store, "verify").code == 0 and len(listed(vecdb, store)) == DOCUMENTS + 2


# The exchange.

@pytest.mark.parametrize("call", ["renameat2:signal=KILL:when=1", "renameat2:signal=KILL:when=2",
                                  "rmdir:signal=KILL:when=1", "unlinkat:signal=KILL:when=1", "unlink:signal=KILL:when=1+"])
def test_a_repair_that_is_killed_at_the_exchange_leaves_nothing_for_ever(vecdb, sound, store, call):
    flip(sorted((store / "segments").iterdir())[0], 1000)
    only = ("-P", str(store / "DRAFT")) if call.startswith("unlink:") else ()
    traced(vecdb, *only, "-e", f"inject={call}", "--", "--store", store, "verify", "--repair")
    repair(vecdb, store)
    assert_whole(vecdb, sound, store)
    vecdb.write("later.txt", "stored later")
    assert vecdb("--store", store, "ingest", "later.txt").code == 0
    assert not (store / "DRAFT").exists()
    assert beside(store) == ["store", "store.damaged-1"]
    assert vecdb("--store", "store.damaged-1", "verify").code == 3


def test_a_repair_that_was_killed_does_not_cost_the_next_damaged_store(vecdb, sound, store):
    """The mark of a store that never took another's place is gone before it takes one, or is taken away."""
    flip(sorted((store / "segments").iterdir())[0], 1000)
    traced(vecdb, "-P", str(store / "DRAFT"), "-e", "inject=unlink:signal=KILL:when=2+", "--",
           "--store", store, "verify", "--repair")
    (store / "DRAFT").touch()
    for number in (2, 3):
        (store / "HEAD").unlink()
        assert repair(vecdb, store).code == 0
        assert beside(store) == ["store", *(f"store.damaged-{each}" for each in range(1, number + 1))]
    assert_whole(vecdb, sound, store)


@pytest.mark.parametrize("call", [1, 2])
def test_where_stores_cannot_change_places_nothing_is_left(vecdb, store, call):
    flip(sorted((store / "segments").iterdir())[0], 1000)
    before = content(store)
    result = traced(vecdb, "-e", "trace=renameat2", "-e", f"inject=renameat2:error=EINVAL:when={call}", "--",
                    "--store", store, "verify", "--repair")
    assert result.code == 5
    assert content(store) == before and beside(store) == ["store"]


def test_another_folder_where_a_repair_works_is_left_alone(vecdb, store):
    other = vecdb.folder / "store.repairing"
    assert vecdb("--store", other, "ingest", SPEECH).code == 0
    before = content(other)
    (store / "HEAD").unlink()
    result = repair(vecdb, store)
    assert result.code == 5 and "store.repairing" in result.err
    assert content(other) == before


def test_what_nobody_else_may_read_stays_so(vecdb, store):
    for path in [store, *store.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    (store / "HEAD").unlink()
    assert repair(vecdb, store).code == 0
    for path in [store, *store.rglob("*")]:
        if not path.name.endswith(("-shm", "-wal")):
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_two_repairs_at_once_make_one(vecdb, sound, store):
    flip(sorted((store / "segments").iterdir())[0], 1000)
    both = [vecdb.popen("--store", store, "verify", "--repair", "--wait", "60", stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert beside(store) == ["store", "store.damaged-1"]
    assert_whole(vecdb, sound, store)


def test_readers_see_one_store_or_the_other(vecdb, sound, store):
    """A document's row is damaged; others are found all the time."""
    change_rows(store, "UPDATE chunks SET text = 'forged' WHERE id = 3")
    process = vecdb.popen("--store", store, "verify", "--repair", stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    while process.poll() is None:
        result = vecdb("--store", store, "list")
        assert result.code == 0, result.err
    assert process.returncode == 1


# Other stores.

def test_a_store_without_documents_is_repaired(vecdb):
    vecdb.write("a.txt", "a")
    assert vecdb("--store", "store", "--precision", "f32", "ingest", "a.txt").code == 0
    assert vecdb("--store", "store", "delete", vecdb.folder / "a.txt").code == 0
    (vecdb.folder / "store" / "HEAD").unlink()
    result = repair(vecdb, "store", "--json")
    assert result.code == 0 and result.records[-1]["summary"]["documents"] == 0
    assert vecdb("--store", "store", "verify").code == 0


def test_imported_vectors_that_are_lost_are_named(vecdb):
    lines = [json.dumps({"uri": f"n{number}", "text": f"text {number}", "vector": vector_of(number)})
             for number in range(3)]
    done = vecdb("--store", "store", "--precision", "f32", "import", "--trust-vectors", "-", stdin="\n".join(lines))
    assert done.code == 0, done.err
    flip(*(vecdb.folder / "store" / "segments").iterdir(), 1000)
    result = repair(vecdb, "store", "--json")
    assert result.code == 1
    assert [record["replaced"] for record in result.records if "replaced" in record] == ["n0", "n1", "n2"]
    assert result.records[-1]["summary"] | {"kept": ""} == {
        "problems": 1, "documents": 3, "chunks": 3, "encoded": 3, "replaced": 3, "lost": 0, "kept": ""}
    assert vecdb("--store", "store", "verify").code == 0


def test_a_name_that_is_damaged_itself_is_told_all_the_same(vecdb, store):
    file = store / "catalog.db"
    file.write_bytes(file.read_bytes().replace(b"/0.txt", b"/\xff\x00txt"))
    result = repair(vecdb, store, "--json")
    assert result.code == 1
    lost, = (record["lost"] for record in result.records if "lost" in record)
    assert lost.startswith("/") and "txt" in lost


def test_sources_are_compared_after_a_repair(vecdb, sound, store):
    program, _ = sound
    (store / "HEAD").unlink()
    result = repair(vecdb, store, "--sources", "--json")
    assert result.code == 0, result.err
    assert result.records[-1]["summary"]["sources"]["compared"] == DOCUMENTS + 2
    assert sum("summary" in record for record in result.records) == 1


def test_an_interrupt_leaves_the_store_as_it_was(vecdb, store):
    flip(sorted((store / "segments").iterdir())[0], 1000)
    for seconds in (0.01, 0.1, 0.3):
        process = vecdb.popen("--store", store, "verify", "--repair", stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE)
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode in (0, 130, -signal.SIGINT)
        if process.returncode == 0:
            return
        assert beside(store) == ["store"]
        assert vecdb("--store", store, "verify").code == 3


def test_a_full_disk_leaves_the_store_as_it_was(vecdb, store):
    flip(sorted((store / "segments").iterdir())[0], 1000)
    before = content(store)
    for call in (1, 5, 20, 60):
        result = traced(vecdb, "-e", "trace=pwrite64,write", "-e", f"inject=pwrite64:error=ENOSPC:when={call}+", "--",
                        "--store", store, "verify", "--repair")
        assert result.code in (0, 5), result
        if result.code == 0:
            return
        assert "space" in result.err or "full" in result.err
        assert content(store) == before and beside(store) == ["store"]


def test_a_store_of_a_newer_version_is_not_repaired(vecdb, store):
    head = (store / "HEAD").read_bytes().replace(b"format 3", b"format 99")
    body = head[:head.index(b"sha256 ")]
    (store / "HEAD").write_bytes(body + b"sha256 " + hashlib.sha256(body).hexdigest().encode() + b"\n")
    before = snapshot(store)
    result = repair(vecdb, store)
    assert result.code == 3 and "newer vecdb" in result.err
    assert snapshot(store) == before


def test_a_catalogue_of_a_newer_version_is_not_repaired_either(vecdb, store):
    change_rows(store, "PRAGMA user_version = 99")
    content = (store / "catalog.db").read_bytes()
    result = repair(vecdb, store)
    assert result.code == 3 and "newer vecdb" in result.err
    assert (store / "catalog.db").read_bytes() == content


def test_the_model_is_asked_for_only_when_vectors_are_lost(vecdb, sound, store):
    nowhere = {"VECDB_HOME": str(vecdb.folder / "nowhere")}
    first, _ = sorted((store / "segments").iterdir())
    (store / "HEAD").unlink()
    assert repair(vecdb, store).code == 0
    assert_whole(vecdb, sound, store)
    flip(sorted((store / "segments").iterdir())[0], 1000)
    before = snapshot(store)
    result = vecdb("--store", store, "--model", "another", "verify", "--repair", **nowhere)
    assert result.code == 6
    assert {path: each[0] for path, each in snapshot(store).items() if path.name != "LOCK"} == \
        {path: each[0] for path, each in before.items() if path.name != "LOCK"}
    assert not (store.parent / "store.repairing").exists()


def test_an_older_copy_is_never_overwritten(vecdb, sound, store):
    for number in (1, 2):
        flip(sorted((store / "segments").iterdir())[0], 500)
        assert repair(vecdb, store).code == 0
        assert (store.parent / f"store.damaged-{number}").is_dir()
    assert_whole(vecdb, sound, store)


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_repair_leaves_the_damaged_store_or_the_repaired_one(vecdb, sound, store, seed):
    flip(sorted((store / "segments").iterdir())[0], 1000)
    process = vecdb.popen("--store", store, "verify", "--repair", stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    time.sleep(random.Random(seed).uniform(0, 0.6))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert vecdb("--store", store, "verify").code in (0, 3)
    assert repair(vecdb, store).code == 0
    assert_whole(vecdb, sound, store)
    assert not (store.parent / "store.repairing").exists()


def test_a_repair_waits_for_a_writer_and_says_who_it_is(vecdb, store):
    flip(sorted((store / "segments").iterdir())[0], 1000)
    with open(store / "LOCK", "r+") as lock:
        import fcntl
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert repair(vecdb, store, "--wait", "0").code == 4


# --sources

@pytest.fixture
def files(vecdb):
    for name in ("a", "b", "c", "d"):
        vecdb.write(f"{name}.txt", f"the text of {name}")
    assert vecdb("--precision", "f32", "ingest", *(f"{name}.txt" for name in "abcd")).code == 0
    assert vecdb("ingest", "-", stdin="from nowhere").code == 0
    return vecdb.folder


def test_files_that_are_as_they_were_are_counted(vecdb, files):
    result = vecdb("verify", "--sources", "--json")
    assert result.code == 0
    assert result.records[-1]["summary"]["sources"] == {"compared": 4, "differing": 0, "no_files": 1}


def test_files_that_differ_are_named(vecdb, files):
    stamp = (files / "a.txt").stat()
    vecdb.write("a.txt", "the text of A")  # as long, and as old
    os.utime(files / "a.txt", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    (files / "b.txt").unlink()
    (files / "c.txt").unlink()
    os.mkfifo(files / "c.txt")
    result = vecdb("verify", "--sources", "--json")
    assert result.code == 1
    assert {r["source"][-5:]: r["status"] for r in result.records if "source" in r} == {
        "a.txt": "changed", "b.txt": "gone", "c.txt": "unreadable"}
    told = vecdb("verify", "--sources")
    assert told.code == 1 and told.out == "" and "a.txt: has changed" in told.err and "b.txt: is gone" in told.err


def test_files_of_every_sort_are_compared(vecdb):
    """Compressed ones by their own bytes, links by what they lead to, and one that is dated 1970."""
    vecdb.write("a.txt.gz", gzip.compress(b"the text of a"))
    vecdb.write("b.txt", "the text of b")
    os.utime(vecdb.folder / "b.txt", ns=(0, 0))
    vecdb.write("elsewhere/c", "the text of c")
    (vecdb.folder / "c.txt").symlink_to("elsewhere/c")
    vecdb.write("records.jsonl", json.dumps({"uri": "/not/there", "text": "a record"}))
    time.sleep(0.1)  # until a change would show another time
    assert vecdb("ingest", "a.txt.gz", "b.txt", "c.txt").code == 0
    assert vecdb("ingest", "--jsonl", "records.jsonl").code == 0
    result = vecdb("verify", "--sources", "--json")
    assert result.records[-1]["summary"]["sources"] == {"compared": 3, "differing": 0, "no_files": 1}
    vecdb.write("a.txt.gz", gzip.compress(b"the text of A"))
    vecdb.write("b.txt", "the text of B")
    vecdb.write("elsewhere/c", "the text of C")
    result = vecdb("verify", "--sources", "--json")
    assert result.records[-1]["summary"]["sources"] == {"compared": 3, "differing": 3, "no_files": 1}


def test_a_file_that_became_another_thing_is_told(vecdb, files):
    (files / "a.txt").unlink()
    (files / "a.txt").mkdir()
    (files / "b.txt").unlink()
    (files / "b.txt").symlink_to("b.txt")
    (files / "c.txt").unlink()
    (files / "c.txt").symlink_to("nowhere")
    result = vecdb("verify", "--sources", "--json")
    assert {r["source"][-5:]: r["status"] for r in result.records if "source" in r} == {
        "a.txt": "unreadable", "b.txt": "unreadable", "c.txt": "gone"}


def test_a_file_that_the_disk_does_not_read_is_named(vecdb, files):
    result = traced(vecdb, "-P", str(files / "a.txt"), "-e", "inject=read:error=EIO", "--", "verify", "--sources")
    assert result.code == 1 and f"{files}/a.txt: cannot be read" in result.err


def test_a_damaged_store_is_told_before_its_sources(vecdb, files):
    (files / ".vecdb" / "HEAD").unlink()
    assert vecdb("verify", "--sources").code == 3
