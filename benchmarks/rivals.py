#!/usr/bin/env python3
"""Models of the same texts by each library, made once into a folder; latency.py and load.py open and ask them.

    python benchmarks/rivals.py FOLDER [MODEL.joblib TRAIN.jsonl[.gz] TEST.jsonl[.gz]] [--only KIND …]

MODEL is the trained pipeline, TRAIN what it was trained on; without them all train on the demo's sentences. Each kind is
made in a process of its own; one whose package is not installed is left out, and named. Settings are each library's best:

* scikit-learn, nlucompress: the pipeline; 256 buckets, 8 check bits, both layouts, and the reference in numpy.
* onnxruntime: skl2onnx refuses char_wb, and its sublinear_tf is log(1 + tf), not 1 + log(tf). So `onnx_rival.trained`
  trains again with n-grams of plain characters and without sublinear_tf; and once more with words alone. All graph
  optimizations; one thread, or as many as it takes by itself. Batches of 64: its rows are dense, larger ones are slower.
* fastText: the two ends of search.py's settings, vectors of 64 numbers (most accurate) and of 16 (fastest), word pairs and
  subwords of 2 to 5 characters, 200,000 buckets; .bin, and .ftz with the 50,000 rows that matter most, retrained. Called
  is `f.predict`, which its own `predict` wraps and then fails with numpy 2 (np.array(…, copy=False)).
* Vowpal Wabbit: --oaa, logistic loss, words and pairs, 10 passes; and with the affixes of 2 to 4 characters of each word,
  its nearest to character n-grams. `Workspace.predict` of a line, which parses it.

What a library takes (an array, a line of words in lower case) is made of a text before its call is timed. This module
imports no library until it opens a model, so that load.py can tell what that costs.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from workers import Clock, Worker, resident, serve

BATCH = 64  # texts that onnxruntime is given at once
GRAMS = {"wordNgrams": 2, "minn": 2, "maxn": 5, "bucket": 200_000}
QUANTIZED = {"cutoff": 50_000, "retrain": True, "qnorm": True}
OAA = "--loss_function logistic --ngram t2 --passes 10 --holdout_off -c -k --quiet"
AFFIXES = "--affix +2t,-2t,+3t,-3t,+4t,-4t"


@dataclass
class Opened:
    """one and many: of an input, of a list of inputs; read: a text -> input; labels: what many returns -> labels."""

    one: Callable[[Any], Any]
    many: Callable[[list[Any]], Any]
    read: Callable[[str], Any] = str
    labels: Callable[[Any], list[str]] = list


@dataclass(frozen=True)
class Contender:
    """kind: what makes its file; modules: imported before it is opened; variables: of its process's environment."""

    kind: str
    file: str
    modules: tuple[str, ...]
    open: Callable[[pathlib.Path], Opened]
    variables: dict[str, str] = field(default_factory=dict)


# -- opening -----------------------------------------------------------------------------------------------------------


def open_joblib(path):
    model = sys.modules["joblib"].load(path)
    return Opened(lambda text: model.predict([text]), model.predict, labels=lambda found: found.tolist())


def open_nluc(path):
    model = sys.modules["nlucompress"].load(path)
    return Opened(lambda text: model.predict([text]), model.predict, labels=lambda found: found.tolist())


def open_onnx(threads):
    """threads: 0 leaves it to onnxruntime."""

    def opened(path):
        numpy, runtime = sys.modules["numpy"], sys.modules["onnxruntime"]
        options = runtime.SessionOptions()
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
        if threads:
            options.intra_op_num_threads = options.inter_op_num_threads = threads
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

        def many(arrays):
            joined = numpy.concatenate(arrays)
            return [session.run(["label"], {"text": joined[i : i + BATCH]})[0] for i in range(0, len(joined), BATCH)]

        return Opened(
            lambda array: session.run(["label"], {"text": array})[0], many,
            lambda text: numpy.array([[text]], object), lambda found: numpy.concatenate(found).tolist(),
        )  # fmt: skip

    return opened


