"""Experiment 6: bits flip, and files are cut, extended, zeroed, swapped or lost. Whatever answers gives the
right answer or refuses with 3, names the file and says what to do."""

import subprocess

import pytest
from oracle import *


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("world"), 6, 40)
    world.indexed = shutil.copytree(world.after, world.program.folder / "indexed")
    world.must("compact", "--index", "ivf", store=world.indexed)
    world.logged = store_with_a_log(world)
    return world


def store_with_a_log(world):
    """A store whose last commits are in the write-ahead log alone: copied from a writer that waits."""
    store = shutil.copytree(world.before, world.program.folder / "writing")
    process = world.program.popen("--store", store, "ingest", "--json", *FLAGS, world.tree, "--name", "other", "-",
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while b"05.txt" not in process.stdout.readline():  # stored because stdin is waited for
        assert process.poll() is None
    copy = shutil.copytree(store, world.program.folder / "logged")
    process.kill()
    process.communicate()
    assert (copy / "catalog.db-wal").stat().st_size > 0
    (copy / "catalog.db-shm").unlink()
    return copy


QUESTIONS = (("query", "-k", "500", "--json", QUESTION), ("list", "--json"), ("stats", "--json"), ("show", "--json"),
             ("similar", "--json"), ("dedup", "--json"))


def answers_of(world, store, with_query=True):
    """What a store answers, command by command."""
    answers = {}
    for question in QUESTIONS[0 if with_query else 1 :]:
        args = question + ((world.uris[1],) if question[0] in ("show", "similar") else ())
        answers[question[0]] = world.run(store, *args)
    return answers


def comparable(verb, out):
    """Where a store lies, how large its files are and whether an index can be used is no matter of right
    and wrong."""
    return re.sub(r'"(store":"[^"]*|(disk_bytes|indexed)":\d+)', "", out) if verb == "stats" else out


def judge_answers(world, store, right, file, with_query=True):
    """Right, or refused. `verify` may only call the store sound when all it answers is right, which
    every answer must be anyway; it says whether the damage was seen."""
    wrong = []
    for verb, result in answers_of(world, store, with_query).items():
        if result.code == 0:
            assert comparable(verb, result.out) == comparable(verb, right[verb].out), f"{verb}: a wrong answer"
            continue
        wrong.append(verb)
        judge_refusal(result, file)
        # Lines before the damage may be out already: they are right, and the code tells.
        assert right[verb].out.startswith(result.out), f"{verb}: a wrong answer before {result.err}"
    verified = world.run(store, "verify")
    assert verified.code in (0, 3), verified
    assert not wrong or verified.code == 3, f"{wrong} refuse what verify calls sound"
    return verified.code


def judge_refusal(result, file):
    one_line(result, 3)
    assert file in result.err and re.search("vecdb|restore|use that version", result.err), result.err


def flip(path, chance):
    data = bytearray(path.read_bytes())
    place, bit = chance.randrange(len(data)), chance.randrange(8)
    data[place] ^= 1 << bit
    path.write_bytes(data)
    return f"{path.name}, bit {bit} of byte {place}"


def with_place(place, judge, *args, **options):
    try:
        return judge(*args, **options)
    except AssertionError as failure:
        raise AssertionError(f"{place}: {failure}") from failure


def test_a_flipped_bit_in_a_segment_is_seen_before_it_is_an_answer(world):
    def attempt(_, chance, folder):
        store = shutil.copytree(world.after, folder / "store")
        segment = chance.choice(sorted((store / "segments").glob("*.faiss")))
        place = flip(segment, chance)
        with_place(place, judge_refusal, world.run(store, "query", QUESTION), segment.name)
        with_place(place, judge_refusal, world.run(store, "compact"), segment.name)
        assert world.run(store, "verify").code == 3, place

    run_tries(6, "a bit flipped in a segment", per_scale(25, 2000), attempt)


def test_a_flipped_bit_in_an_index_is_seen_and_can_be_mended(world):
    right = world.ask(world.after)

    def attempt(case, chance, folder):
        store = shutil.copytree(world.indexed, folder / "store")
        (index,) = (store / "segments").glob("*.ivf")
        place = flip(index, chance)
        with_place(place, judge_refusal, world.run(store, "query", QUESTION), index.name)
        assert world.run(store, "verify").code == 3, place
        if case % 5 == 0:
            world.must("compact", "--index", "ivf", store=store)
            assert world.run(store, "verify").code == 0
            assert world.must("query", "--recall", "1", "-k", "40", "--json", QUESTION, store=store).out == right

    run_tries(6, "a bit flipped in an index", per_scale(12, 500), attempt)


@pytest.mark.parametrize("name", ["catalog.db", "catalog.db-wal", "HEAD"])
def test_a_flipped_bit_in_the_catalogue_never_changes_an_answer(world, name):
    begin = world.logged if name.endswith("wal") else world.after
    right = answers_of(world, shutil.copytree(begin, world.program.folder / f"right-{name}"))
    assert all(result.code == 0 for result in right.values()), right

    def attempt(case, chance, folder):
        store = shutil.copytree(begin, folder / "store")
        place = flip(store / name, chance)
        shown = "catalog.db" if name.endswith("wal") else name
        with_place(place, judge_answers, world, store, right, shown, with_query=case % 4 == 0)

    run_tries(6, f"a bit flipped in {name}", per_scale(30 if name == "HEAD" else 60, 1000), attempt)


def damages(store):
    """(name, what) for every file of a store that holds something, and every way to spoil it."""
    for path in sorted(path for path in store.rglob("*") if path.is_file()):
        if path.name in ("LOCK", "catalog.db-shm"):
            continue  # hold nothing
        if path.stat().st_size == 0:
            yield str(path.relative_to(store)), "extended"
            continue
        for what in ("cut by a byte", "cut in half", "empty", "extended", "a page of zeros", "all zeros", "swapped", "lost"):
            yield str(path.relative_to(store)), what


def spoil(world, path, what, chance):
    data = path.read_bytes()
    if what == "cut by a byte":
        path.write_bytes(data[:-1])
    elif what == "cut in half":
        path.write_bytes(data[: len(data) // 2])
    elif what == "empty":
        path.write_bytes(b"")
    elif what == "extended":
        path.write_bytes(data + chance.randbytes(chance.randrange(1, 9000)))
    elif what == "a page of zeros":
        place = chance.randrange(0, len(data), 4096)
        path.write_bytes(data[:place] + bytes(len(data[place : place + 4096])) + data[place + 4096 :])
    elif what == "all zeros":
        path.write_bytes(bytes(len(data)))
    elif what == "lost":
        path.unlink()
    else:
        path.write_bytes(other_file(world, path).read_bytes())


def other_file(world, path):
    """One of the same kind from the store as it was before."""
    kind = "segments/*" + path.suffix if path.parent.name == "segments" else path.name
    for store in (world.before, world.indexed, world.logged):
        for other in sorted(store.glob(kind)):
            if other.read_bytes() != path.read_bytes():
                return other
    return path


@pytest.mark.parametrize("which", ["after", "indexed", "logged"])
def test_a_spoilt_file_never_changes_an_answer(world, which):
    begin = getattr(world, which)
    right = answers_of(world, shutil.copytree(begin, world.program.folder / f"right-{which}"))
    assert all(result.code == 0 for result in right.values()), right

    def attempt(case, chance, folder):
        name, what = case
        store = shutil.copytree(begin, folder / "store")
        spoil(world, store / name, what, chance)
        is_spoilt = not (store / name).exists() or (store / name).read_bytes() != (begin / name).read_bytes()
        shown = "" if name == "catalog.db-wal" else Path(name).name
        code = judge_answers(world, store, right, shown)
        # An older HEAD is what a writer leaves that died before it replaced it: nothing is lost by it.
        is_harmless = name.startswith("catalog.db") or case == ("HEAD", "swapped")
        assert code == 3 or not is_spoilt or is_harmless, "verify calls it sound"

    run_tries(6, f"files of the store `{which}` spoilt", sample(damages(begin), 20), attempt)


def test_a_flipped_bit_in_the_index_of_documents_hides_none(world):
    """An index that leads past a document is not the same as none of that name."""
    store = shutil.copytree(world.after, world.program.folder / "hidden")
    uri = world.must("list", "--json", store=store).records[0]["uri"]
    right = world.must("show", uri, store=store).out
    whole = (store / "catalog.db").read_bytes()
    places = [match.start() for match in re.finditer(re.escape(uri.encode()), whole)]
    assert len(places) >= 2, "in the row and in the index"

    def attempt(place, _, folder):
        copy = shutil.copytree(store, folder / "store")
        data = bytearray(whole)
        data[place + len(uri) // 2] ^= 2
        (copy / "catalog.db").write_bytes(data)
        result = world.run(copy, "show", uri)
        if result.code != 0 or result.out != right:
            judge_refusal(result, "catalog.db")
        deleted = world.run(copy, "delete", uri)
        if deleted.code != 0:
            judge_refusal(deleted, "catalog.db")

    run_tries(6, "a bit flipped in a document's name", places, attempt)
