"""What a learner did, and what follows from it."""
