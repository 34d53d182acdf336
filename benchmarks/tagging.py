#!/usr/bin/env python3
"""What does a compressed CRF weigh, does it tag alike, and how long does a sequence take, beside python-crfsuite?

    python benchmarks/tagging.py TRAIN.jsonl[.gz] TEST.jsonl[.gz] [--train l1-0.1 l1-1 l2-0.1 l2-1] [--models FOLDER]

Trains sklearn-crfsuite's CRF (lbfgs, 100 iterations) on JSON Lines with the fields tokens and tags, l1-X with c1=X, c2=0
and l2-X with c1=0, c2=X; --models keeps what was trained for the next time. Features: word, shape, affixes, a window of
two words and their pairs, as a list of strings a token. If usaddress is installed, its parser's model is measured
on its README's and its tests' kind of addresses. Both taggers take the same lists of strings, in turn; times are medians of
processor time. "From words": making the strings in Python and python-crfsuite's tag, against a tagger with a template,
which makes them itself.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import time

from provenance import heading, provenance

import nlucompress
from nlucompress.data import read_jsonl
from nlucompress.entities import entity_score
from nlucompress.export import clone
from nlucompress.template import Template

ADDRESSES = [
    "123 Main St. Suite 100 Chicago, IL", "1600 Pennsylvania Avenue NW, Washington, DC 20500",
    "PO Box 1052, Albany NY 12207",
    "744 Evergreen Terrace", "1 West Wacker Drive Floor 12 Chicago IL 60601-1234", "State and Lake, Chicago",
    "Box 55, RR 2, Smithville TN", "12-14 N. Ashland Blvd. Apt #4B, Oak Park, Illinois 60302",
    "The Art Institute, 111 S Michigan",
    "corner of 5th Avenue and 42nd Street New York NY", "4242 1/2 County Road 17 East, Elkhart IN 46514",
]  # fmt: skip


def shape(word):
    return "".join("A" if c.isupper() else "a" if c.islower() else "0" if c.isdigit() else c for c in word)


def features(tokens):
    """Lists of strings, one a token."""
    low = [token.lower() for token in tokens]
    padded = ["<s>", "<s>", *low, "</s>", "</s>"]
    out = []
    for i, word in enumerate(low):
        window = padded[i : i + 5]
        item = ["bias", f"w={word}", f"shape={shape(tokens[i])}"]
        item += [f"w[{k - 2}]={window[k]}" for k in (0, 1, 3, 4)]
        item += [f"p[{k - 2}]={window[k]}|{window[k + 1]}" for k in range(4)]
        item += [f"pre{n}={word[:n]}" for n in (2, 3)] + [f"suf{n}={word[-n:]}" for n in (2, 3)]
        out.append(item)
    return out


def template():
    """What features() does, as data."""

    def word(at):
        return {"at": at, "do": ["lower"], "outside": "<s>" if at < 0 else "</s>"}

    texts = [["bias"], ["w=", word(0)], ["shape=", {"do": [["map", "isupper", "A", "islower", "a", "isdigit", "0"]]}]]
    texts += [[f"w[{at}]=", word(at)] for at in (-2, -1, 1, 2)]
    texts += [[f"p[{at}]=", word(at), "|", word(at + 1)] for at in (-2, -1, 0, 1)]
    texts += [[f"pre{n}=", {"do": ["lower", ["slice", 0, n]]}] for n in (2, 3)]
    texts += [[f"suf{n}=", {"do": ["lower", ["slice", -n, None]]}] for n in (2, 3)]
    return Template.parse({"features": [{"text": text} for text in texts]})


def read(path):
    """Tokens and tags of every sequence."""
    rows = [row for _, row in read_jsonl(path)]
    return [row["tokens"] for row in rows], [row["tags"] for row in rows]


def trained(name, folder, train):
    """The path of a model that sklearn-crfsuite trains, unless it is there."""
    path = folder / f"{name}.crfsuite"
    if not path.exists():
        import sklearn_crfsuite

        kind, _, strength = name.partition("-")
        c1, c2 = (float(strength), 0.0) if kind == "l1" else (0.0, float(strength))
        began = time.perf_counter()
        tokens, tags = read(train)
        crf = sklearn_crfsuite.CRF(c1=c1, c2=c2, max_iterations=100, model_filename=str(path))
        crf.fit([features(one) for one in tokens], tags)
        print(f"{name}: trained in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return path


def addresses():
    """The path of usaddress's model and sequences for it, as lists of strings."""
    import pycrfsuite
    import usaddress

    sequences = []
    for address in ADDRESSES:
        items = pycrfsuite.ItemSequence(usaddress.tokens2features(usaddress.tokenize(address))).items()
        sequences.append([[name for name, value in item.items() if value] for item in items])  # values are 0 or 1
    return pathlib.Path(usaddress.MODEL_PATH), sequences


def microseconds(tags, sequences, seconds):
    """Of each of these functions the median time of a pass over all sequences, divided by their number."""
    times, end = [[] for _ in tags], time.process_time() + seconds
    while time.process_time() < end or len(times[0]) < 5:
        for tag, measured in zip(tags, times, strict=True):
            began = time.process_time()
            for sequence in sequences:
                tag(sequence)
            measured.append((time.process_time() - began) / len(sequences) * 1e6)
    return [statistics.median(measured) for measured in times]


