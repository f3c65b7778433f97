"""The queue's own rules; what it does for runs is tested with workers in test_runs."""

from pathlib import Path

import pytest

from workbench.errors import WorkbenchError
from workbench.runs.folder import RunState
from workbench.runs.queue import Queue, is_on_network
from workbench.workspace import Workspace

MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /home rw,relatime shared:2 - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/local rw - xfs /dev/vdb rw
32 22 0:42 / /data\040sets rw - fuse.sshfs host:/data rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/work/runs", False),
        ("/home/me/runs", True),
        ("/home/local/runs", False),
        ("/homework", False),
        ("/data sets/x", True),
    ],
)
def test_network_file_systems_are_told_by_the_mount_that_holds_the_path(path: str, expected: bool) -> None:
    assert is_on_network(Path(path), MOUNTS) is expected


def test_runs_are_listed_by_priority_then_time_and_claimed_once(tmp_path: Path) -> None:
    queue = Queue(Workspace(tmp_path))
    for name, priority, queued in (("b", 0, 2.0), ("a", 0, 1.0), ("urgent", 1, 3.0)):
        queue.add(RunState(name, "probe", "", "queued", 0.0, queued=queued, priority=priority))
    assert [row.id for row in queue.list_all()] == ["urgent", "a", "b"]
    assert queue.claim("a")
    assert not queue.claim("a")
    assert not queue.claim("nowhere")
    queue.release("a")
    assert queue.claim("a")
    queue.remove("a")
    assert [row.id for row in queue.list_all()] == ["urgent", "b"]


def test_the_signature_changes_with_the_queue_and_only_then(tmp_path: Path) -> None:
    queue = Queue(Workspace(tmp_path))
    before = queue.read_signature()
    queue.add(RunState("a", "probe", "", "queued", 0.0))
    after = queue.read_signature()
    assert before != after
    queue.list_all()
    assert queue.read_signature() == after


def test_a_queue_that_is_a_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "runs" / "queue.sqlite").mkdir(parents=True)
    with pytest.raises(WorkbenchError, match=r"queue\.sqlite"):
        Queue(Workspace(tmp_path)).list_all()
