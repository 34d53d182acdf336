"""Train a pipeline, compress it, and measure the two: bytes, load, memory, accuracy, latency."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from .packages import require
from .sentences import WORDS, sentences, split
from .texts import read_texts, split_texts

Record = dict[str, Any]
Progress = Callable[[str], None]

KEPT = ("demo.joblib", "demo.nluc", "train.jsonl", "test.jsonl")  # what run(out=…) leaves behind
SAMPLED_CALLS = 300  # single sentences whose prediction is timed, on each side


def run(
    texts: Path | None = None,
    *,
    seed: int = 0,
    out: Path | None = None,
    overwrite: bool = False,
    per_template: int = 20,
    per_intent: int = 400,
    repeats: int = 5,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train, compress, measure; everything that was measured, as a dict that JSON can hold.

    texts: a JSONL file to train on (see `read_texts`) instead of the voice assistant's sentences. seed: of the
    sentences and of the split. out: a folder that keeps ``demo.joblib``, ``demo.nluc``, ``train.jsonl`` and
    ``test.jsonl``; without it they are deleted. per_template, per_intent: see `sentences`. repeats: how many fresh
    processes load each file. options: for `nlucompress.compress`. progress: gets a line of text at each step, by
    default on standard error.

    Sizes are in bytes, times in seconds, the median of the repeats. A load is timed in a fresh process from before the
    imports that it needs, with the files in the system's cache; memory is the growth of the process's resident memory
    by imports, load and the first prediction, None where the platform doesn't tell.

    Raises ValueError for texts that cannot be used, FileExistsError if a file to keep exists and overwrite is false,
    ModuleNotFoundError if one of the packages of the extra "demo" is missing.
    """
    if repeats < 1:
        raise ValueError(f"repeats {repeats} must be at least 1")
    present = [str(out / name) for name in KEPT if (out / name).exists()] if out is not None else []
    if present and not overwrite:
        raise FileExistsError(f"{', '.join(present)}: not overwritten unasked")
    for package in ("joblib", "sklearn") + (("hassil", "home_assistant_intents") if texts is None else ()):
        require(package)
    say = progress if progress is not None else _remark
    if texts is None:
        say("expanding the templates of home-assistant-intents")
        records = sentences(seed=seed, per_template=per_template, per_intent=per_intent)
        train, test = split(records, seed)
        source = f"home-assistant-intents {_version('home-assistant-intents')}, English"
        examples = json.loads(WORDS.read_text(encoding="utf-8"))["examples"]
    else:
        say(f"reading {texts}")
        records = read_texts(texts)
        train, test = split_texts(records, seed)
        source = str(texts)
        examples = _one_a_label(test, 8)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="nlucompress-demo-", dir=out) as place:
        folder = Path(place)
        measured = _measure(train, test, examples, folder, repeats, options or {}, say)
        if out is not None:
            for name, part in (("train.jsonl", train), ("test.jsonl", test)):
                lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in part)
                (folder / name).write_text("".join(lines), encoding="utf-8")
            for name in KEPT:
                os.replace(folder / name, out / name)
    data = {
        "source": source,
        "split": "template" if texts is None else "stratified",
        "labels": len({record["label"] for record in records}),
        "labels_tested": len({record["label"] for record in test}),
        "train": len(train),
        "test": len(test),
    }
    if texts is None:
        data["templates_train"] = len({record["template"] for record in train})
        data["templates_test"] = len({record["template"] for record in test})
    return {"seed": seed, "data": data, **measured, "machine": _machine(), "folder": None if out is None else str(out)}


_PROBE = """
import json, sys, time

def resident():
    try:
        import os
        with open("/proc/self/statm") as numbers:
            return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        pass
    try:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    except ImportError:
        return None

kind, path, text = json.loads(sys.argv[1])
resident()
before = resident()
start = time.perf_counter()
if kind == "joblib":
    import joblib
    model = joblib.load(path)
else:
    import nlucompress
    model = nlucompress.load(path)
loaded = time.perf_counter() - start
model.predict([text])
after = resident()
print(json.dumps({"load_seconds": loaded, "memory_bytes": None if before is None else after - before}))
"""