def from_words(path, tokens, buckets, seconds, options):
    """Microseconds a sequence, from its words: features in Python and python-crfsuite's tag, and a template's tagger."""
    import pycrfsuite

    original = pycrfsuite.Tagger()
    original.open(str(path))
    tagger = nlucompress.compress(path, template=template(), buckets=buckets, **options).tagger()
    assert all(list(map(list, tagger.template.features(one))) == list(map(unique, features(one))) for one in tokens)
    return microseconds((lambda one: original.tag(features(one)), tagger.tag), tokens, seconds)


def unique(names):
    return list(dict.fromkeys(names))


def measure(path, tokens, sequences, gold, buckets, seconds, options):
    import pycrfsuite

    original, again = pycrfsuite.Tagger(), pycrfsuite.Tagger()
    original.open(str(path))
    before = [original.tag(sequence) for sequence in sequences]
    compressed = nlucompress.compress(path, buckets=buckets, **options)
    tagger = compressed.tagger()
    after = [tagger.tag(sequence) for sequence in sequences]
    sure = nlucompress.compress(path, buckets=buckets, check_bits=32, **options).tagger()
    data = clone(path.read_bytes(), sure)
    assert again.open_inmemory(data)
    unlike = sum(again.tag(sequence) != sure.tag(sequence) for sequence in sequences)
    pairs = [(a, b) for one, two in zip(before, after, strict=True) for a, b in zip(one, two, strict=True)]
    times = microseconds((original.tag, tagger.tag), sequences, seconds)
    words = from_words(path, tokens, buckets, seconds, options) if tokens else (None, None)
    scores = [entity_score(gold, tags).f1 if gold else None for tags in (before, after)]
    return {
        "model": path.name, "labels": len(tagger.labels()), "attributes": compressed.source.n_features, "buckets": buckets,
        "sequences": len(sequences), "f1_before": scores[0], "f1_after": scores[1],
        "same_tags": sum(a == b for a, b in pairs) / len(pairs),
        "same_sequences": sum(a == b for a, b in zip(before, after, strict=True)) / len(before),
        "unlike_clone": unlike, "bytes_before": path.stat().st_size, "bytes": len(compressed.data),
        "microseconds_before": times[0], "microseconds": times[1],
        "from_words_before": words[0], "from_words": words[1],
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", type=pathlib.Path, help="TRAIN.jsonl[.gz] TEST.jsonl[.gz]")
    parser.add_argument("--train", nargs="+", default=["l1-0.1", "l1-1", "l2-0.1", "l2-1"])
    parser.add_argument("--models", type=pathlib.Path)
    parser.add_argument("--buckets", type=int, nargs="+", default=[256, 64, 32])
    parser.add_argument("--range", default="model")
    parser.add_argument("--codebook", default="even")
    parser.add_argument("--layout", default="auto")
    parser.add_argument("--seconds", type=float, default=5, help="of processor time for each line")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    if len(args.data) not in (0, 2):
        parser.error("training and test data come together")
    options = {"range": args.range, "codebook": args.codebook, "layout": args.layout}
    cases = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.models or pathlib.Path(temporary)
        if args.data:
            tokens, gold = read(args.data[1])
            sequences = [features(one) for one in tokens]
            cases += [(trained(name, folder, args.data[0]), tokens, sequences, gold) for name in args.train]
        try:
            path, sequences = addresses()
            cases.append((path, None, sequences, None))
        except ImportError:
            print("usaddress is not installed: left out", file=sys.stderr)
        results = [measure(*case, buckets, args.seconds, options) for case in cases for buckets in args.buckets]
    facts = provenance("python-crfsuite", "sklearn-crfsuite", "usaddress")
    print(f"{heading(facts)}; {options}\n")
    print("| model | labels, attributes | buckets | F1 | after | same tags | same sequences | unlike the clone "
          "| .crfsuite KB | .nluc KB | ratio | µs a sequence | after | ratio | from words | after | ratio |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for r in results:
        scores = " | ".join("–" if r[key] is None else f"{100 * r[key]:.2f}" for key in ("f1_before", "f1_after"))
        print(f"| {r['model']} | {r['labels']}, {r['attributes']:,} | {r['buckets']} | {scores} | {r['same_tags']:.2%} "
              f"| {r['same_sequences']:.2%} | {r['unlike_clone']} of {r['sequences']} | {r['bytes_before'] / 1e3:,.0f} "
              f"| {r['bytes'] / 1e3:,.0f} | 1/{r['bytes_before'] / r['bytes']:.1f} | {r['microseconds_before']:.0f} "
              f"| {r['microseconds']:.0f} | {r['microseconds'] / r['microseconds_before']:.2f} "
              + ("| – | – | – |" if r["from_words"] is None else
                 f"| {r['from_words_before']:.0f} | {r['from_words']:.0f} "
                 f"| {r['from_words'] / r['from_words_before']:.2f} |"))  # fmt: skip
    if args.json:
        args.json.write_text(json.dumps({"provenance": facts, "options": options, "results": results}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
