"""The command: options in, one call of the library, a table or JSON out. No logic.

Exit codes: 0 done; 1 a check failed or an input could not be read; 2 wrong usage, or an output that exists; 3 an accuracy
or size budget could not be met. Results go to standard output, progress and remarks to standard error.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import nlucompress

from .cli_fleet import compress_many
from .cli_help import SETTINGS, Group, Whole, option
from .cli_options import (
    BUDGET,
    FILE,
    FOLDER,
    LIMITS,
    OUTPUT,
    PARTS,
    flag,
    is_given,
    model_options,
    parsed,
    progress_bar,
    search_options,
    size,
    source_options,
)
from .errors import one_line
from .sources import size_of
from .version import VERSION

if TYPE_CHECKING:
    from .linear import LinearModel
    from .report import Report
    from .runtime import Model
    from .search import SearchResult

STAGES = ("reading", "quantizing", "indexing", "coding rows", "writing")
IN_PARTS = ("memory", "scheduler", "scratch")
EXAMPLES = 10  # flipped texts that verify prints
SEARCH = (*BUDGET, "data", "held_out", "yardstick", "sure", "resume", "seed", "candidates")


class Main(Group):
    """Turns the library's errors into one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
            raise click.ClickException(one_line(error)) from None


@click.group(
    cls=Main,
    context_settings=SETTINGS,
    grouped={
        "Make a model small": ["compress", "compress-many", "formats", "demo"],
        "Use and check what was made": ["predict", "inspect", "verify", "export"],
        "Many models": ["bundle"],
    },
    examples=[
        "nlucompress compress pipeline.joblib -o intents.nluc",
        'nlucompress predict intents.nluc "play yesterday by the beatles"',
        "nlucompress COMMAND --help",
    ],
    exit_codes=(0, 1, 2, 3),
)
@click.version_option(VERSION, prog_name="nlucompress")
def main() -> None:
    """Make a trained NLU model small, and run it.

    A model is a scikit-learn pipeline (.joblib, .pkl, .skops), a CRF (.crfsuite), or another one that `nlucompress
    formats` lists. Reading one runs none of its code and does not need the tool that wrote it. Results go to standard
    output, remarks and progress to standard error.
    """


main.add_command(compress_many)
FORCE = option("--force", is_flag=True, help="Overwrite files that exist.", heading=OUTPUT)
AS_JSON = option("--json", "as_json", is_flag=True, help="Print the result as JSON.", heading=OUTPUT)


@main.command(
    short_help="Compress a trained model into one .nluc file.",
    examples=[
        "nlucompress compress pipeline.joblib -o intents.nluc --buckets 64",
        "nlucompress compress pipeline.joblib -o intents.nluc --data dev.jsonl --max-loss 0.3",
        "nlucompress compress slots.crfsuite -o slots.nluc --template template.json",
        "nlucompress compress weights/ -o giant.nluc --memory 2GB",
    ],
    exit_codes=(0, 1, 2, 3),
)
@click.argument("source", type=FILE)
@option("-o", "--output", type=FILE, metavar="FILE", help="The .nluc file to write.", heading=OUTPUT)
@option("--dry-run", is_flag=True, help="Print the sizes that would be reached; write nothing.", heading=OUTPUT)
@option("--report", "page", type=FILE, metavar="FILE", heading=OUTPUT,
        help="Write what it cost as one HTML page (needs --data, and matplotlib).")  # fmt: skip
@FORCE
@AS_JSON
@source_options()
@option("--template", type=FILE, metavar="FILE", heading="Source",
        help="JSON: what makes a tagging model's features of plain tokens.")  # fmt: skip
@model_options()
@search_options()
@option("--resume", type=FILE, metavar="FILE", heading=LIMITS,
        help="Keep what was tried in this file, and go on from what it holds.")  # fmt: skip
@option("--memory", callback=parsed(size), metavar="SIZE", heading=PARTS, help="Memory to work in, such as 2GB.")
@option("--scheduler", metavar="ADDRESS", heading=PARTS, help="A Dask scheduler, such as tcp://host:8786.")
@option("--scratch", type=FOLDER, metavar="FOLDER", heading=PARTS,
        help="For what does not fit the memory, 36 bytes a row.  [default: the output's]")  # fmt: skip
