"""Images and containers, built and run by a Docker Engine."""
