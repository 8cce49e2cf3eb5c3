"""Grade a workspace: plan the checks, run them side by side, score what they say."""
