"""What runs in the process of a learner's tests; it imports nothing of ours."""