@click.pass_context
def compress(ctx: click.Context, /, source: Path, output: Path | None, force: bool, dry_run: bool, as_json: bool,
             best_effort: bool, page: Path | None, format_: str | None, names: Path | None, template: Path | None,
             **options: Any) -> None:  # fmt: skip
    """Compress the trained model SOURCE into one .nluc file.

    With a budget (--max-loss, --max-flips, --target-size, or several) it looks for the smallest file within it, or, if
    the budget is a size alone, for the file of that size that costs least. Options that you give are fixed, the others are
    tried out. With --data and no budget it says what compressing cost.

    A table of feature, label and weight that is larger than memory, or a folder of such tables, is compressed in parts
    (--memory or --scheduler). The file is the same whatever they are. Such a table takes the options --buckets, --range,
    --prune, --check-bits and --gamma.
    """
    in_parts = {name: options.pop(name) for name in IN_PARTS}
    if any(value is not None for value in in_parts.values()) or _is_tables(source):
        _compress_parts(ctx, source, output, force, as_json, in_parts, options)
        return
    if output is None and not dry_run:
        raise click.UsageError("Where to? Give -o OUT.nluc, or --dry-run to print sizes only.")
    if output is not None and not dry_run:
        _writable(output, force)
    if page is not None:
        if options["data"] is None or dry_run:
            raise click.UsageError("--report needs --data TEXTS.jsonl, and does not go with --dry-run.")
        _writable(page, force)
        _require_figures()
    options["range"] = options.pop("range_")
    of_search = {name: options.pop(name) for name in SEARCH}
    found: SearchResult | None = None
    report: Report | None = None
    cost: Mapping[str, Any] | None = None
    if any(of_search[name] is not None for name in BUDGET):
        if template is not None:
            raise click.UsageError("--template goes with tagging models, for which there is no search.")
        if of_search["data"] is None:
            raise click.UsageError("A budget is measured on data: give --data TEXTS.jsonl.")
        model = nlucompress.import_model(source, format=format_, names=names)
        found = _search(ctx, model, options, of_search)
        compressed = found.compressed
    else:
        useless = [flag(ctx, name) for name in (*SEARCH, "best_effort") if name != "data" and is_given(ctx, name)]
        if useless:
            raise click.UsageError(
                f"{', '.join(useless)}: a search needs a budget: --max-loss, --max-flips, --target-size."
            )
        with progress_bar(len(STAGES), "compress") as bar:
            model = nlucompress.import_model(source, format=format_, names=names)
            compressed = nlucompress.compress(
                model, **options, template=template, progress=lambda stage: bar.update(1, stage)
            )
        if compressed.source.task == "tagging":
            if page is not None:
                raise ValueError("--report is not there for tagging models; verify prints what compressing cost")
            if of_search["data"] is not None:
                cost = _compare_tags(compressed.source, compressed.tagger(), of_search["data"])
        elif of_search["data"] is not None:
            from .data import field_of, read_labelled
            from .report import measure

            made = compressed.model()
            texts = read_labelled(of_search["data"], field_of(compressed.source.namespaces))
            files = {"original": source, "data": of_search["data"]}
            report = measure(compressed.source, made, *texts, name=output.name if output else "dry run", files=files)
            cost = report.facts
    written = None
    if output is not None and not dry_run and (found is None or found.met or best_effort):
        if page is not None and found is not None:
            report = _held_out_report(found, source, output.name, of_search["seed"])
        compressed.save(output, overwrite=force)
        written = str(output)
        if page is not None:
            assert report is not None
            report.save(page, overwrite=force)
    remark = compressed.source.source.get("remark")
    if remark:
        click.echo(f"remark: {remark}", err=True)
    info = {**compressed.info(), "coding": compressed.coding, "source_bytes": size_of(source), "output": written}
    info |= {"search": found.to_dict()} if found is not None else {}
    info |= {"cost": cost} if cost is not None else {}
    tables = [found.table()] if found is not None else []
    tables.append(_compressed_table(info))
    if cost is not None:
        table = _tags_table if compressed.source.task == "tagging" else _verify_table
        tables += ["  what it cost", *table({**cost, "file": source, "bytes": info["bytes"]}).splitlines()[1:]]
    click.echo(json.dumps(info, ensure_ascii=False) if as_json else "\n".join(tables))
    if found is not None and not found.met:
        end = "" if best_effort else "; nothing is written, --best-effort writes the closest"
        click.echo(f"{'remark' if best_effort else 'Error'}: {found.complaint()}{end}", err=True)
        if not best_effort:
            ctx.exit(3)


def _is_tables(source: Path) -> bool:
    """Whether a source is a folder of tables, and no model's."""
    from .importers.formats import of_folder

    kinds = (".parquet", ".tsv", ".csv", ".jsonl")
    return source.is_dir() and of_folder(source) is None and any(path.suffix in kinds for path in source.iterdir())


