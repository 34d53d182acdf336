"""How help looks: options under headings, commands in groups, then examples and exit codes, each line as it was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

EXIT_CODES = {
    0: "done",
    1: "a check failed, or an input could not be read",
    2: "wrong usage, or an output exists (--force overwrites it)",
    3: "a budget could not be met; nothing is written (--best-effort: the closest file)",
}
OTHERS = "Other options"  # heading of what every command has
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}
Decorator = Callable[[Any], Any]


class Option(click.Option):
    """An option of the command line. heading: that under which help lists it."""

    def __init__(self, *arguments: Any, heading: str = "Options", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.heading = heading


class Whole(click.IntRange):
    """A whole number in a range."""

    name = "whole number"


class Number(click.FloatRange):
    """A number in a range."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As FloatRange, which lets what is no number pass."""
        if (number := super().convert(value, param, ctx)) != number:
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class _Told:
    """Examples and exit codes at the end of a command's help, and its options under their headings."""

    examples: Sequence[str] = ()
    exit_codes: Sequence[int] = ()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options, heading by heading, in the order in which these first come; what every command has comes last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in ctx.command.get_params(ctx):
            record = None if isinstance(parameter, click.Argument) else parameter.get_help_record(ctx)
            if record is not None:
                groups.setdefault(getattr(parameter, "heading", OTHERS), []).append(record)
        others = groups.pop(OTHERS, [])
        if len(groups) < 2:  # too few for headings
            groups, others = {"Options": [*(one for group in groups.values() for one in group), *others]}, []
        for heading, records in [*groups.items(), (OTHERS, others)]:
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
        if isinstance(ctx.command, click.Group):
            ctx.command.format_commands(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples as they are, to be copied, and the exit codes."""
        if self.examples:
            with formatter.section("Examples" if len(self.examples) > 1 else "Example"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")
        if self.exit_codes:
            with formatter.section("Exit codes"):
                formatter.write_dl([(str(code), EXIT_CODES[code]) for code in self.exit_codes])


class Command(_Told, click.Command):
    """A command. examples: calls that its help shows, a line each; exit_codes: those it can end with."""

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), exit_codes: Sequence[int] = (0, 1, 2),
                 **settings: Any) -> None:  # fmt: skip
        super().__init__(*arguments, **settings)
        self.examples, self.exit_codes = examples, exit_codes


class Group(_Told, click.Group):
    """Commands. grouped: the headings under which help lists them, with their names; those not named come last."""

    command_class = Command

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), exit_codes: Sequence[int] = (),
                 grouped: dict[str, Sequence[str]] | None = None, **settings: Any) -> None:  # fmt: skip
        super().__init__(*arguments, **settings)
        self.examples, self.exit_codes, self.grouped = examples, exit_codes, grouped or {}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names and first lines, group by group."""
        rest = [name for name in self.list_commands(ctx) if not any(name in names for names in self.grouped.values())]
        width = max(map(len, self.list_commands(ctx)), default=0)
        for heading, names in [*self.grouped.items(), ("Commands", rest)]:
            commands = [(name, self.get_command(ctx, name)) for name in names]
            lines = [(f"{name:<{width}}", one.get_short_help_str(200)) for name, one in commands if one is not None]
            if lines:
                with formatter.section(heading):
                    formatter.write_dl(lines)


def option(*flags: str, **settings: Any) -> Decorator:
    """``click.option`` with a heading."""
    return click.option(*flags, cls=Option, **settings)


def together(*decorators: Decorator) -> Decorator:
    """Several options as one decorator, in their order."""

    def decorate(command: Any) -> Any:
        for one in reversed(decorators):
            command = one(command)
        return command

    return decorate
