"""The command line: one module per verb, no logic that a service would need too."""
