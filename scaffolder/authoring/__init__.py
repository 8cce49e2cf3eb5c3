"""What helps to write a lab: the reference of check kinds, schemas, a lab to begin with."""