def _measure(
    train: Sequence[Record],
    test: Sequence[Record],
    examples: Sequence[str],
    folder: Path,
    repeats: int,
    options: Mapping[str, Any],
    say: Progress,
) -> dict[str, Any]:
    """Train, save, compress, and measure both files, which stay in the folder: demo.joblib and demo.nluc."""
    from .. import compress, load

    joblib = require("joblib")
    source, target = folder / "demo.joblib", folder / "demo.nluc"
    texts, labels = [record["text"] for record in test], [record["label"] for record in test]

    say(f"training scikit-learn on {len(train):,} sentences")
    start = time.perf_counter()
    original = pipeline().fit([record["text"] for record in train], [record["label"] for record in train])
    trained = time.perf_counter() - start
    joblib.dump(original, source)

    say(f"compressing {source.stat().st_size / 1e6:.1f} MB")
    start = time.perf_counter()
    compress(source, **options).save(target)
    compressed_seconds = time.perf_counter() - start
    compressed = load(target)

    say(f"measuring on {len(test):,} sentences")
    first, second = original.predict(texts).tolist(), compressed.predict(texts).tolist()
    timed = [texts[number % len(texts)] for number in range(SAMPLED_CALLS)]
    latencies = [_latency(model, timed) for model in (original, compressed)]

    say(f"loading each file in {repeats} fresh processes")
    probes: dict[str, list[dict[str, Any]]] = {"joblib": [], "nluc": []}
    for _ in range(repeats):  # in turn, so that a busy moment of the machine meets both
        for kind, path in (("joblib", source), ("nluc", target)):
            probes[kind].append(_probe(kind, path, texts[0]))

    flipped = [
        {"text": text, "label": label, "scikit-learn": a, "nlucompress": b}
        for text, label, a, b in zip(texts, labels, first, second, strict=True)
        if a != b
    ]
    vocabulary = sum(len(part.vocabulary_) for _, part in original[0].transformer_list)
    return {
        "original": {
            "bytes": source.stat().st_size,
            "features": vocabulary,
            "train_seconds": trained,
            "accuracy": _accuracy(first, labels),
            "sentence_seconds": latencies[0],
            **_medians(probes["joblib"]),
        },
        "compressed": {
            "bytes": target.stat().st_size,
            "compress_seconds": compressed_seconds,
            "accuracy": _accuracy(second, labels),
            "sentence_seconds": latencies[1],
            **_medians(probes["nluc"]),
        },
        "flips": {"count": len(flipped), "examples": flipped[:10]},
        "examples": [_classified(compressed, text) for text in examples],
        "options": dict(options),
        "repeats": repeats,
        "calls": len(timed),
    }


def pipeline() -> Any:
    """The untrained scikit-learn pipeline: TF-IDF of word 1-2-grams and of character 2-5-grams in words, LinearSVC."""
    vectorizer = require("sklearn.feature_extraction.text").TfidfVectorizer
    build = require("sklearn.pipeline")
    return build.make_pipeline(
        build.make_union(
            vectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", sublinear_tf=True),
            vectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        ),
        require("sklearn.svm").LinearSVC(C=1.0, random_state=0),
    )


def _probe(kind: str, path: Path, text: str) -> dict[str, Any]:
    """Load a model in a fresh process: its load_seconds and memory_bytes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path)}
    command = [sys.executable, "-c", _PROBE, json.dumps([kind, str(path), text])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise RuntimeError(f"{path}: a fresh process could not load it (exit code {done.returncode}): {last[0]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _medians(probes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    memory = [probe["memory_bytes"] for probe in probes]
    return {
        "load_seconds": statistics.median(probe["load_seconds"] for probe in probes),
        "memory_bytes": None if None in memory else int(statistics.median(memory)),
    }


def _latency(model: Any, texts: Sequence[str]) -> float:
    """Median seconds to classify one text, after a few calls to warm up."""
    for text in texts[:10]:
        model.predict([text])
    times = []
    for text in texts:
        start = time.perf_counter()
        model.predict([text])
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _accuracy(predicted: Sequence[object], labels: Sequence[object]) -> float:
    return sum(a == b for a, b in zip(predicted, labels, strict=True)) / len(labels)


def _classified(model: Any, text: str) -> dict[str, Any]:
    """The label of a text with its score, and the next best."""
    scores = model.decision_function([text])[0]
    by_class = [-float(scores), float(scores)] if len(model.classes_) == 2 else [float(score) for score in scores]
    labels = model.classes_.tolist()
    best, other = sorted(range(len(labels)), key=lambda n: -by_class[n])[:2]
    return {
        "text": text,
        "label": model.predict([text]).tolist()[0],
        "score": by_class[best],
        "next": labels[other],
        "next_score": by_class[other],
    }


def _one_a_label(records: Sequence[Record], limit: int) -> list[str]:
    """Texts of different labels, the first of each."""
    firsts: dict[Any, str] = {}
    for record in records:
        firsts.setdefault(record["label"], record["text"])
    return list(firsts.values())[:limit]


def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "scikit-learn": _version("scikit-learn"),
        "platform": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def _version(package: str) -> str:
    return metadata.version(package)


def _remark(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
