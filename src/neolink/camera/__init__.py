"""One camera's sockets and life: connect, log in, pull its streams, come back after trouble."""
