"""What all commands share: the global options and the one way to load the configuration.

Stays light: ``--help`` imports this module, so heavy imports wait until they are needed.
"""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neolink.errors import ConfigError

if TYPE_CHECKING:
    from neolink.config.load import LoadedConfig

__all__ = ["Invocation"]


@dataclass(slots=True)
class Invocation:
    """One run of the program. Commands receive it with ``@click.pass_obj``."""

    config_path: Path | None = None
    """What ``--config`` said, before or after the sub-command."""

    verbosity: int = 0
    """How often ``-v`` was given."""

    has_begun: bool = False
    """Whether the log has the line that a program begins with."""

    def load_config(self) -> "LoadedConfig":
        """Load the file that ``--config`` names, set up logging as it says, log its warnings.

        More than once is no error: a running bridge goes over to what the file says then.

        Raises :class:`~neolink.errors.ConfigError`.
        """
        from neolink import __version__  # noqa: PLC0415 - see above
        from neolink.config.load import load  # noqa: PLC0415 - see above

        if self.config_path is None:
            raise ConfigError("Must supply --config file")
        loaded = load(self.config_path)
        log = loaded.config.log
        self.set_up_logging(log.level, json_lines=log.json_lines)
        logger = logging.getLogger("neolink")
        if not self.has_begun:
            logger.info("Neolink %s release", __version__)
        self.has_begun = True
        for warning in loaded.warnings:
            logger.warning("%s", warning)
        for notice in loaded.notices:
            logger.info("%s", notice)
        return loaded

    def set_up_logging(self, level: str | None = None, *, json_lines: bool = False) -> None:
        """Log to stderr; ``level`` is the configuration's, the environment and ``-v`` win.

        Raises :class:`~neolink.errors.ConfigError` for a filter that cannot be read.
        """
        from neolink.cli.logging_setup import filter_from, setup  # noqa: PLC0415 - see above

        try:
            chosen = filter_from(os.environ, level, self.verbosity)
        except ValueError as error:
            raise ConfigError(f"NEOLINK_LOG or RUST_LOG: {error}") from None
        setup(chosen, json_lines=json_lines)
