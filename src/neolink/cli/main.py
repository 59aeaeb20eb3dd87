"""The program: options, sub-commands found when needed, exit codes, and how errors are told.

Exit codes: 0 success, 1 a runtime or configuration error, 2 a usage error. ``--help`` must stay
fast, so nothing heavy is imported here, and no command's module until it is called.
"""

import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import click

from neolink.cli import garbage
from neolink.cli.context import Invocation
from neolink.errors import NeolinkError
from neolink.log import redact

__all__ = ["Invocation", "cli", "main"]

COMMANDS = {
    "rtsp": ("neolink.cli.rtsp:rtsp", "Serve the cameras over RTSP."),
    "check-config": ("neolink.cli.check_config:check_config", "Check a configuration file."),
    "health": ("neolink.cli.health:health", "Ask a running bridge how it does."),
    "doctor": ("neolink.cli.doctor:doctor", "Find out why a camera does not work."),
    "simulate": ("neolink.cli.simulate:simulate", "Run simulated cameras."),
    "demo": ("neolink.cli.demo:demo", "Run simulated cameras and the bridge together."),
}
"""Sub-command: where it is, and its line in the help text."""

TRACEBACK_VERBOSITY = 2


class CommandTable(click.Group):
    """A group that imports a command's module only when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command and give it the global options."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is no command")
        taken = {parameter.name for parameter in command.params}
        command.params += [option for option in _global_options() if option.name not in taken]
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - the signature of click
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the list of commands from the table alone."""
        rows = [(name, text) for name, (_, text) in COMMANDS.items()]
        rows += [(name, command.get_short_help_str()) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _remember_config(ctx: click.Context, _: click.Parameter, value: Path | None) -> Path | None:
    if value is not None:
        ctx.ensure_object(Invocation).config_path = value
        # for commands that declare the option themselves
        ctx.default_map = {name: {"config": str(value)} for name in COMMANDS}
    return value


def _remember_verbosity(ctx: click.Context, _: click.Parameter, value: int) -> int:
    ctx.ensure_object(Invocation).verbosity += value
    return value


def _global_options() -> list[click.Option]:
    return [
        click.Option(
            ["-c", "--config"],
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=_remember_config,
            help="The configuration file (TOML).",
        ),
        click.Option(
            ["-v", "--verbose"],
            count=True,
            expose_value=False,
            callback=_remember_verbosity,
            help="Log more; twice: everything, and tracebacks of errors.",
        ),
    ]


@click.command(
    cls=CommandTable,
    name="neolink",
    invoke_without_command=True,
    params=_global_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(
    None, "-V", "--version", package_name="neolink", message="neolink %(version)s"
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Bridge from Reolink cameras to RTSP players, NVRs and home automation."""
    if ctx.invoked_subcommand is not None:
        return
    if ctx.ensure_object(Invocation).config_path is None:
        click.echo(ctx.get_help())
        ctx.exit(2)
    click.echo(
        "Warning: a sub-command is missing. This form is deprecated, "
        "please write: neolink rtsp --config FILE",
        err=True,
    )
    command = cli.get_command(ctx, "rtsp")
    assert command is not None
    with command.make_context("rtsp", [], parent=ctx) as sub_context:
        ctx.exit(_exit_code(command.invoke(sub_context)))


@cli.command(name="help")
@click.argument("command", required=False)
@click.pass_context
def help_command(ctx: click.Context, command: str | None) -> None:
    """Show the help of the program or of a command."""
    parent = ctx.find_root()
    if command is None:
        click.echo(parent.get_help())
        return
    found = cli.get_command(parent, command)
    if found is None:
        raise click.UsageError(f"No such command '{command}'.", ctx=parent)
    click.echo(found.get_help(click.Context(found, info_name=command, parent=parent)))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and end the process with its exit code.

    ``arguments`` are the ones of the process, unless somebody else calls it.
    """
    if arguments is None:
        garbage.hold()
    invocation = Invocation()
    try:
        result = cli.main(arguments, prog_name="neolink", standalone_mode=False, obj=invocation)
        sys.exit(_exit_code(result))
    except (KeyboardInterrupt, click.Abort):
        sys.exit(0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # the reader of our output has gone; keep the interpreter from complaining at exit
        sys.stdout = None
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the border of the process; every error is told
        _tell(error, verbosity=invocation.verbosity)
        sys.exit(1)


def _exit_code(result: object) -> int:
    """Commands return nothing, or their exit code."""
    return result if isinstance(result, int) else 0


def _tell(error: BaseException, *, verbosity: int) -> None:
    if verbosity >= TRACEBACK_VERBOSITY:
        click.echo(redact("".join(traceback.format_exception(error))), err=True, nl=False)
    first, *causes = _chain(error)
    text = f"Error: {first}"
    if causes:
        numbered = len(causes) > 1 and not hasattr(error, "context")
        lines = [f"{n}: {cause}" if numbered else cause for n, cause in enumerate(causes)]
        text += "\n\nCaused by:" + "".join(f"\n    {line}" for line in lines)
    click.echo(redact(text), err=True)


def _chain(error: BaseException) -> Iterator[str]:
    """Say what failed, then why, down to the first cause."""
    context = getattr(error, "context", None)
    if isinstance(context, str):
        yield context
        yield from str(error).splitlines()
        return
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, BaseExceptionGroup) and len(seen.exceptions) == 1:
            seen = seen.exceptions[0]
            continue
        yield _describe(seen)
        if isinstance(seen, BaseExceptionGroup):
            for inner in seen.exceptions:
                yield from _chain(inner)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def _describe(error: BaseException) -> str:
    if isinstance(error, (NeolinkError, OSError)) and str(error):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


if __name__ == "__main__":
    main()
