"""The program that runs an instructor's test file, in a process of its own: the tester.

The grader (`checks/pytest/session.py`) starts it with its own interpreter, isolated from the user's
settings, and serves it over one Unix socket: what a fixture needs is asked of the grader, and what
became of each test is told to it. Nothing of the learner's is ever loaded or started here.

Nothing here imports anything of devlab's outside this package. The plugins of the families, in
their folders `fixtures`, are loaded as the grader says, and import themselves and this package.
"""
