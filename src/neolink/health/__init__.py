"""What is well, what is not, and why in words: pure judgement of readings."""
