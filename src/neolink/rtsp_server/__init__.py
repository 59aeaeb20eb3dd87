"""Requests come in: door → wires → requests → sessions. Media go out: mounts → delivery → wires."""
