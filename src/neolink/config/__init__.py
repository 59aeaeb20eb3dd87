"""The configuration file: neolink.toml to settings, with errors that name file, line and key.

``positions`` (where keys are) → ``migrate`` and ``substitute`` → ``keys`` (what is unknown) →
``model`` (types, ranges, defaults) → ``checks`` (rules between tables) → ``compose`` (settings).
"""

import os

# Else pydantic searches every installed package for plug-ins, and a plug-in sees the passwords.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
