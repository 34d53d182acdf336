#!/usr/bin/env python3
"""Does a source's file, read and compressed, predict what the tool that wrote it predicts?

    python benchmarks/sources.py [TRAIN.jsonl[.gz] TEST.jsonl[.gz]] [--only NAME …] [--json OUT.json]

Each source's tool trains on the same texts (words and pairs of words) and writes its own file. Printed, as Markdown: the
texts on which the imported model has the tool's label, and those on which the .nluc has it (256 buckets, 32 check bits, so
that only quantizing differs); the bytes of the tool's file, with that of the names where the tool keeps none, and of
the .nluc at 8 check bits. Without arguments the texts are the demo's. A source whose tool is not installed is skipped.

To add a source: a function of SOURCES that takes Data and a folder and yields Rows; ImportError skips it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import re
import sys
import tempfile
import time
from itertools import pairwise

from provenance import heading, provenance

import nlucompress
from nlucompress.data import read_labelled
from nlucompress.reference import exact


@dataclasses.dataclass
class Data:
    """Texts with labels (strings), to train on and to test on."""

    train: list[str]
    train_labels: list[str]
    test: list[str]
    test_labels: list[str]

    def labels(self):
        return sorted(set(self.train_labels))


@dataclasses.dataclass
class Row:
    """One line of the table: how many test texts have the tool's label, and the bytes."""

    source: str
    reads: str
    texts: int
    imported: int
    compressed: int
    before: int
    after: int
    seconds: float
    right_before: int
    right_after: int


def words(text):
    """Words and pairs of neighbours, as every tool here gets them: none has a blank, a bar, a colon or a tab."""
    one = re.findall(r"\w+|[^\w\s|:]", text.lower())
    return [*one, *(f"{a}_{b}" for a, b in pairwise(one))]


def row(source, reads, data, samples, predicted, files, names=None):
    """Import and compress files[0]; predicted: the tool's labels of the test texts, as the model has them."""
    began = time.perf_counter()
    model = nlucompress.import_model(files[0], names=names)
    seconds = time.perf_counter() - began
    imported = exact(model).predict(samples).tolist()
    compressed = nlucompress.compress(model, check_bits=32).model().predict(samples).tolist()
    gold = [str(label) for label in data.test_labels]
    named = dict(zip(model.classes.tolist(), data.labels(), strict=True)) if model.classes.dtype.kind == "i" else {}
    right = [sum(named.get(label, label) == wanted for label, wanted in zip(found, gold, strict=True))
             for found in (predicted, compressed)]  # fmt: skip
    return Row(source, reads, len(samples), _equal(imported, predicted), _equal(compressed, predicted),
               sum(pathlib.Path(file).stat().st_size for file in files), len(nlucompress.compress(model).data), seconds,
               *right)  # fmt: skip


def _equal(found, predicted):
    return sum(a == b for a, b in zip(found, predicted, strict=True))