def _compress_parts(ctx: click.Context, source: Path, output: Path | None, force: bool, as_json: bool,
                    in_parts: dict[str, Any], options: dict[str, Any]) -> None:  # fmt: skip
    """A table in parts: compress_table with the options that it has; others are wrong usage."""
    from .giant import compress_table

    taken = {"buckets": "buckets", "range": "range_", "prune": "prune", "check_bits": "check_bits", "gamma": "gamma"}
    others = {*taken.values(), *IN_PARTS, "source", "output", "force", "as_json"}
    strange = [flag(ctx, name) for name in ctx.params if name not in others and is_given(ctx, name)]
    if strange:
        raise click.UsageError(f"{', '.join(strange)}: not with a table in parts (--memory, --scheduler, a folder).")
    if output is None:
        raise click.UsageError("Where to? Give -o OUT.nluc.")
    _writable(output, force)
    in_parts = {name: value for name, value in in_parts.items() if value is not None}
    with progress_bar(4, "compress") as bar:
        compress_table(source, output, overwrite=force, progress=lambda stage: bar.update(1, stage), **in_parts,
                       **{name: options[name if name in options else own] for name, own in taken.items()})  # fmt: skip
    made = nlucompress.load(output)
    info = {**made.info(), "source_bytes": size_of(source), "output": str(output)}
    click.echo(json.dumps(info, ensure_ascii=False) if as_json else _compressed_table(info))


def _search(
    ctx: click.Context, source: LinearModel, options: dict[str, Any], of_search: dict[str, Any]
) -> SearchResult:
    """The search that compress's options ask for; those of a file that are not given are walked."""
    space = {name: value for name, value in options.items() if is_given(ctx, "range_" if name == "range" else name)}
    state = of_search.pop("resume")
    try:
        with progress_bar(of_search["candidates"], "search") as bar:
            found = nlucompress.search(source, of_search.pop("data"), **of_search, space=space, state=state,
                           progress=lambda done, words: bar.update(done - bar.pos, words))  # fmt: skip
    except KeyboardInterrupt:
        if state is not None:
            click.echo(f"interrupted: the same command goes on from what {state} keeps", err=True)
        raise
    for remark in found.remarks:
        click.echo(f"remark: {remark}", err=True)
    return found


@main.command(
    short_help="Say what is in a file, and what each part weighs.", examples=["nlucompress inspect intents.nluc"]
)
@click.argument("file", type=FILE)
@AS_JSON
def inspect(file: Path, as_json: bool) -> None:
    """Say what is in FILE, how many bytes each part takes, and how far the rows are from their entropy."""
    info = nlucompress.load(file).info(bound=True)
    click.echo(json.dumps(info) if as_json else _info_table(info))


@main.command(
    short_help="Print the label of each text.",
    examples=[
        'nlucompress predict intents.nluc "play yesterday by the beatles"',
        "nlucompress predict intents.nluc --json --top 5 < texts.txt",
    ],
)
@click.argument("file", type=FILE)
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@option(
    "--json", "as_json", is_flag=True, help="Print a JSON object a text: its label and the best scores.", heading=OUTPUT
)
@option(
    "--top",
    type=Whole(1),
    default=3,
    metavar="N",
    help="How many labels --json gives scores of.",
    heading=OUTPUT,
)
def predict(file: Path, texts: tuple[str, ...], as_json: bool, top: int) -> None:
    """Print the label of each TEXT, or of each line of standard input.

    The labels of a multilabel model, and the tags of a sequence, are separated by tabs.

    A model that reads columns or features instead of a text takes a JSON value for each TEXT or line. A tagging model
    takes an array of the features of each token, or an object with that array as its field tokens. If it has a template,
    the array has plain tokens, and a TEXT that begins with neither { nor [ is cut at white space.
    """
    model = nlucompress.load(file, verify="full")
    if model.task == "tagging":
        for number, text in enumerate(texts or _lines(), 1):
            _print_tags(model, text, f"text {number}", as_json)
        return
    batch: list[Any] = []
    interactive = not texts and sys.stdin.isatty()
    number = 0
    for number, text in enumerate(texts or _lines(), 1):
        batch.append(_sample(text, model, number))
        if len(batch) == 512 or interactive:
            _print_labels(model, batch, number, as_json, top)
            batch = []
    _print_labels(model, batch, number, as_json, top)


@main.command(
    short_help="Check every byte of a file, and what compression changed.",
    examples=[
        "nlucompress verify intents.nluc",
        "nlucompress verify intents.nluc --against pipeline.joblib --data test.jsonl --report intents.html",
    ],
)
@click.argument("file", type=FILE)
@option(
    "--against", "source", type=FILE, metavar="FILE", heading="Comparison", help="The source that FILE was made of."
)
@option("--data", type=FILE, metavar="FILE", heading="Comparison",
        help="JSON Lines (or .jsonl.gz) with label and text (or features, or columns), or tokens and tags.")  # fmt: skip
@option("--seed", type=Whole(0), default=0, metavar="N", heading="Comparison",
        help="Of the intervals and of made-up n-grams.")  # fmt: skip
@source_options()
@option("--report", "page", type=FILE, metavar="FILE", heading=OUTPUT,
        help="Write the comparison as one HTML page (needs matplotlib).")  # fmt: skip
