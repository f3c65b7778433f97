"""What a program in the sandbox tries to reach and does not: network, files, secrets, other processes, the kernel."""

from __future__ import annotations

import ast
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.sandbox.isolation import find_isolation
from workbench.sandbox.limits import Outcome

Run = Callable[..., Outcome]

TRY = """
import sys
def attempt(name, action):
    try:
        action()
    except Exception as error:
        print(name, "refused", type(error).__name__)
    else:
        print(name, "DONE")
"""


@pytest.fixture
def server() -> Iterator[int]:
    """The port of a server on loopback that counts who comes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.05)
        yield listener.getsockname()[1]
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file in the user's home, and a key in the environment."""
    monkeypatch.setenv("SECRET_KEY", "sesame-open")
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        path = Path(folder) / "secret.txt"
        path.write_text("sesame-open", encoding="utf-8")
        path.chmod(0o644)
        Path(folder).chmod(0o755)
        yield path


def test_no_socket_reaches_a_server_of_this_machine(run: Run, server: int) -> None:
    outcome = run(
        TRY
        + """
import socket
port = int(sys.argv[1])
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", port), 1))
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)))
attempt("tcp6", lambda: socket.socket(socket.AF_INET6))
attempt("unix", lambda: socket.socket(socket.AF_UNIX))
attempt("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
attempt("vsock", lambda: socket.socket(40, socket.SOCK_STREAM))
attempt("datagrams", lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
""",
        str(server),
    )
    assert outcome.exit_code == 0
    assert outcome.stdout.count("refused") == 7
    assert "DONE" not in outcome.stdout


def test_pipes_and_pairs_of_sockets_within_the_program_work(run: Run) -> None:
    code = """
import os, socket
a, b = socket.socketpair(); a.send(b"x"); assert b.recv(1) == b"x"
r, w = os.pipe(); os.write(w, b"y"); assert os.read(r, 1) == b"y"
import asyncio
print(asyncio.run(asyncio.sleep(0, "fine")))
"""
    assert run(code).stdout == "fine\n"


def test_files_of_the_system_and_of_the_user_cannot_be_read(run: Run, secret: Path) -> None:
    paths = ["/etc/shadow", "/etc/passwd", str(secret), "/proc/1/environ", "/proc/self/environ", "/root", "/home"]
    code = (
        TRY
        + "import os\nfor p in sys.argv[1:]: attempt(p, lambda: os.listdir(p) if os.path.isdir(p) else open(p).read())"
    )
    outcome = run(code, *paths, str(Path.cwd()), "/", "/tmp")
    assert outcome.exit_code == 0
    assert outcome.stdout.count("refused") == len(paths) + 3
    assert "DONE" not in outcome.stdout


def test_links_and_dots_lead_nowhere(run: Run, secret: Path) -> None:
    code = (
        TRY
        + """
import os
target = sys.argv[1]
os.symlink(target, "link"); attempt("symlink", lambda: open("link").read())
os.symlink("/", "top"); attempt("top", lambda: open("top" + target).read())
attempt("hard link", lambda: os.link(target, "hard"))
attempt("dots", lambda: open("../" * 20 + target[1:]).read())
attempt("chroot", lambda: os.chroot("/"))
handle = os.open(".", os.O_RDONLY)
attempt("descriptor", lambda: open(os.open("../../.." + target, os.O_RDONLY, dir_fd=handle)).read())
attempt("write by link", lambda: open("link", "w").write("x"))
"""
    )
    outcome = run(code, str(secret))
    assert outcome.exit_code == 0
    assert outcome.stdout.count("refused") == 7
    assert secret.read_text(encoding="utf-8") == "sesame-open"


def test_nothing_outside_of_the_folder_can_be_changed(run: Run, secret: Path) -> None:
    code = (
        TRY
        + """
import os
target = sys.argv[1]
folder = os.path.dirname(target)
attempt("new", lambda: open(folder + "/new", "w"))
attempt("tmp", lambda: open("/tmp/workbench-was-here", "w"))
attempt("append", lambda: open(target, "a"))
attempt("truncate", lambda: os.truncate(target, 0))
attempt("open to truncate", lambda: os.open(target, os.O_RDONLY | os.O_TRUNC))
attempt("own interpreter", lambda: os.open(os.__file__, os.O_RDONLY | os.O_TRUNC))
attempt("unlink", lambda: os.unlink(target))
attempt("rename", lambda: os.rename(target, "mine"))
attempt("rmdir", lambda: os.rmdir(folder))
attempt("library", lambda: open(os.path.dirname(os.__file__) + "/sitecustomize.py", "w"))
attempt("shm", lambda: open("/dev/shm/x", "w"))
for action in (lambda: os.chmod(target, 0o777), lambda: os.utime(target, (0, 0)), lambda: os.chmod(os.__file__, 0)):
    try: action()
    except OSError: pass
"""
    )
    before = secret.stat(), Path(os.__file__).stat().st_mode
    outcome = run(code, str(secret))
    assert outcome.exit_code == 0
    assert outcome.stdout.count("refused") == 11
    assert (secret.stat(), Path(os.__file__).stat().st_mode) == before
    assert os.listdir(secret.parent) == ["secret.txt"]  # noqa: PTH208
    assert not Path("/tmp/workbench-was-here").exists()


def test_the_environment_holds_no_secrets(run: Run, secret: Path) -> None:
    outcome = run("import os; print(sorted(os.environ)); print(os.environ)")
    names = {
        "HOME", "LANG", "LC_CTYPE", "LD_LIBRARY_PATH", "OPENSSL_CONF", "PATH", "PYTHONDONTWRITEBYTECODE",
        "PYTHONHASHSEED", "RAYON_NUM_THREADS", "TMPDIR", "TZ",
    }  # fmt: skip
    assert set(ast.literal_eval(outcome.stdout.splitlines()[0])) <= names
    assert "sesame" not in outcome.stdout


