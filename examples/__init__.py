"""Small programs that use the package; each runs without a camera."""