@option("--markdown", is_flag=True, help="Print the comparison as a model card in Markdown.", heading=OUTPUT)
@AS_JSON
@FORCE
def verify(file: Path, source: Path | None, data: Path | None, page: Path | None, seed: int, force: bool, as_json: bool,
           markdown: bool, format_: str | None, names: Path | None) -> None:  # fmt: skip
    """Check every byte of FILE; with --against and --data, say what compression changed.

    The exit code is 1 if FILE is damaged, not if labels changed.
    """
    if (source is None) != (data is None):
        raise click.UsageError("--against SOURCE and --data TEXTS.jsonl go together.")
    if (format_ or names) and source is None:
        raise click.UsageError("--format and --names say how to read --against SOURCE.")
    if (page or markdown) and source is None:
        raise click.UsageError("--report and --markdown need --against SOURCE and --data TEXTS.jsonl.")
    if as_json and markdown:
        raise click.UsageError("--json or --markdown, not both.")
    if page is not None:
        _writable(page, force)
        _require_figures()
    model = nlucompress.load(file, verify="full")
    if source is None or data is None:
        facts = {"file": str(file), "bytes": model.info()["bytes"], "intact": True}
        click.echo(json.dumps(facts, ensure_ascii=False) if as_json else _verify_table(facts))
        return
    if model.task == "tagging":
        if page or markdown:
            raise ValueError("--report and --markdown are not there for tagging models")
        info = {"file": str(file), "bytes": model.info()["bytes"], "intact": True}
        info |= _compare_tags(nlucompress.import_model(source, format=format_, names=names), model, data)
        if not info["same_source"]:
            click.echo(f"remark: {file} was not made from {source}, but from another model", err=True)
        click.echo(json.dumps(info, ensure_ascii=False) if as_json else _tags_table(info))
        return
    from .data import field_of, read_labelled
    from .report import measure

    original = nlucompress.import_model(source, format=format_, names=names)
    samples, labels = read_labelled(data, field_of(original.namespaces))
    files = {"file": file, "original": source, "data": data}
    with click.progressbar(length=len(samples), file=sys.stderr, hidden=not sys.stderr.isatty(), label="verify") as bar:
        report = measure(original, model, samples, labels, name=file.name, files=files, seed=seed,
                         progress=lambda done: bar.update(done - bar.pos))  # fmt: skip
    if not report.facts["same_source"]:
        click.echo(f"remark: {file} was not made from {source}, but from another model", err=True)
    if page is not None:
        report.save(page, overwrite=force)
    if as_json or markdown:
        click.echo(report.json() if as_json else report.markdown(), nl=as_json)
    else:
        click.echo(_verify_table({**report.facts, "file": file}))


@main.command(
    short_help="List the trained models that can be compressed.", exit_codes=(), examples=["nlucompress formats"]
)
@AS_JSON
def formats(as_json: bool) -> None:
    """List the formats of trained models: what is carried over exactly, and what is not, or is refused."""
    from .importers.formats import formats as all_formats

    listed = [{"name": one.name, "what": one.what, "exact": one.exact, "limits": one.limits,
               "from": [kind for kind, way in (("file", one.read or one.claims), ("object", one.of)) if way]}
              for one in all_formats().values()]  # fmt: skip
    if as_json:
        click.echo(json.dumps(listed, ensure_ascii=False))
        return
    for one in listed:
        click.echo(f"{one['name']}\n  reads   {one['what']}\n  exact   {one['exact']}\n  limits  {one['limits']}")


@main.command(
    short_help="Write a model in a form that other tools read.",
    examples=[
        "nlucompress export pipeline.joblib --tsv weights.tsv",
        "nlucompress export intents.nluc --names words.txt --tsv weights.tsv",
        "nlucompress export slots.nluc --like slots.crfsuite -o dequantized.crfsuite",
    ],
)
@click.argument("source", type=FILE)
@option("--tsv", type=FILE, metavar="FILE", help="Write rows of feature, label and weight.", heading=OUTPUT)
@option("--like", type=FILE, metavar="FILE", heading=OUTPUT,
        help="Write a CRFsuite file (-o) with the features of this one, which SOURCE was made of.")  # fmt: skip
@option("-o", "--output", type=FILE, metavar="FILE", help="With --like: the CRFsuite file to write.", heading=OUTPUT)
@FORCE
@AS_JSON
@source_options()
def export(source: Path, tsv: Path | None, like: Path | None, output: Path | None, format_: str | None,
           names: Path | None, force: bool, as_json: bool) -> None:  # fmt: skip
    """Write SOURCE, a trained model or a .nluc file, in a form that other tools read.

    The table (--tsv) of a trained model is all of it: `nlucompress compress` makes the same file of the table. A .nluc
    file holds no names: --names gives them, one a line, and each that the index finds gets its weights. A tagging .nluc
    file becomes a CRFsuite file with the features of the original (--like) and the weights of SOURCE.
    """
    from .export import export_crfsuite, export_tsv, is_compressed

    if (like is None) != (output is None) or (tsv is None) == (like is None):
        raise click.UsageError("As what? Give --tsv OUT.tsv, or --like ORIGINAL.crfsuite -o OUT.crfsuite.")
    if like is not None and output is not None:
        _writable(output, force)
        facts = {"output": str(output), "bytes": export_crfsuite(source, like, output, overwrite=force)}
        click.echo(json.dumps(facts) if as_json else f"{output}: {facts['bytes']:,} bytes")
        return
    assert tsv is not None
    _writable(tsv, force)
    if is_compressed(source) and names is None:
        raise click.UsageError(f"{source} holds no names: give --names FILE, one a line.")
    done = export_tsv(source, tsv, names=names, format=format_, overwrite=force)
    for remark in done.remarks():
        click.echo(f"remark: {remark}", err=True)
    facts = {**dataclasses.asdict(done), "output": str(tsv), "bytes": size_of(tsv)}
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else
               f"{tsv}: {facts['bytes']:,} bytes, {done.features:,} features")  # fmt: skip