def table(data, folder):
    """A scikit-learn pipeline as TSV, with facts; it answers texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline

    from nlucompress.export import export_tsv

    pipeline = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2)), SGDClassifier(penalty="l1", alpha=1e-5, random_state=0)
    )
    pipeline.fit(data.train, data.train_labels)
    export_tsv(pipeline, folder / "model.tsv")
    yield row("table (TSV of a scikit-learn pipeline)", "feature, label, weight; facts", data, data.test,
              pipeline.predict(data.test).tolist(), [folder / "model.tsv"])  # fmt: skip


def liblinear(data, folder):
    """LIBLINEAR with L2 and L1 penalties; labels are the numbers of the sorted labels, in the order of the data."""
    from liblinear import liblinearutil

    numbers = {word: i for i, word in enumerate(sorted({w for text in data.train for w in words(text)}), 1)}
    (folder / "names.txt").write_text("".join(f"{word}\n" for word in numbers), encoding="utf-8")
    labels = data.labels()

    def sample(text):
        return {numbers[word]: 1.0 for word in words(text) if word in numbers}

    order = sorted(
        range(len(data.train)), key=lambda i: data.train_labels[i]
    )  # its model keeps the order of appearance
    for solver, name in ((1, "L2R_L2LOSS_SVC_DUAL"), (5, "L1R_L2LOSS_SVC"), (0, "L2R_LR")):
        model = liblinearutil.train([labels.index(data.train_labels[i]) for i in order],
                                    [sample(data.train[i]) for i in order], f"-s {solver} -B 1 -q")  # fmt: skip
        file = folder / f"{name}.model"
        liblinearutil.save_model(str(file), model)
        found, _, _ = liblinearutil.predict([], [sample(text) for text in data.test], model, "-q")
        samples = [dict.fromkeys(words(text), 1.0) for text in data.test]
        yield row(f"LIBLINEAR {name}", "text model, --names", data, samples, [int(label) for label in found],
                  [file, folder / "names.txt"], folder / "names.txt")  # fmt: skip


def vowpal_wabbit(data, folder):
    """VW with one weight a class, logistic loss: its two text models."""
    import vowpalwabbit

    from nlucompress.importers.vowpal_wabbit import features

    labels, bits = data.labels(), 20
    files = {"readable_model": folder / "vw.readable", "invert_hash": folder / "vw.invert"}
    work = vowpalwabbit.Workspace(f"--oaa {len(labels)} --loss_function logistic -b {bits} --quiet --predict_only_model "
                                  + " ".join(f"--{name} {file}" for name, file in files.items()))  # fmt: skip
    lines = [f"|t {' '.join(words(text))}" for text in data.test]
    for _ in range(3):
        for i in range(0, len(data.train)):
            k = (i * 7919) % len(data.train)  # classes mixed
            work.learn(f"{labels.index(data.train_labels[k]) + 1} |t {' '.join(words(data.train[k]))}")
    predicted = [work.predict(line) for line in lines]
    work.finish()
    shift = (len(labels) - 1).bit_length()
    for name, file in files.items():
        hashed = bits - shift if name == "readable_model" else None
        yield row(f"Vowpal Wabbit --{name}", "hashes" if hashed else "names", data,
                  [features(line, hashed) for line in lines], predicted, [file])  # fmt: skip


def scikit_learn(data, folder):
    """A pipeline as .joblib, and as .skops if that is installed; and one of hashed features."""
    import joblib
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    for name, vectorizer in (("TfidfVectorizer", TfidfVectorizer(ngram_range=(1, 2))),
                             ("HashingVectorizer", HashingVectorizer(n_features=1 << 16))):  # fmt: skip
        pipeline = make_pipeline(vectorizer, LinearSVC(random_state=0)).fit(data.train, data.train_labels)
        predicted = pipeline.predict(data.test).tolist()
        joblib.dump(pipeline, folder / "model.joblib")
        yield row(f"scikit-learn {name}, LinearSVC", ".joblib", data, data.test, predicted, [folder / "model.joblib"])
    try:
        import skops.io
    except ImportError:
        return
    skops.io.dump(pipeline, folder / "model.skops")
    yield row(
        "scikit-learn HashingVectorizer, LinearSVC", ".skops", data, data.test, predicted, [folder / "model.skops"]
    )


def nltk(data, folder):
    """NLTK's naive Bayes of the words that a text has, pickled."""
    import pickle

    from nltk.classify import NaiveBayesClassifier

    def sample(text):
        return dict.fromkeys(words(text), True)

    model = NaiveBayesClassifier.train([(sample(x), y) for x, y in zip(data.train, data.train_labels, strict=True)])
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    short = dataclasses.replace(
        data, test=data.test[:1000], test_labels=data.test_labels[:1000]
    )  # it takes 10 ms a text
    samples = [sample(text) for text in short.test]
    yield row(
        "NLTK NaiveBayesClassifier", "pickle", short, samples, model.classify_many(samples), [folder / "model.pkl"]
    )


