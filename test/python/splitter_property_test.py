#!/usr/bin/env python3
"""Compares `vecdb split` with LangChain's CharacterTextSplitter on random texts and options.

Needs the package langchain-text-splitters 1.1.3. Prints the first differences, and exits with 1
when there is one. A separator that vecdb refuses (exit 2) counts as equal when Python refuses it
too; otherwise it is counted, because vecdb may refuse what it cannot do exactly alike.
"""

import argparse
import json
import logging
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import warnings

from langchain_text_splitters import CharacterTextSplitter

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


def random_text(rng):
    alphabet = rng.choice(ALPHABETS) + rng.choice(["", "\r\n\n"])
    text = "".join(rng.choices(alphabet, k=rng.randint(0, rng.choice([0, 5, 30, 200]))))
    return text.lstrip("\ufeff")  # at the start of a file it is a byte order mark, not text


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


def random_case(rng):
    regex = rng.random() < 0.5
    if not regex:
        separator = rng.choice(PLAIN)
    elif rng.random() < 0.5:
        separator = rng.choice(EXPRESSIONS)
    else:
        separator = random_expression(rng)
    size = rng.choice([1, 2, 3, 5, 8, 20, 50, 1000])
    return {
        "text": random_text(rng),
        "separator": separator,
        "regex": regex,
        "keep": rng.choice(["no", "start", "end"]),
        "strip": rng.random() < 0.7,
        "size": size,
        "overlap": rng.choice([0, 0, min(1, size), size // 2, size - 1, size]),
    }


def expected_chunks(case):
    """The texts, or None where Python raises."""
    try:
        return CharacterTextSplitter(
            separator=case["separator"],
            is_separator_regex=case["regex"],
            keep_separator=False if case["keep"] == "no" else case["keep"],
            strip_whitespace=case["strip"],
            chunk_size=case["size"],
            chunk_overlap=case["overlap"],
        ).split_text(case["text"])
    except (re.error, IndexError, OverflowError, SystemError, TypeError, ValueError):
        return None


def actual_chunks(program, path, case):
    """The chunks, or None where vecdb refuses the options."""
    command = [program, "split", str(path), f"--separator={case['separator']}",
               f"--keep-separator={case['keep']}", f"--chunk-size={case['size']}",
               f"--chunk-overlap={case['overlap']}"]
    command += ["--regex"] if case["regex"] else []
    command += [] if case["strip"] else ["--no-strip"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == 2:
        return None
    if done.returncode != 0:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr.decode()}")
    return [json.loads(line) for line in done.stdout.decode().split("\n") if line]


def range_problem(case, chunks):
    source = case["text"].encode()
    exact = case["separator"] == "" or (case["keep"] != "no" and not case["regex"])
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
    return None


def compare(program, path, case):
    """'equal', 'refused', or what differs."""
    # Bytes, because a text file would translate newlines.
    path.write_bytes(case["text"].encode())
    if not case["text"]:
        return "equal"  # an empty file is no document: vecdb leaves it out and says so
    expected = expected_chunks(case)
    actual = actual_chunks(program, path, case)
    if actual is None:
        return "equal" if expected is None else "refused"
    if expected is None:
        return "Python refuses this"
    texts = [chunk["text"] for chunk in actual]
    if texts != expected:
        return f"expected {expected!r}, got {texts!r}"
    return range_problem(case, actual) or "equal"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", required=True, help="the vecdb binary")
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # Python's about sets that may be nested one day
    logging.disable(logging.WARNING)  # LangChain's about long pieces

    rng = random.Random(arguments.seed)
    refused = different = 0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "text.txt"
        for _ in range(arguments.cases):
            case = random_case(rng)
            outcome = compare(arguments.program, path, case)
            if outcome == "refused":
                refused += 1
            elif outcome != "equal":
                different += 1
                print(f"{json.dumps(case)}\n  {outcome}")
                if different == 10:
                    break
    print(f"seed {arguments.seed}: {arguments.cases} cases, {different} different, "
          f"{refused} refused by vecdb only")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