@main.command(
    short_help="Train, compress and compare, on a voice assistant's sentences.",
    examples=["nlucompress demo", "nlucompress demo --texts yours.jsonl --out models"],
)
@option("--task", type=click.Choice(["intents", "entities"]), default="intents", heading="Data",
        help="A pipeline of intents, or a CRF of the sentences' slots.")  # fmt: skip
@option("--texts", type=FILE, metavar="FILE", help="Your own data: JSON Lines with text and label.", heading="Data")
@option("--seed", type=int, default=0, metavar="N", help="Of the sentences and of the split.", heading="Data")
@option(
    "--out",
    type=FOLDER,
    metavar="FOLDER",
    help="Keep the two models here.  [default: they are not kept]",
    heading=OUTPUT,
)
@FORCE
@AS_JSON
def demo(task: str, texts: Path | None, out: Path | None, seed: int, force: bool, as_json: bool) -> None:
    """Train a pipeline, or a CRF, on a voice assistant's sentences, compress it, and compare the two.

    Needs the extra demo: pip install "nlucompress[demo]".
    """
    from .demo import run, run_entities, table, table_entities
    from .demo.entities import KEPT_ENTITIES
    from .demo.measure import KEPT

    if task == "entities" and texts is not None:
        raise click.UsageError("--texts goes with intents: the demo of entities has sentences of its own.")
    kept = KEPT if task == "intents" else KEPT_ENTITIES
    there = [str(out / name) for name in kept if (out / name).exists()] if out else []
    if there and not force:
        raise click.UsageError(f"{', '.join(there)}: there already; --force overwrites.")
    options: dict[str, Any] = {"seed": seed, "out": out, "overwrite": force}
    options["progress"] = lambda remark: click.echo(remark, err=True)
    if task == "entities":
        found = run_entities(**options)
        click.echo(json.dumps(found, ensure_ascii=False) if as_json else table_entities(found))
        return
    result = run(texts, **options)
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else table(result))


@main.group(
    cls=Group,
    short_help="Many models in one .nlub file, by name.",
    grouped={
        "Make and change": ["create", "add", "remove", "compact"],
        "Look inside": ["list", "extract", "verify"],
    },
    examples=["nlucompress bundle create fleet.nlub models/", "nlucompress bundle list fleet.nlub"],
    exit_codes=(0, 1, 2),
)
def bundle() -> None:
    """Many models in one .nlub file, by name.

    A bundle may be changed while others read it: a change is there whole or not at all, and who has the bundle open goes
    on with what it was.
    """


MODELS = click.argument("models", nargs=-1, required=True, type=FILE, metavar="MODEL...")


@bundle.command(
    short_help="Write a bundle of models.", examples=["nlucompress bundle create fleet.nlub models/ extra.nluc"]
)
@click.argument("file", type=FILE)
@click.argument("models", nargs=-1, type=FILE, metavar="[MODEL]...")
@FORCE
@AS_JSON
def create(file: Path, models: tuple[Path, ...], force: bool, as_json: bool) -> None:
    """Write the bundle FILE of MODELs: .nluc files, or folders of them. A model's name is its file's without .nluc."""
    _writable(file, force)
    found = nlucompress.bundle.find_models(models)
    if file.exists() and any(file.samefile(path) for _, path in found):
        raise click.UsageError(f"{file} is one of the models that it would be made of.")
    _print_bundle(file, nlucompress.bundle.create(file, found, overwrite=force), as_json)


@bundle.command("list", short_help="Print the models' names.", examples=["nlucompress bundle list fleet.nlub --json"])
@click.argument("file", type=FILE)
@AS_JSON
def list_(file: Path, as_json: bool) -> None:
    """Print the names of the models of the bundle FILE; with --json also where they lie, and their bytes."""
    with nlucompress.bundle.Bundle(file) as opened:
        if as_json:
            models = [{"name": one.name, "offset": one.offset, "bytes": one.length} for one in opened.entries()]
            click.echo(json.dumps({**opened.info(), "models": models}, ensure_ascii=False))
        else:
            for name in opened.names():
                click.echo(name)


