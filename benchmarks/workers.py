"""Contenders in processes of their own, asked in turns: none pays for another's memory, threads or libraries.

The script that measures starts a Worker for each contender and asks it, one at a time; the others wait on a pipe. In the
worker, ``serve`` answers each line of JSON with a line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time


class Worker:
    """A process of a script: Worker([script, *arguments]); ask(**request) gives its answer. Use as a context manager."""

    def __init__(self, command, variables=None):
        command = [sys.executable, *map(str, command)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **(variables or {})}, text=True,
            encoding="utf-8",
        )  # fmt: skip

    def ask(self, **request):
        """The answer to a request. RuntimeError if the process ends instead."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self.process.args[1:4])} …: exit code {self.process.wait()}")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def serve(answer):
    """Answer requests until there are no more: answer(**request) -> what JSON can hold.

    What libraries print goes to standard error.
    """
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        for line in sys.stdin:
            out.write(json.dumps(answer(**json.loads(line))) + "\n")
            out.flush()


class Clock:
    """Wall and CPU seconds of a block: with Clock() as clock. CPU is of all the process's threads."""

    def __enter__(self):
        self.began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.wall, self.cpu = time.perf_counter() - self.began[0], time.process_time() - self.began[1]


def peak():
    """The largest resident size so far, in bytes; None where Linux's /proc is missing.

    Not ru_maxrss: that of a new process starts at what its parent had.
    """
    try:
        status = pathlib.Path("/proc/self/status").read_text()
    except OSError:
        return None
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])


def resident():
    """Bytes resident, of the process's own memory (Anon) and of mapped files (File); None without Linux's /proc."""
    try:
        status = pathlib.Path("/proc/self/status").read_text()
    except OSError:
        return None
    return {kind: 1024 * int(re.search(rf"Rss{kind}:\s+(\d+) kB", status)[1]) for kind in ("Anon", "File")}
