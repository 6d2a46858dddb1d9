"""What vendors post to us, and what people write."""
