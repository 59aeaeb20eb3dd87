"""The page, its JSON API, live video for browsers, metrics and health over HTTP."""
