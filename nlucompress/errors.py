"""The ways a run can fail; each is a ValueError, and its message shows value, limit and place."""

from __future__ import annotations


class FormatError(ValueError):
    """A .nluc file is damaged, foreign, truncated, or needs a newer version."""


class ModelImportError(ValueError):
    """A source is not a model, or is one that cannot be carried over exactly; the message names the way out."""


class BuildError(ValueError):
    """An index or a file cannot be built from these features, weights or options."""


class TemplateError(ValueError):
    """The description of a token template is none; the message says where, and what is allowed there."""


class BudgetError(ValueError):
    """No file holds the budget of accuracy, flipped labels or bytes."""


class FleetError(ValueError):
    """A run over many models cannot go on: a scheduler, all workers or the disk failed. What is finished is kept."""


def one_line(error: BaseException) -> str:
    r"""An error's message, whole, on one line.

    >>> one_line(ValueError("no\n  model"))
    'no model'
    """
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__
