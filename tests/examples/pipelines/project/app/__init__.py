"""A shop that adds up what is in a basket."""
