"""Live video for browsers: fragments of MP4 by WebSocket, written once for all viewers."""
