"""Live video by HLS, for browsers that have nothing better: playlists, parts, sessions."""
