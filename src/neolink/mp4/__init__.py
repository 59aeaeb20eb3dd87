"""Fragmented MP4 (ISO 14496-12): pure, media units in, boxes out."""
