"""A filter of system calls: no sockets, no powers over the machine, and no other process where there are no namespaces.

The program is classic BPF as `seccomp(2)` takes it: compare the number of the call, perhaps one argument, give a
verdict. What is not named here is allowed; the file system is the business of namespaces and Landlock. The numbers
are those of the kernel's `unistd.h`: x86-64 first, then the ones that the newer processors share.
"""

from __future__ import annotations

import os
import struct

from workbench.sandbox.kernel import PR_SET_PDEATHSIG, PR_SET_SECCOMP, control, copy_out, find_address

TYPE_CHECKING = False  # as in `typing`, which the launcher does not pay for
if TYPE_CHECKING:
    Numbers = tuple[int | None, int | None]
    Condition = tuple[int, int, bool, int]

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_X32 = 0x40000000
_NEW_NAMESPACES, _THREAD = 0x7E020000, 0x00010000
_AF_UNIX, _SOCK_STREAM = 1, 1
_TRUNCATE, _WRITING = 0o1000, 0o3
_ALL = 0xFFFFFFFF
_IS, _IS_NOT = True, False

_REFUSED: dict[str, Numbers] = {
    # The network, and sockets of other programs on this machine. socketpair is left for pipes inside the program.
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200),
    # Other processes' memory and descriptors.
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "move_pages": (279, 239), "migrate_pages": (256, 238),
    # Mounts and namespaces.
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262),
    # The kernel and the machine: where its defects were found, and what no program to be checked has to do with.
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "quotactl": (179, 60), "quotactl_fd": (443, 443), "acct": (163, 89),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "syslog": (103, 116), "personality": (135, 92), "vhangup": (153, 58), "iopl": (172, None), "ioperm": (173, None),
    "modify_ldt": (154, None), "lookup_dcookie": (212, 18), "_sysctl": (156, None), "uselib": (134, None),
    "mknod": (133, None), "mknodat": (259, 33),
    # Memory that no limit counts.
    "shmget": (29, 194), "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "memfd_secret": (447, 447),
    # Older versions of Landlock do not hold this one back.
    "truncate": (76, 45),
}  # fmt: skip

_ABSENT: dict[str, Numbers] = {
    # Their arguments lie in memory, where a filter cannot look; programs fall back to the older calls.
    "clone3": (435, 435), "openat2": (437, 437),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "memfd_create": (319, 279),
}  # fmt: skip

# An argument, a mask, and the value that it is refused for: where it is this one, or where it is not. Of an argument
# the low 32 bits are compared; no call here uses more of it.
_CONDITIONAL: dict[str, tuple[Numbers, tuple[Condition, ...]]] = {
    "clone": ((56, 220), ((0, _NEW_NAMESPACES, _IS_NOT, 0),)),
    "socketpair": (
        (53, 199), ((0, _ALL, _IS_NOT, _AF_UNIX), (1, 0xF, _IS_NOT, _SOCK_STREAM)),
    ),
    # F_SETSIG, F_SETOWN and F_SETOWN_EX send signals to others, as FIOSETOWN and SIOCSPGRP do.
    "fcntl": ((72, 25), tuple((1, _ALL, _IS, command) for command in (8, 10, 15))),
    "ioctl": (
        (16, 29), tuple((1, _ALL, _IS, request) for request in (0x5412, 0x541C, 0x8901, 0x8902)),
    ),
    "open": ((2, None), ((1, _TRUNCATE | _WRITING, _IS, _TRUNCATE),)),
    "openat": ((257, 56), ((2, _TRUNCATE | _WRITING, _IS, _TRUNCATE),)),
}  # fmt: skip

# Without namespaces the program sees every process and file of its user, and Landlock guards content only.
_REFUSED_ALONE: dict[str, Numbers] = {
    "fork": (57, None), "vfork": (58, None), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_send_signal": (424, 424), "pidfd_open": (434, 434),
    "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "sched_setparam": (142, 118),
    "sched_setattr": (314, 274), "setpriority": (141, 140), "ioprio_set": (251, 30), "setsid": (112, 157),
    "setpgid": (109, 154), "inotify_init": (253, None), "inotify_init1": (294, 26),
}  # fmt: skip

