"""``python -m neolink``."""

from neolink.cli.main import main

main()
