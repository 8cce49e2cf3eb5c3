"""System calls that reach past namespaces, refused by a filter in the kernel.

Keyrings hold credentials and belong to the user, not to a namespace; a virtual machine's sockets
lead to its host; the kernel's log tells of the whole machine; io_uring does what filters refuse;
who writes into other processes can make bubblewrap's own first process outlive the sandbox; files
that lie in memory, and file systems there, are nothing that a count from outside finds.
"""

from __future__ import annotations

import errno
import struct

_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000
_AF_VSOCK = 40
# Offsets into struct seccomp_data: the call's number, its architecture, its first argument.
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16
_LOAD, _AND, _EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
# Calls of the x32 ABI are those of x86-64 with this bit.
_WITHOUT_X32 = 0xBFFFFFFF

# By AUDIT_ARCH_*: add_key, request_key, keyctl, syslog, io_uring_setup; ptrace, process_vm_readv,
# process_vm_writev, pidfd_getfd (those of x32 have numbers of their own); memfd_create,
# memfd_secret, mount, fsopen; and socket.
# https://docs.kernel.org/userspace-api/seccomp_filter.html
_CALLS = {
    0xC000003E: (  # x86-64
        (248, 249, 250, 103, 425, 101, 310, 311, 438, 521, 539, 540, 319, 447, 165, 430),
        41,
    ),
    0x40000003: (  # i386, and its socketcall
        (286, 287, 288, 103, 425, 102, 26, 347, 348, 438, 356, 447, 21, 430),
        359,
    ),
    0xC00000B7: (  # aarch64
        (217, 218, 219, 116, 425, 117, 270, 271, 438, 279, 447, 40, 430),
        198,
    ),
    0x40000028: (  # arm
        (309, 310, 311, 103, 425, 26, 376, 377, 438, 385, 447, 21, 430),
        281,
    ),
    0xC00000F3: (  # riscv64
        (217, 218, 219, 116, 425, 117, 270, 271, 438, 279, 447, 40, 430),
        198,
    ),
}


def build_filter() -> bytes:
    """Return the filter as bubblewrap's --seccomp reads it."""
    program: list[tuple[int, int, int, int]] = []
    for architecture, (refused, socket) in _CALLS.items():
        block = _block(refused, socket)
        # Another architecture's calls are looked at further down.
        program += [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 0, len(block), architecture), *block]
    program.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _block(refused: tuple[int, ...], socket: int) -> list[tuple[int, int, int, int]]:
    """Return the instructions that judge one call of one architecture."""
    refuse = (_RETURN, 0, 0, _REFUSE | errno.EPERM)
    allow = (_RETURN, 0, 0, _ALLOW)
    block = [(_LOAD, 0, 0, _NUMBER), (_AND, 0, 0, _WITHOUT_X32)]
    for number in refused:
        block += [(_EQUAL, 0, 1, number), refuse]
    unknown_family = (_RETURN, 0, 0, _REFUSE | errno.EAFNOSUPPORT)
    block += [(_EQUAL, 0, 3, socket), (_LOAD, 0, 0, _ARGUMENT)]
    block += [(_EQUAL, 0, 1, _AF_VSOCK), unknown_family, allow]
    return block
