"""Which files vecdb takes from random trees with random ignore files, compared with git.

Every case is a folder of its own: names, .gitignore files in some of its folders, patterns of few
characters, so that they often match. `git ls-files --others --exclude-standard` and `vecdb split
--hidden` must name the same files. One case in twenty is a repository of its own with a
.git/info/exclude; the others lie together in one repository, and git and vecdb run once for all.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

NAMES = ["a", "b", "ab", "ba", "abc", "a.b", "b.a", "é", "a b", "-", "]", "!", "#a", "a ", "\\", "[", "*a",
         ".a", "A", "1", "a1b"]
PIECES = ["a", "b", "ab", "abc", "a.b", "*", "*", "**", "***", "?", "/", "/", "**/", "/**", "/**/", "[ab]",
          "[!a]", "[^b]", "[a-c]", "[]a]", "[[:alpha:]]", "[[:digit:][:upper:]]", "[[:nope:]]", "[a", "\\",
          "\\*", "\\ ", " ", "é", "-", "]", "!", "#", ".", ".*", "*.*", "[b-a]", "[a-", "\\a", "[\\]]",
          "[é]", "\t", "**\\/", "[[:x]", "[a/b]"]


def random_pattern(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.6:  # a path that may exist, perhaps with something of it exchanged
        pattern = "/".join(rng.choice(NAMES[:8]) for _ in range(rng.choice([1, 1, 2, 3])))
        if rng.random() < 0.6:
            at = rng.randrange(len(pattern) + 1)
            pattern = pattern[:at] + rng.choice(PIECES) + pattern[at + rng.randint(0, 1):]
    else:
        pattern = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 5)))
    return (rng.choice(["", "", "", "!", "/", "!/"]) + pattern + rng.choice(["", "", "", "/", " ", "  "]))


def random_ignore_file(rng: random.Random) -> bytes:
    lines = [random_pattern(rng) for _ in range(rng.randint(1, 5))]
    # Also makes the file a document of its own, which one of white space is not.
    lines.insert(rng.randint(0, len(lines)), "# a comment")
    content = rng.choice(["\n", "\n", "\n", "\r\n"]).join(lines).encode()
    content = (b"\xef\xbb\xbf" if rng.random() < 0.05 else b"") + content
    return content + (b"\n" if rng.random() < 0.8 else b"")


def make_case(rng: random.Random, root: Path) -> None:
    folders = [root]
    for _ in range(rng.randint(0, 5)):
        folders.append(rng.choice(folders) / rng.choice(NAMES[:8] + NAMES))
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for _ in range(rng.randint(4, 12)):
        path = rng.choice(folders) / rng.choice(NAMES[:8] + NAMES)
        if not path.exists():
            path.write_text("text")
    for folder in rng.sample(folders, rng.randint(1, min(3, len(folders)))):
        (folder / ".gitignore").write_bytes(random_ignore_file(rng))


def git(root: Path, *args: str) -> bytes:
    # No configuration but the repository's own: no global excludes.
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", "-C", root, *args], env=env, capture_output=True, check=True)
    return done.stdout


def files_of_git(root: Path) -> set[str]:
    names = git(root, "ls-files", "--others", "--exclude-standard", "-z").decode().split("\0")
    return {name for name in names if name}


def files_of_vecdb(program: Path, root: Path) -> set[str]:
    done = subprocess.run([program, "split", "--hidden", "."], cwd=root, capture_output=True, check=True)
    names = [json.loads(line)["uri"] for line in done.stdout.splitlines()]
    return {os.path.relpath(name, root) for name in names}


def explain(root: Path, case: str, ours: set[str], gits: set[str]) -> str:
    lines = [f"{case}: only vecdb: {sorted(ours - gits)}, only git: {sorted(gits - ours)}"]
    for path in sorted(root.rglob(".gitignore")):
        lines.append(f"  {path.relative_to(root)}: {path.read_bytes()!r}")
    exclude = root / ".git" / "info" / "exclude"
    if exclude.exists():
        lines.append(f"  .git/info/exclude: {exclude.read_bytes()!r}")
    lines += [f"  file {p.relative_to(root)}" for p in sorted(root.rglob("*")) if p.is_file() and ".git" not in p.parts]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    program = args.program.resolve()
    rng = random.Random(args.seed)
    failures = []
    excluded = 0
    with tempfile.TemporaryDirectory() as folder:
        together = Path(folder).resolve() / "together"
        together.mkdir()
        git(together, "init", "--quiet", "--template=")
        shared = args.cases * 19 // 20
        for number in range(shared):
            make_case(rng, together / f"case{number}")
        cases = [(together, "", files_of_vecdb(program, together), files_of_git(together))]
        # The rules above the walked folder hold in it too.
        for number in range(0, shared, 100):
            case = together / f"case{number}"
            for below in sorted(path for path in case.rglob("*") if path.is_dir())[:1]:
                prefix = os.path.relpath(below, together) + "/"
                excluded_itself = subprocess.run(["git", "-C", together, "check-ignore", "-q", prefix]).returncode == 0
                if excluded_itself:
                    continue  # git has nothing to say of what a user names although it is excluded
                gits = {n.removeprefix(prefix) for n in cases[0][3] if n.startswith(prefix)}
                cases.append((below, prefix, files_of_vecdb(program, below), gits))
        for number in range(args.cases - shared):
            alone = Path(folder).resolve() / f"alone{number}"
            make_case(rng, alone)
            git(alone, "init", "--quiet", "--template=")
            (alone / ".git" / "info").mkdir(exist_ok=True)
            (alone / ".git" / "info" / "exclude").write_bytes(random_ignore_file(rng))
            cases.append((alone, "", files_of_vecdb(program, alone), files_of_git(alone)))
        for root, name, ours, gits in cases:
            every = sum(1 for p in root.rglob("*") if p.is_file() and ".git" not in p.parts)
            excluded += every - len(gits)
            if ours == gits:
                continue
            if root == together:
                wrong = {n.split("/")[0] for n in ours ^ gits}
                for case in sorted(wrong):
                    part = lambda names: {n for n in names if n.startswith(case + "/")}
                    failures.append(explain(root / case, case, part(ours), part(gits)))
            else:
                failures.append(explain(root, name or root.name, ours, gits))
        if failures:
            print("\n".join(failures[:20]))
            print(f"seed {args.seed}: {len(failures)} cases differ")
            return 1
    # Of patterns that exclude nothing or everything the comparison would say nothing.
    taken = sum(len(gits) for _, _, _, gits in cases)
    assert excluded > args.cases / 2 and taken > args.cases, (excluded, taken)
    print(f"{args.cases} cases, {len(cases)} walks: {taken} files taken and {excluded} left out, as git does")
    return 0


if __name__ == "__main__":
    sys.exit(main())