def open_fasttext(path):
    core = sys.modules["fasttext"].load_model(str(path)).f
    names = json.loads((path.parent / "labels.json").read_text())

    def labels(found):
        return [names[int(one[0].removeprefix("__label__"))] if one else None for one in found[0]]

    return Opened(
        lambda line: core.predict(line, 1, 0.0, "strict"), lambda lines: core.multilinePredict(lines, 1, 0.0, "strict"),
        lambda text: flat(text) + "\n", labels,
    )  # fmt: skip


def open_vowpal(path):
    work = sys.modules["vowpalwabbit"].Workspace(f"-i {path} -t --quiet")
    names = json.loads((path.parent / "labels.json").read_text())
    return Opened(
        work.predict, lambda lines: [work.predict(line) for line in lines], vowpal_line,
        lambda found: [names[number - 1] for number in found],
    )  # fmt: skip


def flat(text):
    """On one line, in lower case: fastText ends at a line's end and knows no case."""
    return " ".join(text.lower().split())


def vowpal_line(text):
    """Words in lower case, which have none of the characters that mean something to Vowpal Wabbit."""
    return "|t " + " ".join(re.findall(r"\w+", text.lower()))


ORT, OURS = ("numpy", "onnxruntime"), ("nlucompress.runtime",)
CONTENDERS = {
    "scikit-learn": Contender("scikit-learn", "model.joblib", ("joblib", "sklearn"), open_joblib),
    "nlucompress, fast": Contender("nlucompress", "fast.nluc", OURS, open_nluc),
    "nlucompress, small": Contender("nlucompress", "small.nluc", OURS, open_nluc),
    "nlucompress, reference": Contender(
        "nlucompress", "fast.nluc", OURS, open_nluc, {"NLUCOMPRESS_BACKEND": "reference"}
    ),
    "onnxruntime, 1 thread": Contender("onnxruntime", "characters.onnx", ORT, open_onnx(1)),
    "onnxruntime, its default": Contender("onnxruntime", "characters.onnx", ORT, open_onnx(0)),
    "onnxruntime, words alone, 1 thread": Contender("onnxruntime", "words.onnx", ORT, open_onnx(1)),
    "fastText .bin, dim 64": Contender("fastText", "64.bin", ("fasttext",), open_fasttext),
    "fastText .ftz, dim 64": Contender("fastText", "64.ftz", ("fasttext",), open_fasttext),
    "fastText .bin, dim 16": Contender("fastText", "16.bin", ("fasttext",), open_fasttext),
    "fastText .ftz, dim 16": Contender("fastText", "16.ftz", ("fasttext",), open_fasttext),
    "Vowpal Wabbit, affixes": Contender("Vowpal Wabbit", "affixes.vw", ("vowpalwabbit",), open_vowpal),
    "Vowpal Wabbit, words": Contender("Vowpal Wabbit", "words.vw", ("vowpalwabbit",), open_vowpal),
}


# -- making ------------------------------------------------------------------------------------------------------------


def make_scikit_learn(folder, texts, labels):
    """Unless it was given: the demo's pipeline."""
    import joblib

    from nlucompress import demo

    if not (folder / "model.joblib").exists():
        joblib.dump(demo.pipeline().fit(texts, labels), folder / "model.joblib")


def make_nlucompress(folder, texts, labels):
    import nlucompress

    for layout in ("fast", "small"):
        nlucompress.compress(folder / "model.joblib", layout=layout).save(folder / f"{layout}.nluc", overwrite=True)


def make_onnxruntime(folder, texts, labels):
    import onnx_rival
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5))
    for file, vectorizers in ("characters", [words, characters]), ("words", [words]):
        data = onnx_rival.trained(vectorizers, LinearSVC(C=1.0, random_state=0), texts, labels)
        (folder / f"{file}.onnx").write_bytes(data)


