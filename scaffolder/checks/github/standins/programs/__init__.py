"""What the stand-in actions do, as small programs of the standard library alone.

They run inside a pipeline, in the sandbox, started by the action.yml beside them with devlab's
own Python; inputs come as DEVLAB_* variables, answers go to the files that GitHub's runner names
in GITHUB_OUTPUT, GITHUB_ENV and GITHUB_PATH.
"""
