"""What a table of results must say of itself: versions, machine, commit. Most scripts' --json keeps it."""

from __future__ import annotations

import os
import pathlib
import platform
import subprocess
from importlib import metadata

import nlucompress


def commit():
    """The commit of the checkout that nlucompress is imported from, "-dirty" if files differ from it; or None."""
    folder = pathlib.Path(nlucompress.__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def processor():
    """The processor's name as Linux gives it, else what Python knows."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.processor())


def version(distribution):
    """The installed version of a distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def provenance(*distributions):
    """A dictionary of what was measured where; distributions: whose versions to add, None of those not installed."""
    return {
        "nlucompress": nlucompress.__version__, "commit": commit(), "backend": nlucompress.backend(),
        "python": platform.python_version(), "system": platform.system(), "machine": platform.machine(),
        "processor": processor(), "processors": os.cpu_count(),
        "versions": {name: version(name) for name in ("numpy", *distributions)},
    }  # fmt: skip


def heading(facts):
    """Provenance in a line for people, above a table."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items() if number)
    return (
        f"commit {facts['commit']}, {facts['backend']} backend, Python {facts['python']}, {facts['system']} "
        f"{facts['machine']}, {facts['processors']} × {facts['processor']}; {versions}"
    )


def result_file(path):
    """A path that results are to be written to, as an argument: its folder is made before anything is measured."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
