"""Trains small tokenizers with Hugging Face's `tokenizers` and saves them as checkouts do.

Each maker takes a folder and returns the `Tokenizer` whose tokenizer.json lies in it afterwards. The
texts are test/data/state_of_the_union.txt and lines in other languages and of code.
"""

import json
from pathlib import Path

from tokenizers import (
    AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers)

DATA = Path(__file__).resolve().parents[1] / "data"
BERT_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]

LINES = """Der Zug nach München fährt heute später, und die Straße ist nass.
Où est la bibliothèque ? Elle est à côté de la gare, près du café.
El niño compró un café con leche en la esquina de la calle mayor.
Сегодня хорошая погода, и дети играют в парке около реки.
Σήμερα ο καιρός είναι καλός και τα παιδιά παίζουν στο πάρκο.
היום מזג האוויר יפה והילדים משחקים בגן ליד הנהר.
आज मौसम अच्छा है और बच्चे नदी के पास खेल रहे हैं।
วันนี้อากาศดี เด็กๆ เล่นอยู่ในสวนใกล้แม่น้ำ
今天天气很好，孩子们在河边的公园里玩。
今日は天気がいいので、子供たちは川の近くの公園で遊んでいます。
오늘은 날씨가 좋아서 아이들이 강가 공원에서 놀고 있어요.
def make_text(rng, count=3): return [rng.choice(WORDS) for _ in range(count)]  # don't
for (std::size_t i = 0; i < text.size(); ++i) { total += text[i] == '\\n' ? 1 : 0; }
if err != nil {	return nil, fmt.Errorf("read %s: %w", path, err) }
👍 👩‍👧 😀 ❤️ → ½ × © « » … – — “ ” ‘ ’ € 1234567890 3.14 ...... ----- ====""".split("\n")


def lines() -> list[str]:
    speech = (DATA / "state_of_the_union.txt").read_text(encoding="utf-8").split("\n")
    return speech + 5 * LINES


def save(tokenizer: Tokenizer, folder: Path, change=lambda spec: None) -> Tokenizer:
    """Writes tokenizer.json, changed as older and other writers spell it, and reads it again."""
    spec = json.loads(tokenizer.to_str())
    change(spec)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")
    return Tokenizer.from_file(str(path))


def template(tokenizer: Tokenizer, first: str, last: str) -> processors.TemplateProcessing:
    return processors.TemplateProcessing(
        single=f"{first} $A {last}", pair=f"{first} $A {last} $B:1 {last}:1",
        special_tokens=[(each, tokenizer.token_to_id(each)) for each in (first, last)])


def added(normalized: bool, mask_takes_space: bool = True) -> list[AddedToken]:
    return [AddedToken(each, normalized=normalized, special=True,
                       lstrip=mask_takes_space and each == "<mask>") for each in SPECIAL]


# ---- byte-level BPE, as RoBERTa and jina-embeddings-v2-base-code have it ----

def byte_level(folder: Path, *, prefix_space=False, use_regex=True, normalized=False,
               processor="roberta", legacy_merges=False, normalizer=None, before=None,
               size=3000, more=()) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(continuing_subword_prefix="", end_of_word_suffix=""))
    level = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space, use_regex=use_regex)
    tokenizer.pre_tokenizer = level if before is None else pre_tokenizers.Sequence([before, level])
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIAL, show_progress=False, max_token_length=40,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(lines(), trainer)
    tokenizer.add_special_tokens([*added(normalized), *more])
    ends = (("</s>", tokenizer.token_to_id("</s>")), ("<s>", tokenizer.token_to_id("<s>")))
    tokenizer.post_processor = {
        "roberta": lambda: processors.RobertaProcessing(*ends, add_prefix_space=prefix_space),
        "bert": lambda: processors.BertProcessing(*ends),
        "template": lambda: template(tokenizer, "<s>", "</s>"),
        "sequence": lambda: processors.Sequence(
            [processors.ByteLevel(trim_offsets=False), template(tokenizer, "<s>", "</s>")]),
    }[processor]()

    def change(spec):
        for token in spec["added_tokens"]:
            if token["content"] in SPECIAL:
                token.update(normalized=normalized, lstrip=token["content"] == "<mask>")
        if legacy_merges:
            spec["model"]["merges"] = [" ".join(pair) for pair in spec["model"]["merges"]]
    return save(tokenizer, folder, change)


