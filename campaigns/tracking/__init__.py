"""What an e-mail carries of its own: its links, its pixel, its way out; and what came of them."""
