"""Measurements of the running bridge. Figures are ratios where they can be; nothing is a test."""
