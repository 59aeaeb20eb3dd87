"""Finds out why a camera does not work, and says what to do about it."""