def make_fasttext(folder, texts, labels):
    from search import quantize, train

    numbers = {label: number for number, label in enumerate(json.loads((folder / "labels.json").read_text()))}
    lines = folder / "fasttext.txt"
    marked = (f"__label__{numbers[label]} {flat(text)}\n" for text, label in zip(texts, labels, strict=True))
    lines.write_text("".join(marked), encoding="utf-8")
    few = [flat(text) for text in texts[:1]], [f"__label__{numbers[label]}" for label in labels[:1]]
    for dim in (64, 16):
        if train(lines, str(folder / f"{dim}.bin"), {"dim": dim, **GRAMS}, few) is None:
            raise SystemExit("no training without a NaN")
        if quantize(lines, str(folder / f"{dim}.bin"), QUANTIZED, (few, few)) is None:
            raise SystemExit("no quantization without a NaN")


def make_vowpal(folder, texts, labels):
    import vowpalwabbit

    numbers = {label: number for number, label in enumerate(json.loads((folder / "labels.json").read_text()), 1)}
    lines = [f"{numbers[label]} {vowpal_line(text)}\n" for text, label in zip(texts, labels, strict=True)]
    random.Random(0).shuffle(lines)  # it learns online: labels must come mixed
    data = folder / "vowpal.txt"
    data.write_text("".join(lines), encoding="utf-8")
    for file, more in (("words", "-b 20"), ("affixes", f"-b 22 {AFFIXES}")):
        vowpalwabbit.Workspace(f"--oaa {len(numbers)} -d {data} -f {folder / file}.vw {OAA} {more}").finish()


MAKERS = {
    "scikit-learn": (("sklearn", "joblib"), make_scikit_learn),
    "nlucompress": ((), make_nlucompress),
    "onnxruntime": (("onnxruntime", "skl2onnx"), make_onnxruntime),
    "fastText": (("fasttext",), make_fasttext),
    "Vowpal Wabbit": (("vowpalwabbit",), make_vowpal),
}


def missing(modules):
    """Why one of the modules cannot be imported, or None."""
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            return str(error)
    return None


def make(folder, given, only=()):
    """Train, convert and quantize into a folder; kinds that cannot be made are named on standard error."""
    folder.mkdir(parents=True, exist_ok=True)
    if given:
        from nlucompress.data import read_labelled

        shutil.copy(given[0], folder / "model.joblib")
        parts = [read_labelled(file) for file in given[1:]]
    else:
        from nlucompress import demo

        rows = demo.split(demo.sentences())
        parts = [([row["text"] for row in part], [row["label"] for row in part]) for part in rows]
    texts = {
        name: {"texts": part[0], "labels": list(map(str, part[1]))}
        for name, part in zip(("train", "test"), parts, strict=True)
    }
    (folder / "texts.json").write_text(json.dumps(texts))
    (folder / "labels.json").write_text(json.dumps(sorted(set(texts["train"]["labels"]))))
    (folder / "judged.json").unlink(missing_ok=True)
    for kind in only or MAKERS:
        print(f"{folder}: {kind}", file=sys.stderr)
        # fastText 0.9.3 reads memory that nothing was written to: see fasttext_models.py
        variables = {"MALLOC_PERTURB_": "255"} if kind == "fastText" else {}
        command = [sys.executable, __file__, str(folder), "--make", kind]
        if subprocess.run(command, env={**os.environ, **variables}, stdout=sys.stderr, check=False).returncode:
            print(f"{kind}: left out", file=sys.stderr)


def make_one(kind, folder):
    """In a process of its own."""
    modules, maker = MAKERS[kind]
    if why := missing(modules):
        raise SystemExit(why)
    train = json.loads((folder / "texts.json").read_text())["train"]
    maker(folder, train["texts"], train["labels"])


