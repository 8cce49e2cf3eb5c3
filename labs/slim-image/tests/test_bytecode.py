"""The bytecode in the image does not depend on when it was built."""


def test_no_bytecode_holds_a_time(inside, fail):
    """Neither that of the dependencies nor that of the service."""
    stale = inside.stale
    if stale:
        fail(
            f"{len(stale)} .pyc files hold the time at which their source was written, "
            f"so that every build makes other ones, such as {stale[0]}",
            hint="have none, or have them checked by the hash of their source: "
            "see PEP 552 and SOURCE_DATE_EPOCH in the documentation of py_compile",
            expected="no bytecode, or bytecode of the hash-based kind",
            actual=stale[0],
        )
