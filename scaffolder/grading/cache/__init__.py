"""What checks came to before, kept by the content of all that decides about it.

Nothing is loaded here: where a whole report is known (`reports`), that must take no time.
"""
