"""`bucket`: the product from a shell, over its HTTP API alone. It imports nothing of the product."""
