"""Settings of the whole suite. HYPOTHESIS_PROFILE=thorough draws other examples on each run, and ten times as many."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

import nlucompress

collect_ignore_glob = ["fixtures/*"]  # makers of fixtures, which need the tools that wrote them

settings.register_profile(
    "default", deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)  # fmt: skip
settings.register_profile("thorough", parent=settings.get_profile("default"), derandomize=False, max_examples=600)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_report_header() -> str:
    """Name the backend that this run tests; a missing extension ends the run here."""
    return f"nlucompress backend: {nlucompress.backend()}"
