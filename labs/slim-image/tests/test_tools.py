"""Nothing in the image builds software."""

from conftest import BUILDERS


def test_no_tool_that_builds_is_in_the_image(inside, fail):
    """Neither as a program nor as a Python distribution, wherever it lies."""
    found = inside.programs + [
        one.folder for one in inside.distributions if one.name in BUILDERS
    ]
    if found:
        fail(
            f"{len(found)} things in the image are there to build software, such as {found[0]}",
            hint="what only the build needs belongs in a stage that the image does not come from",
            expected="no compiler, git, make, uv, build or build backend",
            actual=", ".join(found[:6]),
        )