def test_the_program_holds_no_files_but_its_three_streams(run: Run) -> None:
    code = """
import os
for number in range(128):
    try: os.fstat(number)
    except OSError: continue
    print(number)
"""
    assert run(code).stdout == "0\n1\n2\n"


def test_the_folder_is_empty_private_and_removed(run: Run) -> None:
    before = find_boxes()
    code = """
import os, pathlib
print(os.listdir("."), os.getcwd(), os.environ["HOME"], os.environ["TMPDIR"], oct(os.stat(".").st_mode))
folder = pathlib.Path("a/b/c"); folder.mkdir(parents=True)
(folder / "file").write_text("x")
os.symlink("/usr", "a/link")
for _ in range(400): os.mkdir("deep"); os.chdir("deep")
"""
    outcome = run(code)
    assert (outcome.stdout, outcome.exit_code) == ("['main.py'] /box /box /box 0o40700\n", 0)
    assert find_boxes() <= before
    assert Path("/usr").is_dir()


def test_a_folder_nested_without_end_is_removed_too(run: Run) -> None:
    before = find_boxes()
    run("import os\nfor _ in range(3000): os.mkdir('deep', 0o700); os.chdir('deep')\nos.mkdir('closed', 0)")
    assert find_boxes() <= before


def find_boxes() -> set[Path]:
    """Folders of programs that are there."""
    return set(Path(tempfile.gettempdir()).glob("workbench-box-*"))


def test_no_process_of_the_user_can_be_signalled_or_looked_into(run: Run) -> None:
    code = (
        TRY
        + """
import ctypes, os, resource, signal
pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    if libc.syscall(*arguments) == -1:
        raise OSError(ctypes.get_errno())
attempt("kill", lambda: os.kill(pid, signal.SIGKILL))
attempt("ask", lambda: os.kill(pid, 0))
attempt("ptrace", lambda: call(101, 16, pid, 0, 0))
attempt("limits", lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)))
attempt("priority", lambda: os.setpriority(os.PRIO_PROCESS, pid, 19))
attempt("affinity", lambda: os.sched_setaffinity(pid, {0}))
attempt("queue", lambda: call(129, pid, 15, bytes(128)))
attempt("descriptor", lambda: signal.pidfd_send_signal(os.pidfd_open(pid), 9))
attempt("owner", lambda: __import__("fcntl").fcntl(0, 8, pid))
attempt("memory", lambda: call(310, pid, 0, 0, 0, 0, 0))
attempt("parent", lambda: os.kill(os.getppid() or 1, signal.SIGKILL) or 1 / 0)
"""
    )
    limits = os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, 0)
    outcome = run(code, str(os.getpid()))
    assert outcome.stdout.count("refused") == 11
    assert "DONE" not in outcome.stdout
    assert limits == (os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, 0))


def test_signals_to_all_processes_reach_nobody_else(run: Run) -> None:
    outcome = run("import os, signal\ntry: os.kill(-1, signal.SIGKILL)\nexcept OSError: pass\nprint('alive')")
    assert outcome.ended in {"exit", "signal"}
    outcome = run("import os, signal\ntry: os.killpg(0, signal.SIGKILL)\nexcept OSError: pass\nprint('alive')")
    assert outcome.ended in {"exit", "signal"}


def test_the_kernel_offers_no_powers(run: Run) -> None:
    code = (
        TRY
        + """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno())
attempt("user namespace", lambda: call("unshare", 0x10000000))
attempt("mount", lambda: call("mount", b"x", b"/box", b"tmpfs", 0, None))
attempt("unmount", lambda: call("umount2", b"/box", 2))
attempt("setuid", lambda: os.setuid(0) if os.getuid() else call("mount", b"x", b".", b"tmpfs", 0, None))
attempt("clone", lambda: call("syscall", 56, 0x10000000 | 17, 0, 0, 0, 0))
attempt("clone3", lambda: call("syscall", 435, bytes(88), 88))
attempt("bpf", lambda: call("syscall", 321, 0, bytes(128), 128))
attempt("io_uring", lambda: call("syscall", 425, 4, bytes(256)))
attempt("keys", lambda: call("syscall", 250, 0, -3, 0, 0, 0))
attempt("perf", lambda: call("syscall", 298, bytes(128), 0, -1, -1, 0))
attempt("memory without limit", lambda: call("syscall", 319, b"x", 0))
attempt("shared memory", lambda: call("shmget", 0, 1 << 20, 0o1600))
attempt("host name", lambda: call("sethostname", b"evil", 4))
attempt("device", lambda: os.mknod("disk", 0o60600, os.makedev(254, 0)))
attempt("capability", lambda: os.chown("main.py", 12, 12) or 1 / 0)
print(open("/dev/urandom", "rb").read(4) and "random")
"""
    )
    outcome = run(code)
    assert "DONE" not in outcome.stdout
    assert outcome.stdout.endswith("random\n")
    assert outcome.stdout.count("refused") == 15


def test_system_calls_of_another_architecture_end_the_program(run: Run) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("only x86-64 has two sets of system calls")
    # mov eax, 20 (getpid of 32-bit programs); int 0x80; ret
    code = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=7, flags=34)
page.write(bytes.fromhex("b814000000cd80c3"))
print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))())
"""
    outcome = run(code)
    assert (outcome.ended, outcome.stdout) == ("signal", "")


def test_the_isolation_found_is_one_that_was_tried() -> None:
    isolation = find_isolation()
    if isolation.mode is None:
        assert isolation.reasons
    else:
        assert isolation.describe()
        assert not isolation.reasons
    assert find_isolation() is isolation
