"""What electricity costs, in tenths of a cent."""

RATE = 315
