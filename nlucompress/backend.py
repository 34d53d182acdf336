"""Which runtime answers: the native core (nluc.h as an extension), or the numpy reference if the environment says so."""

from __future__ import annotations

import os
from typing import Literal

VARIABLE = "NLUCOMPRESS_BACKEND"


def backend() -> Literal["native", "reference"]:
    """The backend of models opened from now on: "native", or "reference" if NLUCOMPRESS_BACKEND says so.

    Raises ImportError if the extension is missing or was built for another Python, and the reference was not chosen: a
    runtime a hundred times slower is never taken silently. ValueError if the variable has another value.
    """
    chosen = os.environ.get(VARIABLE, "native")
    if chosen == "reference":
        return "reference"
    if chosen != "native":
        raise ValueError(f"{VARIABLE}: {chosen!r} is not 'native' or 'reference'")
    if not _there:
        _require()
    return "native"


_there = False


def _require() -> None:
    import unicodedata

    global _there
    way_out = f"build it (pip install .), or choose the slow reference in numpy: {VARIABLE}=reference"
    try:
        from . import _native
    except ImportError as error:
        raise ImportError(f"the native extension of nlucompress cannot be loaded ({error}): {way_out}") from None
    if unicodedata.unidata_version != _native.UNICODE:
        raise ImportError(f"the native extension of nlucompress has the tables of Unicode {_native.UNICODE}, this Python "
                          f"has {unicodedata.unidata_version}: {way_out}")  # fmt: skip
    _there = True
