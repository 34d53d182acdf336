"""What module.c offers. Private: nlucompress.native, index.py and the tests are its users."""

from collections.abc import Mapping
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

UNICODE: str

def hash_names(names: list[str], seed: int, /) -> bytes: ...
def template_features(description: bytes, tokens: list[str], /) -> list[list[tuple[str, float]]]: ...

@final
class Model:
    def __new__(cls, buffer: bytes | memoryview, /) -> Model: ...
    def score_texts(self, texts: list[Any] | tuple[Any, ...], out: npt.NDArray[np.float64], /) -> int: ...
    def score_items(
        self, columns: tuple[list[str | list[str] | Mapping[str, float]], ...], out: npt.NDArray[np.float64], /
    ) -> int: ...
    def states(
        self, items: list[Any], values: npt.NDArray[np.float64] | None, out: npt.NDArray[np.float64], /
    ) -> int: ...
    def viterbi(
        self, states: npt.NDArray[np.float64], transitions: npt.NDArray[np.float64], count: int, /
    ) -> list[int]: ...
    def transitions(self, out: npt.NDArray[np.float64], /) -> None: ...
    def exponentials(self, transitions: npt.NDArray[np.float64], out: npt.NDArray[np.float64], /) -> float: ...
    def marginals(
        self,
        states: npt.NDArray[np.float64],
        transitions: npt.NDArray[np.float64],
        exponentials: npt.NDArray[np.float64],
        most: float,
        out: npt.NDArray[np.float64],
        /,
    ) -> float: ...
    def find(
        self, names: list[str], namespace: int, slots: npt.NDArray[np.int64], found: npt.NDArray[np.bool_], /
    ) -> int: ...
    def row(self, slot: int, /) -> list[tuple[int, int]]: ...
    def rows(
        self, slots: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], columns: npt.NDArray[np.uint16],
        codes: npt.NDArray[np.uint8], /
    ) -> int: ...  # fmt: skip
    def inputs(self) -> tuple[Literal["text", "tokens", "features"], ...]: ...
    def verify(self) -> None: ...
