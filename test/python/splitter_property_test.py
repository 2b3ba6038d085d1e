#!/usr/bin/env python3
"""Compares `vecdb split` with LangChain's splitters on random texts and options.

Chunks must be equal, stand where their byte ranges say, come in order, and leave out nothing but
separators and white space. Each run of the program splits a few texts with one set of options.

Needs the package langchain-text-splitters 1.1.3. Prints the first differences, and exits with 1
when there is one. A separator that vecdb refuses (exit 2) counts as equal when Python refuses it
too; otherwise it is counted, because vecdb may refuse what it cannot do exactly alike; more than
one in twenty is a failure too.
"""

import argparse
import itertools
import json
import logging
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import warnings

from langchain_text_splitters import CharacterTextSplitter, Language, RecursiveCharacterTextSplitter

DATA = pathlib.Path(__file__).parent.parent / "data"
LANGUAGES = json.loads((DATA / "language_separators.json").read_text(encoding="utf-8"))
TEXTS_PER_RUN = 12
SECONDS_PER_TEXT = 10
TOO_LONG = object()
ALPHABETS = [
    "ab",
    "abcABC \n",
    " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u2003\u2028\u2029\u200b\u3000\ufeff,.ab",
    "aéßẞſKkſsSıİiIΣσςµμдЖ漢字👩\u200d👧e\u0301٣½²\u0345ιι \n_",
    "ab1_ ,.;:-\n\r!?()[]{}|*+^$\\x",
]
PLAIN = ["\n\n", "\n", " ", ". ", ", ", ".", "", "a", "ab", "aa", "aba", "\r\n", "é", "👩", "\u3000",
         "\x1c", " a", "[.!?] ", "(?=a)", "\\s+"]
EXPRESSIONS = ["\\s+", "[.!?] ", "(?<=[.!?]) ", "(?=\\n)", "\\n{2,}", "(?i)AB", "[,;]\\s*", "\\b",
               "(?<!a)b", "(\\s)", "(a)|(b)", "x*", "(?:)", "\\s*", "$", "^", "(?m)^", "(?m)$",
               "\\r?\\n", "(\\W)(a)?", "(?=[A-Z])", "a)(b", "(?P<x>a)(?P=x)", "(a)\\1", "\\Z",
               "a|", "(?!a)", "(\\s)\\2", "\\h", "\\x61", "\\u00e9", "[^\\S\\n]", "(?a)\\W"]
ATOMS = ["a", "b", "c", " ", "\\n", ".", "\\s", "\\S", "\\d", "\\w", "\\W", "\\b", "\\B", "^", "$",
         "[ab]", "[^ab]", "[\\s,]", "[\\S\\n]", "[^\\Wa]", "é", "ſ", "i", "ß", "\\A", "\\Z", "{"]