_IGNORED_ALONE: dict[str, Numbers] = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "setxattrat": (463, 463), "removexattrat": (466, 466), "file_setattr": (469, 469), "utime": (132, None),
    "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88), "umask": (95, 166),
}  # fmt: skip


def is_supported(machine: str) -> bool:
    """Whether the numbers of system calls of this processor are known."""
    return machine in _ARCHITECTURES


def install_filter(machine: str, *, alone: bool) -> None:
    """Bind this process and its children to come to the filter, for good. It needs `no_new_privs`.

    With `alone` the process, as the one that calls this, can start and signal no other. Raises OSError where the
    kernel refuses.
    """
    program = copy_out(build_filter(machine, os.getpid() if alone else None))
    header = copy_out(struct.pack("<HxxxxxxQ", len(program) // 8, find_address(program)))
    control(PR_SET_SECCOMP, 2, find_address(header))


def build_filter(machine: str, alone: int | None) -> bytes:
    """The BPF program, 8 bytes an instruction. `alone` is the id of the only process that may be signalled."""
    architecture, column = _ARCHITECTURES[machine]
    verdicts = [(_REFUSED, _ERROR | _EPERM), (_ABSENT, _ERROR | _ENOSYS)]
    conditional = dict(_CONDITIONAL)
    if alone is not None:
        # A call that is ignored reports success: copying a file must not fail because its mode cannot be copied.
        verdicts += [(_REFUSED_ALONE, _ERROR | _EPERM), (_IGNORED_ALONE, _ERROR)]
        conditional |= _restrict_to_self(alone)
    code = [
        _instruct(0x20, 4),  # load the architecture
        _instruct(0x15, architecture, 1, 0),
        _instruct(0x06, _KILL),
        _instruct(0x20, 0),  # load the number of the call
        _instruct(0x35, _X32, 0, 1),
        _instruct(0x06, _ERROR | _ENOSYS),
    ]
    for calls, verdict in verdicts:
        for numbers in calls.values():
            if (number := numbers[column]) is not None:
                code += [_instruct(0x15, number, 0, 1), _instruct(0x06, verdict)]
    for numbers, conditions in conditional.values():
        if (number := numbers[column]) is not None:
            body = b"".join(map(_compare, conditions)) + _instruct(0x06, _ALLOW)
            code += [_instruct(0x15, number, 0, len(body) // 8), body]
    return b"".join([*code, _instruct(0x06, _ALLOW)])


def _restrict_to_self(process: int) -> dict[str, tuple[Numbers, tuple[Condition, ...]]]:
    other = (0, _ALL, _IS_NOT, process)
    return {
        "clone": (
            (56, 220), ((0, _NEW_NAMESPACES, _IS_NOT, 0), (0, _THREAD, _IS_NOT, _THREAD)),
        ),
        "kill": ((62, 129), (other,)),
        "tgkill": ((234, 131), (other,)),
        "prlimit64": ((302, 261), ((0, _ALL, _IS_NOT, 0),)),
        "prctl": ((157, 167), ((0, _ALL, _IS, PR_SET_PDEATHSIG),)),
        # A folder that its owner cannot enter could not be removed.
        "mkdir": ((83, None), ((1, 0o700, _IS_NOT, 0o700),)),
        "mkdirat": ((258, 34), ((2, 0o700, _IS_NOT, 0o700),)),
    }  # fmt: skip


def _compare(condition: Condition) -> bytes:
    argument, mask, refused_if_equal, value = condition
    jumps = (0, 1) if refused_if_equal else (1, 0)
    return b"".join(
        [
            _instruct(0x20, 16 + 8 * argument),  # the low half: both processors are little-endian
            _instruct(0x54, mask),
            _instruct(0x15, value, *jumps),
            _instruct(0x06, _ERROR | _EPERM),
        ]
    )


def _instruct(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)
