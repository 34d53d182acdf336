"""The demo: a voice assistant's intents, trained with scikit-learn, compressed, and both measured side by side.

    templates ── sentences ──> records ── split ──> scikit-learn pipeline ── compress ──> .nluc ── measure ──> a dict
    texts.jsonl ── read_texts ────┘                          └── joblib ── measure ────────────────────────────┘

``sentences.py`` makes the texts, ``texts.py`` reads a user's own, ``measure.py`` trains, compresses and measures,
``table.py`` prints; ``entities.py`` does the same of a CRF of the slots. Nothing is fetched: the same versions of two
packages give the same sentences on every machine.
"""

from .entities import run_entities, table_entities
from .measure import pipeline, run
from .sentences import sentences, split
from .table import table
from .texts import read_texts, split_texts

__all__ = ["pipeline", "read_texts", "run", "run_entities", "sentences", "split", "split_texts", "table",
           "table_entities"]  # fmt: skip
