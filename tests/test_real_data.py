"""Real sentences, real pipelines: what compression keeps.

The demo's sentences are everywhere; the three published data sets are used where the checkout has ../shared/data beside it.
"""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

import nlucompress
from nlucompress import demo

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
ELSEWHERE = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not beside this checkout")


def demo_sentences():
    """Texts and labels of the demo, from templates for training and from others for test."""
    train, test = demo.split(demo.sentences(per_template=8, per_intent=100))
    return [([row["text"] for row in part], [row["label"] for row in part]) for part in (train, test)]


def published(name):
    """Texts and labels of a published data set."""
    parts = []
    for split in ("train", "test"):
        with gzip.open(SHARED / f"{name}.{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        parts.append(([row["text"] for row in rows], [row["label"] for row in rows]))
    return parts


@pytest.fixture(scope="module", params=["demo", *(pytest.param(n, marks=ELSEWHERE) for n in ("snips", "clinc150"))])
def case(request):
    """(pipeline, test texts, test labels, compressed, compressed with 32 check bits)."""
    (texts, labels), (test_texts, test_labels) = (
        demo_sentences() if request.param == "demo" else published(request.param)
    )
    pipeline = demo.pipeline().fit(texts, labels)
    sure = nlucompress.compress(pipeline, check_bits=32)
    return pipeline, test_texts, np.array(test_labels), nlucompress.compress(pipeline), sure


def test_256_buckets_keep_accuracy_and_labels(case):
    pipeline, texts, labels, compressed, _ = case
    before, after = pipeline.predict(texts), compressed.model().predict(texts)
    assert abs((before == labels).mean() - (after == labels).mean()) <= 0.0015
    assert (before == after).mean() >= 0.994


def test_with_32_check_bits_every_answer_is_the_dequantized_clones(case):
    pipeline, texts, _, _, sure = case
    dequantized, coef = sure.dequantized(), pipeline[-1].coef_
    idfs = [vectorizer.idf_ for _, vectorizer in pipeline[0].transformer_list]
    try:
        pipeline[-1].coef_ = dequantized.coefficients().T
        start = 0
        for _, vectorizer in pipeline[0].transformer_list:
            vectorizer.idf_ = dequantized.idf[start : start + len(vectorizer.vocabulary_)]
            start += len(vectorizer.vocabulary_)
        texts = [*texts, "", "?!", "zzz qqq", "ÄÖÜ İstanbul ΑΣ", "播放音乐"]
        np.testing.assert_array_equal(sure.model().predict(texts), pipeline.predict(texts))
        wanted = pipeline.decision_function(texts)
        worst = np.abs(sure.model().decision_function(texts) - wanted).max(axis=1) / np.abs(wanted).max(axis=1)
        assert worst.max() < 1e-12
    finally:
        pipeline[-1].coef_ = coef
        for (_, vectorizer), idf in zip(pipeline[0].transformer_list, idfs, strict=True):
            vectorizer.idf_ = idf


def test_every_feature_is_found_with_its_weights(case):
    pipeline, _, _, _, sure = case
    dequantized, model = sure.dequantized(), sure.model()
    for row in range(0, dequantized.n_features, max(dequantized.n_features // 50, 1)):
        space = int(row >= len(dequantized.features[0]))
        name = dequantized.features[space][row - (len(dequantized.features[0]) if space else 0)]
        weights = dequantized.rows(row, row + 1)[0]
        wanted = {label: w for label, w in zip(pipeline.classes_.tolist(), weights.tolist(), strict=True) if w}
        assert model.lookup(name, space) == wanted


@ELSEWHERE
def test_clinc150_weighs_at_most_1_3_megabytes_and_1_8_in_plain_rows(case, request):
    if request.node.callspec.params["case"] == "clinc150":
        assert len(case[3].data) <= 1_300_000
        assert len(nlucompress.compress(case[3].source, layout="plain").data) <= 1_800_000
