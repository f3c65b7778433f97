"""The helper process: answers the screens' questions that need heavy imports, so that the app never has to import them.

JSON lines in on stdin, JSON lines out on stdout:

    {"id": 7, "op": "preview", "arguments": {"text": "…", "folder": "…", "rows": 10}}
    {"id": 7, "result": {…}}    or    {"id": 7, "error": {"cause": "…", "solution": "…"}}

Answers may come in another order than the questions: each lane is a thread of its own, so that a slow estimate never
delays a preview. Standard output belongs to the protocol alone: whatever a library prints goes to standard error.
The process ends when its stdin does, whatever it is busy with.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import sys
import threading
from typing import Any, BinaryIO

from workbench.engines.operations import OPERATIONS, Arguments, Operation, warm_up
from workbench.errors import WorkbenchError

Answer = dict[str, Any]

LOG = logging.getLogger("workbench.helper")


class Server:
    """Reads questions, hands each to its lane, and writes answers one whole line at a time."""

    def __init__(self, questions: BinaryIO, answers: BinaryIO) -> None:
        self._questions = questions
        self._answers = answers
        self._writing = threading.Lock()
        self._warm = threading.Event()
        self._lanes: dict[str, queue.SimpleQueue[tuple[Any, Operation, Arguments]]] = {}

    def serve(self) -> None:
        """Answer until the questions end."""
        for lane in sorted({operation.lane for operation in OPERATIONS.values()}):
            self._lanes[lane] = queue.SimpleQueue()
            threading.Thread(target=self._work, args=(lane,), name=lane, daemon=True).start()
        for line in self._questions:
            self._accept(line)

    def _accept(self, line: bytes) -> None:
        try:
            question = json.loads(line)
            number, name, arguments = question["id"], question["op"], question.get("arguments") or {}
        except (ValueError, TypeError, KeyError, AttributeError):
            self._write({"id": None, "error": _explain("The question was not understood.", "This is a defect.")})
            return
        operation = OPERATIONS.get(name) if isinstance(name, str) else None
        if operation is None or not isinstance(arguments, dict):
            known = ", ".join(OPERATIONS)
            self._write({"id": number, "error": _explain(f"The helper has no operation “{name}”.", f"Known: {known}.")})
            return
        self._lanes[operation.lane].put((number, operation, arguments))

    def _work(self, lane: str) -> None:
        """One lane. The others start once the fast one is warm: the first preview waits for no import of theirs."""
        if lane == "fast":
            _warm_up_quietly()
            self._warm.set()
        else:
            self._warm.wait()
        while True:
            number, operation, arguments = self._lanes[lane].get()
            self._write({"id": number, **_answer(operation, arguments)})

    def _write(self, message: Answer) -> None:
        try:
            line = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        except (TypeError, ValueError) as error:
            LOG.exception("an answer is not JSON")
            failure = _explain(f"The answer cannot be sent: {error}.", "This is a defect.")
            line = json.dumps({"id": message["id"], "error": failure})
        with self._writing:
            self._answers.write(line.encode(errors="replace") + b"\n")
            self._answers.flush()


def _answer(operation: Operation, arguments: Arguments) -> Answer:
    try:
        return {"result": operation.answer(arguments)}
    except WorkbenchError as error:
        return {"error": _explain(error.cause, error.solution)}
    except Exception as error:  # one failed question must not end the process that answers the next
        LOG.exception("an operation failed")
        return {"error": _explain(f"{type(error).__name__}: {error}.", "This is a defect; the log has its place.")}


def _warm_up_quietly() -> None:
    try:
        warm_up()
    except Exception:  # what is broken will be the answer to the first preview
        LOG.exception("the warm-up failed")


def _explain(cause: str, solution: str) -> Answer:
    return {"cause": cause, "solution": solution}


def take_stdout() -> BinaryIO:
    """Keep standard output for the protocol: return it, and let everything printed from here on go to stderr."""
    protocol = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return protocol


def main() -> None:
    """Serve until stdin ends, then leave at once: a lane may be deep in a library."""
    answers = take_stdout()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        Server(sys.stdin.buffer, answers).serve()
    except BrokenPipeError:
        pass
    finally:
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
