"""The helper process: answers the screens' questions that need heavy imports, so that the app never has to import them.

JSON lines in on stdin, JSON lines out on stdout:

    {"id": 7, "op": "preview", "arguments": {"text": "…", "folder": "…", "rows": 10}}
    {"id": 7, "result": {…}}    or    {"id": 7, "error": {"cause": "…", "solution": "…"}}

Before its answer an operation that takes long may tell how it goes, and may be cancelled. `cancel` is answered at once,
and the question it names as soon as its operation has seen it, with the result {"cancelled": true}:

    {"id": 7, "event": {"table": "tickets", "column": "reply", "row": 0, "text": "We are so"}}
    {"id": 8, "op": "cancel", "arguments": {"id": 7}}

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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from workbench.engines.operations import (
    OPERATIONS,
    Arguments,
    IdleTask,
    LongOperation,
    Operation,
    Talk,
    read_idle_tasks,
    warm_up,
)
from workbench.errors import UsageError, WorkbenchError

Answer = dict[str, Any]

LOG = logging.getLogger("workbench.helper")


@dataclass(frozen=True, slots=True)
class Question:
    """A question on its way through its lane. Its number, any JSON value, is given back with the answer."""

    number: Any
    operation: Operation | LongOperation
    arguments: Arguments
    talk: Talk


class Server:
    """Reads questions, hands each to its lane, and writes answers one whole line at a time."""

    def __init__(self, questions: BinaryIO, answers: BinaryIO, idle: Mapping[str, IdleTask] | None = None) -> None:
        self._questions = questions
        self._answers = answers
        self._idle = idle or {}
        self._open: dict[str, Question] = {}
        """Questions without an answer, by their number as JSON text."""
        self._writing = threading.Lock()
        self._warm = threading.Event()
        self._lanes: dict[str, queue.SimpleQueue[Question]] = {}

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
        if name == "cancel" and isinstance(arguments, dict):
            self._write({"id": number, "result": {"cancelled": self._cancel(arguments.get("id"))}})
            return
        operation = OPERATIONS.get(name) if isinstance(name, str) else None
        if operation is None or not isinstance(arguments, dict):
            known = ", ".join([*OPERATIONS, "cancel"])
            self._write({"id": number, "error": _explain(f"The helper has no operation “{name}”.", f"Known: {known}.")})
            return
        talk = Talk(lambda event: self._write({"id": number, "event": event}))
        question = Question(number, operation, arguments, talk)
        self._open[json.dumps(number)] = question
        self._lanes[operation.lane].put(question)

    def _cancel(self, number: Any) -> bool:
        """Ask the question of this number to stop; whether it was still without an answer."""
        question = self._open.get(json.dumps(number))
        if question is not None:
            question.talk.stop.set()
        return question is not None

    def _work(self, lane: str) -> None:
        """One lane. The others start once the fast one is warm: the first preview waits for no import of theirs."""
        if lane == "fast":
            _do_quietly(warm_up, "the warm-up failed")  # what is broken will be the answer to the first preview
            self._warm.set()
        else:
            self._warm.wait()
        idle = self._idle.get(lane)
        while True:
            question = self._wait(lane, idle)
            answer = _answer(question)
            self._open.pop(json.dumps(question.number), None)
            self._write({"id": question.number, **answer})

    def _wait(self, lane: str, idle: IdleTask | None) -> Question:
        """The next question of a lane, which does what it has to do when none comes for a while."""
        waiting = self._lanes[lane]
        if idle is not None:
            try:
                return waiting.get(timeout=idle.seconds)
            except queue.Empty:
                _do_quietly(idle.act, "what is done when idle failed")
        return waiting.get()

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


def _answer(question: Question) -> Answer:
    operation, arguments = question.operation, question.arguments
    try:
        if isinstance(operation, LongOperation):
            return {"result": operation.answer(arguments, question.talk)}
        return {"result": operation.answer(arguments)}
    except WorkbenchError as error:
        return {"error": _explain(error.cause, error.solution)}
    except Exception as error:  # one failed question must not end the process that answers the next
        LOG.exception("an operation failed")
        return {"error": _explain(f"{type(error).__name__}: {error}.", "This is a defect; the log has its place.")}


def _do_quietly(act: Callable[[], object], failure: str) -> None:
    """Do what nobody has asked for, so that nobody can be told of its failure but the log."""
    try:
        act()
    except Exception:
        LOG.exception(failure)


def _choose_idle_tasks() -> dict[str, IdleTask]:
    try:
        return read_idle_tasks(os.environ)
    except UsageError as error:  # the app needs its helper all the same
        LOG.warning("%s", error)
        return read_idle_tasks({})


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
        Server(sys.stdin.buffer, answers, _choose_idle_tasks()).serve()
    except BrokenPipeError:
        pass
    finally:
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
