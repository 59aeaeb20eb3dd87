"""One writer, many readers. Knows neither cameras nor players, opens no socket."""