OPENINGS = ["(", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?P<n>", "(?>", "(?i:", "(?m:", "(?x:"]
QUANTIFIERS = ["", "", "", "*", "+", "?", "*?", "+?", "??", "*+", "{2}", "{1,2}", "{,2}", "{1,}?"]


def random_text(rng, options):
    """Never empty: an empty file is no document, vecdb leaves it out and says so."""
    alphabet = list(rng.choice(ALPHABETS) + rng.choice(["", "\r\n\n"]))
    if rng.random() < 0.5:
        alphabet += [s for s in options["separators"] if "\0" not in s] * 2
    if options["language"]:
        alphabet += language_words(options["language"]) * 2
    text = "".join(rng.choices(alphabet, k=rng.randint(1, rng.choice([1, 5, 30, 200]))))
    return text.lstrip("\ufeff") or "a"  # at the start of a file it is a byte order mark, not text


def language_words(language):
    """What a language's separators match, more or less."""
    plain = [re.sub(r"\{1,6\}|\(\?!.*?\)|\(\?:(\w+)[^)]*\)|[+*?]", r"\1", separator)
             .replace("\\n", "\n").replace("\\s", " ").replace("\\", "")
             for separator in LANGUAGES[language]]
    return [word for word in plain if word]


def random_expression(rng, depth=0):
    parts = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        if depth < 3 and rng.random() < 0.3:
            inner = random_expression(rng, depth + 1)
            if rng.random() < 0.4:
                inner += "|" + random_expression(rng, depth + 1)
            parts.append(rng.choice(OPENINGS) + inner + ")")
        else:
            parts.append(rng.choice(ATOMS))
        parts.append(rng.choice(QUANTIFIERS))
    return "".join(parts)


def random_separator(rng, regex):
    if not regex:
        return rng.choice(PLAIN)
    return rng.choice(EXPRESSIONS) if rng.random() < 0.5 else random_expression(rng)


def random_separators(rng, regex):
    """For the recursive splitter. Few expressions that Python refuses, which it does not notice
    before it comes to them."""
    separators = []
    for _ in range(rng.choice([1, 2, 2, 3, 3, 4, 6])):
        separator = random_separator(rng, regex)
        while regex and not is_expression(separator) and rng.random() < 0.98:
            separator = random_separator(rng, regex)
        separators.append(separator)
    return separators + rng.choice([[], [""]])


def is_expression(text):
    try:
        return bool(re.compile(text) and re.compile(f"({text})"))
    except (re.error, OverflowError):
        return False


def random_options(rng):
    size = rng.choice([1, 2, 3, 5, 8, 20, 50, 1000])
    options = {
        "splitter": rng.choice(["character", "recursive", "recursive", "recursive"]),
        "separators": [],
        "regex": False,
        "language": "",
        "keep": rng.choice(["", "no", "start", "end"]),
        "strip": rng.random() < 0.7,
        "size": size,
        "overlap": rng.choice([0, 0, min(1, size), size // 2, size - 1, size]),
    }
    regex = rng.random() < 0.4
    if options["splitter"] == "character":
        options |= {"separators": [random_separator(rng, regex)], "regex": regex}
    elif (choice := rng.random()) < 0.25:
        options["language"] = rng.choice(list(LANGUAGES))
    elif choice < 0.8:
        options |= {"separators": random_separators(rng, regex), "regex": regex}
    return options  # or recursive with its own separators


def reference(options):
    """LangChain's splitter."""
    common = {
        "strip_whitespace": options["strip"],
        "chunk_size": options["size"],
        "chunk_overlap": options["overlap"],
    }
    if options["keep"]:
        common["keep_separator"] = False if options["keep"] == "no" else options["keep"]
    if options["language"]:
        return RecursiveCharacterTextSplitter.from_language(options["language"], **common)
    if options["splitter"] == "recursive":
        return RecursiveCharacterTextSplitter(separators=options["separators"] or None,
                                              is_separator_regex=options["regex"], **common)
    return CharacterTextSplitter(separator=options["separators"][0],
                                 is_separator_regex=options["regex"], **common)


def expected_chunks(options, text):
    """The texts, None where Python raises, TOO_LONG for an exponential search."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS_PER_TEXT)
    try:
        return reference(options).split_text(text)
    except (re.error, IndexError, OverflowError, SystemError, TypeError, ValueError):
        return None
    except TimeoutError:
        return TOO_LONG
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def stop_waiting(*_):
    raise TimeoutError


def flags_of(options):
    flags = [f"--splitter={options['splitter']}", f"--chunk-size={options['size']}",
             f"--chunk-overlap={options['overlap']}"]
    flags += [f"--separator={separator}" for separator in options["separators"]]
    flags += [f"--language={options['language']}"] if options["language"] else []
    flags += [f"--keep-separator={options['keep']}"] if options["keep"] else []
    flags += ["--regex"] if options["regex"] else []
    flags += [] if options["strip"] else ["--no-strip"]
    return flags


def actual_chunks(program, folder, options, texts):
    """The chunks of each text, or None where vecdb refuses the options, or cannot use them on it."""
    paths = [folder / str(number) for number in range(len(texts))]
    for path, text in zip(paths, texts):
        path.write_bytes(text.encode())  # a text file would translate newlines
    done = subprocess.run([program, "split", *flags_of(options), *map(str, paths)],
                          capture_output=True, check=False)
    if done.returncode == 2:
        if len(texts) == 1:
            return [None]
        return [actual_chunks(program, folder, options, [text])[0] for text in texts]
    skipped = dict(line.removeprefix("vecdb: ").split(": skipped: ", 1)
                   for line in done.stderr.decode().splitlines() if ": skipped: " in line)
    if done.returncode != (5 if skipped else 0):
        raise RuntimeError(f"exit {done.returncode}: {done.stderr.decode()}")
    chunks = {str(path): None if skipped.get(str(path), "").startswith("--separator ") else []
              for path in paths}
    for line in done.stdout.decode().split("\n"):
        if line:
            chunk = json.loads(line)
            chunks[chunk["uri"]].append(chunk)
    return list(chunks.values())


def is_exact(options):
    """Whether a chunk is always the source's own bytes: nothing is put between its pieces."""
    keeps = options["keep"] in ("start", "end") or (
        not options["keep"] and options["splitter"] == "recursive")
    return options["separators"] == [""] or (keeps and not options["regex"])


def range_problem(options, text, chunks):
    source = text.encode()
    exact = is_exact(options)
    for number, chunk in enumerate(chunks):
        start, end = chunk["start"], chunk["end"]
        if chunk["chunk"] != number:
            return f"chunk {number} has another number"
        if not 0 <= start < end <= len(source):
            return f"chunk {number} has a range outside the text"
        if chunk["line"] != source.count(b"\n", 0, start) + 1:
            return f"chunk {number} has another line"
        if exact and source[start:end].decode() != chunk["text"]:
            return f"chunk {number} is not the source's bytes"
    if options["regex"] and not all(re.escape(s) == s for s in options["separators"]):
        return None  # groups may come twice, and in another order
    return order_problem(chunks) or loss_problem(options, source, chunks)


def order_problem(chunks):
    for before, after in itertools.pairwise(chunks):
        if after["start"] < before["start"] or after["end"] < before["end"]:
            return f"chunk {after['chunk']} stands before the one that it follows"
    return None


def loss_problem(options, source, chunks):
    """What no range covers may be separators that are not kept, and white space."""
    lost = [re.compile(s) for s in separators_of(options) if s] if not is_exact(options) else []
    lost += [re.compile("\\s")] if options["strip"] else []
    done = 0
    for chunk in [*chunks, {"start": len(source), "end": len(source)}]:
        gap = source[done:chunk["start"]].decode()
        if not is_made_of(gap, lost):
            return f"{gap!r} before byte {chunk['start']} is in no chunk"
        done = chunk["end"]
    return None


def is_made_of(text, expressions):
    """Whether matches in a row make up the text. (One expression for all would take for ever.)"""
    reached = {0}
    for position in range(len(text)):
        if position in reached:
            for match in (expression.match(text, position) for expression in expressions):
                # Greedy white space may stop earlier, where another one begins.
                ends = range(position + 1, match.end() + 1) if match else []
                reached |= {end for end in ends if match.re.fullmatch(text, position, end)}
    return len(text) in reached


def separators_of(options):
    """As expressions."""
    if options["language"]:
        return LANGUAGES[options["language"]]
    own = ["\n\n", "\n", " ", ""]  # of the recursive splitter
    plain = options["separators"] or own
    return [re.escape(separator) for separator in plain]


def compare(options, text, actual):
    """'equal', 'refused', or what differs."""
    expected = expected_chunks(options, text)
    if actual is None:
        return "equal" if expected is None else "refused"
    if expected is TOO_LONG:
        return "refused"
    if expected is None:
        return "Python refuses this"
    texts = [chunk["text"] for chunk in actual]
    if texts != expected:
        return f"expected {expected!r}, got {texts!r}"
    return range_problem(options, text, actual) or "equal"


def check_languages():
    """The separators that the tests of vecdb go by are those of the installed package."""
    for name, separators in LANGUAGES.items():
        assert separators == RecursiveCharacterTextSplitter.get_separators_for_language(name), name
    unknown = [language.value for language in Language if language.value not in LANGUAGES]
    assert unknown == ["perl"], unknown  # named by LangChain, and not implemented


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", required=True, help="the vecdb binary")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # Python's about sets that may be nested one day
    logging.disable(logging.WARNING)  # LangChain's about long pieces
    check_languages()
    signal.signal(signal.SIGALRM, stop_waiting)

    rng = random.Random(arguments.seed)
    cases = refused = different = 0
    with tempfile.TemporaryDirectory() as folder:
        while cases < arguments.cases and different < 10:
            options = random_options(rng)
            texts = [random_text(rng, options) for _ in range(TEXTS_PER_RUN)]
            actual = actual_chunks(arguments.program, pathlib.Path(folder), options, texts)
            for text, chunks in zip(texts, actual):
                cases += 1
                outcome = compare(options, text, chunks)
                refused += outcome == "refused"
                if outcome not in ("equal", "refused"):
                    different += 1
                    print(f"{json.dumps(options)}\n  {json.dumps(text)}\n  {outcome}")
    print(f"seed {arguments.seed}: {cases} cases, {different} different, "
          f"{refused} refused by vecdb only")
    return 1 if different or refused > cases / 20 else 0


if __name__ == "__main__":
    sys.exit(main())