def fasttext(data, folder):
    """One of fastText with softmax, words, pairs and subwords."""
    import fasttext

    def flat(text):
        return " ".join(text.lower().split())

    names = {label: f"__label__{i}" for i, label in enumerate(data.labels())}
    lines = [f"{names[y]} {flat(x)}\n" for x, y in zip(data.train, data.train_labels, strict=True)]
    (folder / "train.txt").write_text("".join(lines), encoding="utf-8")
    model = fasttext.train_supervised(str(folder / "train.txt"), dim=16, bucket=20_000, wordNgrams=2, minn=2, maxn=4,
                                      epoch=10, lr=0.5, thread=1, verbose=0)  # fmt: skip
    model.save_model(str(folder / "model.bin"))
    texts = [flat(text) for text in data.test]
    predicted = [model.f.predict(text + "\n", 1, 0.0, "strict")[0][1].removeprefix("__label__") for text in texts]
    numbered = dataclasses.replace(data, test_labels=[str(data.labels().index(y)) for y in data.test_labels])
    yield row("fastText, softmax", ".bin", numbered, texts, predicted, [folder / "model.bin"])


SOURCES = {"scikit-learn": scikit_learn, "table": table, "liblinear": liblinear, "vowpal-wabbit": vowpal_wabbit,
           "nltk": nltk, "fasttext": fasttext}  # fmt: skip


VERSIONS = ("scikit-learn", "skops", "liblinear-official", "vowpalwabbit", "nltk", "fasttext")


def read(pair):
    """The data of two files, or the demo's."""
    if pair:
        (train, train_labels), (test, test_labels) = (read_labelled(file) for file in pair)
    else:
        from nlucompress import demo

        parts = demo.split(demo.sentences())
        (train, train_labels), (test, test_labels) = (
            ([r["text"] for r in part], [r["label"] for r in part]) for part in parts)  # fmt: skip
    known = set(map(str, train_labels))
    kept = [i for i, label in enumerate(test_labels) if str(label) in known]
    return Data(train, list(map(str, train_labels)), [test[i] for i in kept], [str(test_labels[i]) for i in kept])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help="TRAIN.jsonl TEST.jsonl")
    parser.add_argument("--only", nargs="+", choices=list(SOURCES), help="Sources to measure.")
    parser.add_argument("--json", type=pathlib.Path)
    args = parser.parse_args()
    if len(args.files) not in (0, 2):
        parser.error("give both TRAIN.jsonl and TEST.jsonl, or none")
    data, rows = read(args.files), []
    facts = provenance(*VERSIONS)
    print(f"{heading(facts)}\n")
    print(f"{len(data.train):,} texts to train on, {len(data.test):,} to test, {len(data.labels())} labels\n")
    print("| source | reads | texts | equal labels, imported | equal labels, .nluc | bytes before | after | ratio "
          "| accuracy before | after |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in args.only or SOURCES:
        with tempfile.TemporaryDirectory() as folder:
            try:
                for one in SOURCES[name](data, pathlib.Path(folder)):
                    rows.append(one)
                    accuracy = f"{one.right_before / one.texts:.4f} | {one.right_after / one.texts:.4f}"
                    size = f"{one.before:,} | {one.after:,} | 1/{one.before / one.after:.1f}"
                    print(f"| {one.source} | {one.reads} | {one.texts:,} | {one.imported:,} | {one.compressed:,} | {size} "
                          f"| {accuracy} |", flush=True)  # fmt: skip
            except ImportError as error:
                print(f"| {name} | skipped: {error} |" + " |" * 8)
    if args.json:
        kept = [{**dataclasses.asdict(one), "provenance": facts} for one in rows]  # so that runs can be put together
        args.json.write_text(json.dumps(kept, indent=1))


if __name__ == "__main__":
    sys.exit(main())
