"""``neolink rtsp``: the command. The bridge is imported when it is to run, not for ``--help``."""

import click

from neolink.cli.context import Invocation

__all__ = ["rtsp"]


@click.command(help="Serve the cameras over RTSP until stopped.")
@click.pass_obj
def rtsp(invocation: Invocation) -> None:
    """Serve the cameras over RTSP."""
    from neolink.cli.run import serve_file  # noqa: PLC0415 - see above

    serve_file(invocation)