@bundle.command(short_help="Add models.", examples=["nlucompress bundle add fleet.nlub weather.nluc --replace"])
@click.argument("file", type=FILE)
@MODELS
@option("--replace", is_flag=True, help="Take the place of models that have these names.", heading=OUTPUT)
@AS_JSON
def add(file: Path, models: tuple[Path, ...], replace: bool, as_json: bool) -> None:
    """Add MODELs, files or folders of them, to the bundle FILE: all, or on any error none."""
    found = nlucompress.bundle.find_models(models)
    with nlucompress.bundle.Bundle(file) as opened:
        there = [name for name, _ in found if name in opened]
    if there and not replace:
        raise click.UsageError(f"{', '.join(there[:5])}: there already; --replace takes their place.")
    _print_bundle(file, nlucompress.bundle.add(file, found, replace=replace), as_json)


@bundle.command(short_help="Take models out.", examples=["nlucompress bundle remove fleet.nlub weather music"])
@click.argument("file", type=FILE)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@AS_JSON
def remove(file: Path, names: tuple[str, ...], as_json: bool) -> None:
    """Take models out of the bundle FILE. Their bytes stay in it until `nlucompress bundle compact`."""
    _print_bundle(file, _named(file, nlucompress.bundle.remove, file, names), as_json)


@bundle.command(
    short_help="Give back the bytes of what was removed.", examples=["nlucompress bundle compact fleet.nlub"]
)
@click.argument("file", type=FILE)
@AS_JSON
def compact(file: Path, as_json: bool) -> None:
    """Write the bundle FILE anew, without the bytes that no model needs any more."""
    _print_bundle(file, nlucompress.bundle.compact(file), as_json)


@bundle.command(
    short_help="Write models as the files they were.",
    examples=["nlucompress bundle extract fleet.nlub weather -o models"],
)
@click.argument("file", type=FILE)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@option(
    "-o", "--output", type=FOLDER, required=True, metavar="FOLDER", help="Where to write NAME.nluc.", heading=OUTPUT
)
@FORCE
def extract(file: Path, names: tuple[str, ...], output: Path, force: bool) -> None:
    """Write models of the bundle FILE, all or those named, as the files they were. The folder is made if it is missing."""
    try:
        paths = _named(file, nlucompress.bundle.extract, file, output, names or None, overwrite=force)
    except FileExistsError as error:
        raise click.UsageError(f"{error}; --force overwrites.") from None
    for path in paths:
        click.echo(path)


@bundle.command(
    "verify", short_help="Check every byte of every model.", examples=["nlucompress bundle verify fleet.nlub"]
)
@click.argument("file", type=FILE)
@AS_JSON
@click.pass_context
def verify_bundle(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Check the bundle FILE and every byte and row of each model."""
    found = nlucompress.bundle.verify(file)
    if as_json:
        click.echo(json.dumps({"file": str(file), **found}, ensure_ascii=False))
    else:
        if found["damage"]:
            click.echo(f"{file}: the newest state is damaged, this is the one before: {found['damage']}", err=True)
        for name, wrong in found["errors"].items():
            click.echo(f"{file}: model {name!r}: {wrong}", err=True)
        click.echo(f"{file}: {found['models']:,} models, {len(found['errors']):,} of them damaged")
    if found["damage"] or found["errors"]:
        ctx.exit(1)


def _named(file: Path, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """A call that raises KeyError for a name that FILE does not have."""
    try:
        return call(*arguments, **options)
    except KeyError as error:
        raise ValueError(f"{file}: no such model: {error.args[0]}") from None


def _print_bundle(file: Path, info: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"file": str(file), **info}, ensure_ascii=False))
        return
    unused = f", {info['bytes_unused']:,} unused (compact gives them back)" if info["bytes_unused"] else ""
    click.echo(f"{file}: {info['models']:,} models, {info['distinct']:,} distinct, {info['bytes']:,} bytes{unused}")


def _held_out_report(found: SearchResult, source: Path, name: str, seed: int) -> Report:
    """A report on the file that a search chose, on the texts that it never saw."""
    from .report import measure

    rest = found.texts
    return measure(found.compressed.source, found.compressed.model(), rest.samples, rest.labels, name=name,
                   files={"original": source}, front=found.front, seed=seed)  # fmt: skip


def _compare_tags(source: Any, tagger: Any, data: Path) -> dict[str, Any]:
    """What compression changed, on tagged data."""
    from .data import read_tagged
    from .verify_tags import compare_tags

    sequences, tags = read_tagged(data, tagger.template)
    with click.progressbar(length=len(tags), file=sys.stderr, hidden=not sys.stderr.isatty(), label="verify") as bar:
        return compare_tags(source, tagger, sequences, tags, progress=lambda done: bar.update(done - bar.pos))


def _print_tags(tagger: Any, text: str, place: str, as_json: bool) -> None:
    from .data import sequence_of

    if tagger.template is not None and text.lstrip()[:1] not in ("{", "["):
        row: Any = text.split()
    else:
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{place}: the model takes a JSON value a sequence, not {text!r:.60}: {error}") from None
    items = sequence_of(row, place, tagger.template)
    try:
        tags = tagger.tag(items)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from None
    if as_json:
        click.echo(json.dumps({"tags": tags, "probability": tagger.probability(tags)}, ensure_ascii=False))
    else:
        click.echo("\t".join(tags))


def _writable(path: Path, force: bool) -> None:
    """Refuse an output that is there, is another of the command's files too, or has no folder, before any work."""
    if path.is_dir():
        raise click.UsageError(f"{path} is a folder, not a file to write.")
    values = [value if isinstance(value, tuple) else (value,) for value in click.get_current_context().params.values()]
    files = [one for value in values for one in value if isinstance(one, Path)]
    same = [
        one.absolute() == path.absolute() or (one.exists() and path.exists() and one.samefile(path)) for one in files
    ]
    if sum(same) > 1:
        raise click.UsageError(f"{path} is named twice: what the command writes is none of its other files.")
    if path.exists() and not path.is_file():
        raise click.UsageError(f"{path} is not a regular file, which is all that is written.")
    if path.exists() and not force:
        raise click.UsageError(f"{path} exists; --force overwrites it.")
    if not path.parent.is_dir():
        raise click.UsageError(f"{path.parent}: no such folder.")


def _require_figures() -> None:
    from .report import require

    require()


def _lines() -> Iterator[str]:
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise ValueError(f"standard input, line {number}: not UTF-8: {error}") from None


def _sample(text: str, model: Model, number: int) -> Any:
    if model.takes_text:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"text {number}: the model takes a JSON value a sample, not {text!r:.60}: {error}") from None


