"""Bring a later version of a lab into work that was started with an earlier one.

`merge` says what that changes, `versions` which of two is later, `changelog` what an author says
about it, and `update` does it.
"""
