"""What every room may rely on and what imports nothing of ours but itself."""
