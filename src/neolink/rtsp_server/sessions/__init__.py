"""What one player watches: its lanes, its seat on a mount, moves to another. No requests here."""
