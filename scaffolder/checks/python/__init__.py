"""Python work: a learner's own suite of tests, judged by what turns it red."""
