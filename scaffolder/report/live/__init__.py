"""What is drawn while something runs."""