def _print_labels(model: Model, samples: list[Any], last: int, as_json: bool, top: int) -> None:
    """last: the number of the last sample, counted from 1."""
    if not samples:
        return
    try:
        scores = model.decision_function(samples)
    except (TypeError, ValueError) as error:
        if len(samples) == 1:
            raise ValueError(f"text {last}: {str(error).removeprefix('sample 0: ')}") from None
        for number, sample in enumerate(samples, last - len(samples) + 1):  # up to the one at fault
            _print_labels(model, [sample], number, as_json, top)
        raise
    names = model.classes_.tolist()
    for row, label in zip(_ranked(model, scores), model.decide(scores), strict=True):
        if model.task == "multilabel":
            label = [name for name, on in zip(names, label.tolist(), strict=True) if on]
        else:
            label = label.item() if hasattr(label, "item") else label
        if as_json:
            best = sorted(zip(names, row.tolist(), strict=True), key=lambda pair: -pair[1])[:top]
            key = "scores" if model.link == "identity" else "probabilities"
            click.echo(json.dumps({"label": label, key: [list(pair) for pair in best]}, ensure_ascii=False))
        else:
            click.echo("\t".join(map(str, label)) if isinstance(label, list) else str(label))


def _ranked(model: Model, scores: Any) -> Any:
    """A column a class: probabilities where the model has them, else scores."""
    import numpy as np

    if model.link != "identity":
        return model.probabilities(scores)
    return np.stack([-scores, scores], axis=1) if model.task == "binary" else scores


def _compressed_table(info: dict[str, Any]) -> str:
    head = f"{info['output'] or 'dry run'}: {info['bytes']:,} bytes"
    if info["source_bytes"]:
        head += f", 1/{info['source_bytes'] / info['bytes']:.3g} of the source's {info['source_bytes']:,}"
    return f"{head}\n{_info_table(info)}"


def _info_table(info: dict[str, Any]) -> str:
    bits, each, options = info["bits_per_feature"], info["bits_per_weight"], info.get("options", {})
    rows = [
        ("features", f"{info['features']:,} of the source's {info.get('features_source', info['features']):,}"),
        ("classes", f"{info['classes']:,} ({info['task']}, link {info['link']})"),
        ("weights", f"{info['weights']:,} that are not zero, {info['buckets']} distinct values"),
        ("template", _template_words(info["template"]) if "template" in info else ""),
        ("options", ", ".join(f"{name} {value}" for name, value in options.items())),
        ("source", ", ".join(str(value) for name, value in info.get("source", {}).items() if name != "remark")),
        (
            "index",
            f"{bits['index']:.2f} bits a feature in {info['levels']} levels, {info['check_bits']} check bits"
            + (f", {info['shards']} shards" if "shards" in info else ""),
        ),
        ("rows", f"{bits['rows']:.2f} bits a feature, {each['rows']:.2f} a weight, coder {info['coder']}"),
        ("coders", _coding_words(info["coding"]) if "coding" in info else ""),
        ("zero order", _bound_words(info["zero_order"]) if "zero_order" in info else ""),
    ]
    sections = [(name, f"{size:>12,}") for name, size in info["sections"].items()]
    width = max(len(name) for name, _ in rows + sections)
    lines = [f"  {name:<{width}}  {value}" for name, value in rows if value]
    return "\n".join([*lines, "  bytes by section", *(f"    {name:<{width}}{size}" for name, size in sections),
                      f"    {'whole file':<{width}}{info['bytes']:>12,}"])  # fmt: skip