# -- asking: the process of a contender --------------------------------------------------------------------------------


def contender_process(name, folder):
    """Open when told to, and then predict; see latency.py and load.py for what is asked."""
    contender = CONTENDERS[name]
    opened, inputs, truth = None, [], []

    def answer(do, first=0, last=0):
        nonlocal opened
        if do == "open":
            path, clocks = folder / contender.file, {}
            text = json.loads((folder / "first.json").read_text())
            before = resident()
            with Clock() as clocks["import"]:
                for module in contender.modules:
                    importlib.import_module(module)
            with Clock() as clocks["load"]:
                opened = contender.open(path)
            with Clock() as clocks["first"]:
                opened.one(opened.read(text))
            after = resident()
            grown = after and {kind: after[kind] - before[kind] for kind in after}
            return {"resident": grown, **{step: [clock.wall, clock.cpu] for step, clock in clocks.items()}}
        if do == "read":
            texts = json.loads((folder / "texts.json").read_text())["test"]
            inputs.extend(map(opened.read, texts["texts"]))
            truth.extend(texts["labels"])
            return len(inputs)
        if do == "accuracy":
            found = opened.labels(opened.many(inputs))
            return sum(map(str.__eq__, map(str, found), truth)) / len(truth)
        if do == "together":
            some = inputs[first:last]
            with Clock() as clock:
                opened.many(some)
            return [clock.wall, clock.cpu]
        walls, one = [], opened.one
        with Clock() as whole:
            for each in inputs[first:last]:
                with Clock() as clock:
                    one(each)
                walls.append(clock.wall)
        return [walls, whole.cpu]

    serve(answer)


def contender(name, folder, variables=None):
    """A Worker of one; variables: of its environment, besides its own."""
    return Worker([__file__, folder, "--serve", name], {**(variables or {}), **CONTENDERS[name].variables})


def judged(folder):
    """{contender: {"accuracy": of the test texts, "bytes": of its file}} of those that open; kept in a file of the folder.

    The others are left out, and named on standard error.
    """
    kept = folder / "judged.json"
    if kept.exists():
        return json.loads(kept.read_text())
    texts = json.loads((folder / "texts.json").read_text())["test"]["texts"]
    (folder / "first.json").write_text(json.dumps(texts[0]))
    found = {}
    for name, one in CONTENDERS.items():
        if not (folder / one.file).exists():
            print(f"{name}: left out (no {one.file})", file=sys.stderr)
            continue
        try:
            with contender(name, folder) as worker:
                worker.ask(do="open")
                worker.ask(do="read")
                found[name] = {"accuracy": worker.ask(do="accuracy"), "bytes": (folder / one.file).stat().st_size}
        except RuntimeError as error:
            print(f"{name}: left out ({error})", file=sys.stderr)
    kept.write_text(json.dumps(found, indent=1))
    return found


@contextlib.contextmanager
def folders(given):
    """{folder: what `judged` says of its models}; of the demo's sentences, made now, if none is given."""
    with tempfile.TemporaryDirectory() as made:
        if not given:
            given = [pathlib.Path(made) / "demo"]
            make(given[0], [])
        yield {folder: judged(folder) for folder in given}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("given", nargs="*", help="MODEL.joblib TRAIN.jsonl[.gz] TEST.jsonl[.gz]")
    parser.add_argument("--only", nargs="+", choices=MAKERS, metavar="KIND", help=", ".join(MAKERS))
    parser.add_argument("--make", choices=MAKERS, help=argparse.SUPPRESS)
    parser.add_argument("--serve", choices=CONTENDERS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        contender_process(args.serve, args.folder)
    elif args.make:
        make_one(args.make, args.folder)
    elif len(args.given) not in (0, 3):
        parser.error("a model, its training texts and test texts, or none of them")
    else:
        make(args.folder, args.given, args.only or ())
        judged(args.folder)


if __name__ == "__main__":
    main()
