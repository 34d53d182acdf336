"""What the guide shows and nobody writes: figures, the help of every command, and a report, all made by the library itself.

``python docs/generate.py FOLDER`` makes them; Sphinx calls ``generate`` before each build, which does nothing where the
folder was made by the same package and the same code.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

import nlucompress
from nlucompress import report
from nlucompress.cli import main

HERE = Path(__file__).parent
PACKAGE = Path(nlucompress.__file__).parent
BUCKETS = 24  # few enough that some labels flip, so that the report has something to show


def generate(folder: Path) -> None:
    """Make everything, unless it is there and nothing that it is made of has changed."""
    files = [*sorted(PACKAGE.rglob("*.py")), *sorted(PACKAGE.rglob("*.h")), *sorted(HERE.glob("*.py"))]
    stamp = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    made_of = folder / "made-of"
    if made_of.is_file() and made_of.read_text() == stamp:
        return
    (folder / "report").mkdir(parents=True, exist_ok=True)
    (folder / "help.md").write_text("\n".join(help_pages()), encoding="utf-8")
    demo(folder)
    made_of.write_text(stamp)


def help_pages() -> Iterator[str]:
    """Markdown: a heading and the printed help of the command and of each one below it."""

    def each(command: click.Command, path: tuple[str, ...], parent: click.Context | None) -> Iterator[str]:
        context = click.Context(command, info_name=path[-1], parent=parent, terminal_width=90, max_content_width=90,
                                **(command.context_settings if parent is None else {}))  # fmt: skip
        yield f"### {' '.join(path)}\n\n```text\n{command.get_help(context)}\n```\n"
        for name, below in getattr(command, "commands", {}).items():
            yield from each(below, (*path, name), context)

    settings = main.context_settings
    main.context_settings = {key: value for key, value in settings.items() if key != "max_content_width"}
    try:
        yield from each(main, ("nlucompress",), None)
    finally:
        main.context_settings = settings


def demo(folder: Path) -> None:
    """Train the demo's pipeline; draw the figures and write the report of its compressed file."""
    import figures

    from nlucompress.demo.measure import pipeline
    from nlucompress.demo.sentences import sentences, split

    train, test = split(sentences())
    trained = pipeline().fit([one["text"] for one in train], [one["label"] for one in train])
    texts = [one["text"] for one in test]
    figures.draw(folder, trained, texts * 20)
    source = nlucompress.import_model(trained)
    model = nlucompress.compress(source, buckets=BUCKETS, norm="mean").model()
    found = report.measure(source, model, texts, [one["label"] for one in test], name="demo.nluc")
    found.save(folder / "report" / "demo-report.html", overwrite=True)


if __name__ == "__main__":
    generate(Path(sys.argv[1]))