def _template_words(template: Mapping[str, int]) -> str:
    """What makes features of plain tokens."""
    columns = "" if template["columns"] == 1 else f" of {template['columns']} columns"
    return f"at most {template['features']:,} features a token{columns}, {template['bytes']:,} bytes"


def _coding_words(coding: Mapping[str, Any]) -> str:
    """What each coder would take, and what packing cost."""
    sizes = sorted(coding["bytes"].items(), key=lambda pair: pair[1])
    words = "smallest of " + ", ".join(f"{name} {size:,}" for name, size in sizes) + " bytes"
    if coding.get("entries"):
        words += (f"; {coding['entries']:,} distinct rows: {coding['gaps']:,} gaps, {coding['runs']:,} runs, "
                  f"{coding['packed']:,} packed, {coding['bytes_for_speed']:,} bytes of them for speed")  # fmt: skip
    return words


def _bound_words(bound: Mapping[str, Any]) -> str:
    """How far rows and file are from the zero-order bound."""
    ratios = [(kind, bound[f"{kind}_ratio"]) for kind in ("rows", "file") if bound[f"{kind}_ratio"] is not None]
    return ", ".join(f"{kind} {ratio:.3f} times the bound of {bound[kind]:,} bytes" for kind, ratio in ratios)


def _tags_table(facts: dict[str, Any]) -> str:
    before, after = facts["f1_before"], facts["f1_after"]
    rows = [
        ("sequences, tokens", f"{facts['sequences']:,}, {facts['tokens']:,}"),
        ("entity F1", f"{before:.2%} before, {after:.2%} after ({100 * (after - before):+.2f} points)"),
        ("token accuracy", f"{facts['token_accuracy_before']:.2%} before, {facts['token_accuracy_after']:.2%} after"),
        ("tags flipped", f"{facts['tag_flips']:,} ({facts['tag_flip_share']:.2%})"),
        ("sequences flipped", f"{facts['sequence_flips']:,} ({facts['sequence_flip_share']:.2%})"),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [_verify_table({"file": facts["file"], "bytes": facts["bytes"]})]
    lines += [f"  {name:<{width}}  {value}" for name, value in rows]
    for one in facts["flip_examples"][:EXAMPLES]:
        right = f" (right: {one['tag']})" if "tag" in one else ""
        lines.append(f"    {one['before']} -> {one['after']}{right}: sequence {one['number']}, token {one['token']}")
    return "\n".join(lines)


def _verify_table(report: dict[str, Any]) -> str:
    lines = [f"{report['file']}: intact, {report['bytes']:,} bytes, every checksum and every row checked"]
    if "samples" not in report:
        return lines[0]
    difference = report["accuracy_after"] - report["accuracy_before"]
    low, high = (100 * end for end in report["accuracy_difference_interval"])
    rows = [
        ("samples", f"{report['samples']:,}"),
        ("accuracy before", f"{report['accuracy_before']:.2%}"),
        ("accuracy after", f"{report['accuracy_after']:.2%}"),
        ("accuracy difference", f"{100 * difference:+.2f} points (95%: {low:+.2f} to {high:+.2f})"),
        ("labels flipped", f"{report['flips']:,} ({report['flip_share']:.2%})"),
        ("largest score difference", f"{report['largest_score_difference']:.3g}"),
    ]
    if "clone_flips" in report:
        rows.append(("beside the dequantized clone", f"{report['clone_flips']:,} labels differ, "
                     f"largest score difference {report['clone_largest_difference']:.3g}"))  # fmt: skip
    if report["certificate"]:
        from .report.words import proven

        certain = report["certificate"]["errors"]["certain"] / max(report["samples"], 1)
        rows.append(("labels proven to stand", f"{proven(report):.2%}, {certain:.2%} whatever the index lets pass"))
    rows.append(("look-ups that hit falsely", f"{report['false_positives']:,} of {report['lookups']:,} "
                 f"({report['false_positive_share']:.3%})"))  # fmt: skip
    width = max(len(name) for name, _ in rows)
    lines += [f"  {name:<{width}}  {value}" for name, value in rows]
    if report["flip_examples"]:
        lines.append("  flipped, for example:")
    for one in report["flip_examples"][:EXAMPLES]:
        right = f" (right: {one['label']})" if "label" in one else ""
        lines.append(f"    {one['before']} -> {one['after']}{right}: {one['sample']!r:.100}")
    return "\n".join(lines)
