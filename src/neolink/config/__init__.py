"""The configuration file: neolink.toml to settings, with errors that name file, line and key."""
