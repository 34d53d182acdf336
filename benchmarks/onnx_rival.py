"""A scikit-learn text pipeline as ONNX: converted by skl2onnx, asked through onnxruntime.

Three settings of skl2onnx's vectorizer, all documented: its own tokenizer (instead of the default token_pattern
"[a-zA-Z0-9_]+"); the option tokenexp with the letters, digits and underscore of Unicode in the syntax of RE2, which
onnxruntime's tokenizer uses; the option separators, with the list of the documentation. The option locale is needed where
en_US.UTF-8, the operator's own choice, is not installed, and raw_scores for a LinearSVC as the last step: without an
option for it skl2onnx 1.20 asks for one that LinearSVC doesn't have.
"""

from __future__ import annotations

import pathlib
import tempfile
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline, make_union

DEFAULT_PATTERN = TfidfVectorizer().token_pattern
SEPARATORS = [" ", "[.]", "\\?", ",", ";", ":", "!", "\\(", "\\)", "\n", '\\"', "'", "-", "\\[", "\\]", "@"]


def settings(vectorizer: Any) -> dict[str, dict[str, Any]]:
    """Options by the names that the tables use. The lengths of tokens are those of the vectorizer's pattern."""
    least = tokens(vectorizer)
    return {"as it is": {}, f"tokenexp {least}": {"tokenexp": least}, "separators": {"separators": SEPARATORS}}


def tokens(vectorizer: Any) -> str:
    """The vectorizer's tokens in the syntax of RE2."""
    return r"[\p{L}\p{N}_]{2,}" if vectorizer.token_pattern == DEFAULT_PATTERN else r"[\p{L}\p{N}_]+"


def convert(pipeline: Any, *settings: tuple[Any, dict[str, Any]]) -> bytes:
    """The model's bytes, with options for some of its vectorizers. Whatever skl2onnx raises, it raises."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import StringTensorType

    head = pipeline[-1]
    given = {id(head): {"zipmap": False} if hasattr(head, "predict_proba") else {"raw_scores": True}}
    given |= {id(vectorizer): {"locale": "C.UTF-8", **options} for vectorizer, options in settings}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that analyzer="char" may not convert: how far it does is in the accuracy
        return convert_sklearn(pipeline, initial_types=[("text", StringTensorType([None, 1]))],
                               options=given).SerializeToString()  # fmt: skip


def trained(vectorizers: Sequence[Any], classifier: Any, texts: list[str], labels: list[str]) -> bytes:
    """The nearest that skl2onnx converts to these TfidfVectorizers and a classifier, trained on the texts.

    char_wb becomes char, because it is refused, and sublinear_tf is left out, because it is computed as log(1 + tf).
    """
    parts = [
        clone(one).set_params(sublinear_tf=False, analyzer=one.analyzer.removesuffix("_wb")) for one in vectorizers
    ]
    pipeline = make_pipeline(make_union(*parts) if len(parts) > 1 else parts[0], clone(classifier)).fit(texts, labels)
    return convert(
        pipeline, *((one, {"tokenexp": tokens(one) if one.analyzer == "word" else "(?s)."}) for one in parts)
    )


def refusal(error: Exception) -> str:
    """What a user reads where skl2onnx has no converter: its own first line, up to what it says of whom to ask."""
    return "skl2onnx: " + (str(error).splitlines() or [type(error).__name__])[0].split(" You may raise an issue")[0]


def quantized(data: bytes) -> bytes:
    """After onnxruntime's quantize_dynamic."""
    from onnxruntime.quantization import quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / name for name in ("before.onnx", "after.onnx")]
        paths[0].write_bytes(data)
        quantize_dynamic(paths[0], paths[1])
        return paths[1].read_bytes()


def answers(data: bytes, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores (or probabilities), one text a run; "" and NaN where it raises."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    labels, scores = [], []
    for text in texts:
        try:
            label, score = session.run(None, {"text": np.array([[text]], object)})
            labels.append(label[0])
            scores.append(score[0])
        except Exception:  # onnxruntime's classes of errors are its own
            labels.append("")
            scores.append(None)
    width = max((len(one) for one in scores if one is not None), default=1)
    return np.array(labels, object), np.array([np.full(width, np.nan) if one is None else one for one in scores], float)
