"""What a company sets up before its first text: the numbers it sends from, and its answer for each state."""
