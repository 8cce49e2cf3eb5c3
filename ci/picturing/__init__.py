"""Draws the README's pictures: real runs at a terminal, as SVG."""
