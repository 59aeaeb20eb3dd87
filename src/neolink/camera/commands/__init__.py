"""What a camera can be told or asked: one small module per capability. No topic or option names."""