# ---- BPE of characters, as jina-embeddings-v2-base-zh has it ----

def characters(folder: Path, *, split=None, fuse=False, lower=True, size=3000) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=fuse))
    if lower:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase()])
    tokenizer.pre_tokenizer = split or pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(lines(), trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIAL, show_progress=False, limit_alphabet=300))
    tokenizer.post_processor = template(tokenizer, "<s>", "</s>")
    return save(tokenizer, folder)


# ---- Unigram, as jina-embeddings-v3 has it ----

def charsmap() -> bytes:
    """nmt_nfkc's, from the model that is SentencePiece's own."""
    def read_varint(data, at):
        value = shift = 0
        while True:
            value, shift, at = value | (data[at] & 0x7F) << shift, shift + 7, at + 1
            if data[at - 1] < 0x80:
                return value, at

    def field(data, wanted):
        at = 0
        while at < len(data):
            key, at = read_varint(data, at)
            if key & 7 == 0:
                _, at = read_varint(data, at)
                continue
            size, at = read_varint(data, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
            if key >> 3 == wanted:
                return data[at:at + size]
            at += size
        raise AssertionError(f"no field {wanted}")
    return field(field((DATA / "sentencepiece.bpe.model").read_bytes(), 3), 2)


SPACES = Regex(" {2,}")
NORMALIZERS = {
    "none": lambda: [],
    "precompiled": lambda: [normalizers.Precompiled(charsmap())],
    "spaces": lambda: [normalizers.Precompiled(charsmap()), normalizers.Replace(SPACES, " ")],
    "strip": lambda: [normalizers.Precompiled(charsmap()), normalizers.Strip(left=False, right=True),
                      normalizers.Replace(SPACES, "▁")],
}


def unigram(folder: Path, *, normalizer="spaces", split=False, legacy=False, size=1500) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    parts = NORMALIZERS[normalizer]()
    if parts:
        tokenizer.normalizer = parts[0] if len(parts) == 1 else normalizers.Sequence(parts)
    metaspace = pre_tokenizers.Metaspace("▁", "always")
    tokenizer.pre_tokenizer = (pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
                               if split else metaspace)
    tokenizer.train_from_iterator(lines(), trainers.UnigramTrainer(
        vocab_size=size, special_tokens=SPECIAL[:4], unk_token="<unk>", show_progress=False))
    tokenizer.add_special_tokens(added(False))

    def change(spec):
        spec["model"]["vocab"].append(["<mask>", 0.0])
        for token in spec["added_tokens"]:
            token["lstrip"] = token["content"] == "<mask>"
        if legacy:
            for part in spec["pre_tokenizer"].get("pretokenizers", [spec["pre_tokenizer"]]):
                if part["type"] == "Metaspace":
                    part.pop("prepend_scheme"), part.pop("split", None)
                    part["add_prefix_space"] = True
    tokenizer.post_processor = template(tokenizer, "<s>", "</s>")
    return save(tokenizer, folder, change)


# ---- WordPiece ----

def wordpiece(folder: Path, *, lower=True, strip=None, chinese=True, processor="template",
              size=2000, save_json=True) -> Tokenizer:
    """With save_json false vocab.txt and tokenizer_config.json instead."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=chinese, strip_accents=strip, lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(lines(), trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=BERT_SPECIAL, show_progress=False))
    tokenizer.decoder = decoders.WordPiece()
    if processor == "template":
        tokenizer.post_processor = template(tokenizer, "[CLS]", "[SEP]")
    else:
        tokenizer.post_processor = processors.BertProcessing(
            ("[SEP]", tokenizer.token_to_id("[SEP]")), ("[CLS]", tokenizer.token_to_id("[CLS]")))
    if save_json:
        return save(tokenizer, folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokens = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    (folder / "vocab.txt").write_text("".join(t + "\n" for t in tokens), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "BertTokenizer", "do_lower_case": lower, "strip_accents": strip,
        "tokenize_chinese_chars": chinese}))
    return tokenizer
