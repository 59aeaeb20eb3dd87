"""Requests → answers: who asks, for what, and which session is granted it. No media here."""
