"""Figures over steps: written for us and for TensorBoard, followed by offset, merged over attempts."""

import math
from pathlib import Path

from workbench.runs.metrics import MetricsHistory, MetricsTail, MetricsWriter


def test_figures_are_followed_by_offset_and_a_torn_line_waits_for_its_end(tmp_path: Path) -> None:
    tail = MetricsTail(tmp_path)
    assert tail.read_new() == []
    writer = MetricsWriter(tmp_path, 1)
    writer.write({"loss": 2.0, "lr": 1e-4}, 1)
    assert tail.read_new() == [(1, {"loss": 2.0, "lr": 1e-4})]
    with (tmp_path / "metrics" / "1-0.jsonl").open("a") as file:
        file.write('{"step": 2, "values": {"lo')
    assert tail.read_new() == []
    with (tmp_path / "metrics" / "1-0.jsonl").open("a") as file:
        file.write('ss": 1.5}}\nnot json\n{"step": "x"}\n[]\n{"step": 3, "values": {"loss": 1}}\n')
    assert tail.read_new() == [(2, {"loss": 1.5}), (3, {"loss": 1.0})]
    writer.close()


def test_a_later_attempt_replaces_earlier_figures_from_its_first_step_on(tmp_path: Path) -> None:
    for attempt, steps in ((1, range(0, 6)), (2, range(3, 8)), (10, range(7, 9))):
        writer = MetricsWriter(tmp_path, attempt)
        for step in steps:
            writer.write({"loss": attempt + step / 10}, step)
        writer.close()
    points = MetricsTail(tmp_path).read_new()
    assert [step for step, _ in points] == list(range(9))
    assert [int(values["loss"]) for _, values in points] == [1, 1, 1, 2, 2, 2, 2, 10, 10]


def test_an_attempt_that_begins_while_following_replaces_in_the_history(tmp_path: Path) -> None:
    tail, history = MetricsTail(tmp_path), MetricsHistory()
    first = MetricsWriter(tmp_path, 1)
    for step in range(5):
        first.write({"loss": 1.0}, step)
        first.write({"speed": 5.0}, step)
    history.add(tail.read_new())
    second = MetricsWriter(tmp_path, 2)
    second.write({"loss": 2.0}, 3)
    history.add(tail.read_new())
    assert history.series["loss"] == [(0, 1.0), (1, 1.0), (2, 1.0), (3, 2.0)]
    assert len(history.series["speed"]) == 5
    first.close()
    second.close()


def test_other_ranks_are_written_apart_and_not_mixed_in(tmp_path: Path) -> None:
    MetricsWriter(tmp_path, 1, rank=1).write({"loss": 9.0}, 1)
    assert MetricsTail(tmp_path).read_new() == []
    assert not (tmp_path / "tb").exists()


def test_long_runs_are_read_in_bounded_batches_and_kept_in_bounded_memory(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    with (folder / "1-0.jsonl").open("w") as file:
        for step in range(100_000):
            file.write(f'{{"step":{step},"time":1.0,"values":{{"loss":{step / 2}}}}}\n')
    tail, history = MetricsTail(tmp_path), MetricsHistory(limit=1_000)
    largest = total = 0
    while points := tail.read_new():
        largest, total = max(largest, len(points)), total + len(points)
        history.add(points)
    assert total == 100_000
    assert largest < 50_000
    assert len(history.series["loss"]) <= 1_000
    assert history.series["loss"][-1] == (99_999, 99_999 / 2)


def test_numbers_that_are_not_finite_survive(tmp_path: Path) -> None:
    writer = MetricsWriter(tmp_path, 1)
    writer.write({"loss": math.nan, "scale": math.inf, "huge": 1e300}, 1)
    writer.close()
    ((_, values),) = MetricsTail(tmp_path).read_new()
    assert math.isnan(values["loss"])
    assert values["scale"] == math.inf


def test_tensorboard_reads_all_figures_and_drops_what_a_later_attempt_replaced(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for attempt, steps in ((1, range(0, 300)), (2, range(200, 400))):
        writer = MetricsWriter(tmp_path, attempt)
        for step in steps:
            writer.write({"train/loss": attempt + step / 1000, "größe": step}, step)
        writer.close()
    events = EventAccumulator(str(tmp_path / "tb"), size_guidance={"scalars": 0})
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"train/loss", "größe"}
    loss = events.Scalars("train/loss")
    assert [event.step for event in loss] == list(range(400))
    assert math.isclose(loss[199].value, 1.199, rel_tol=1e-6)
    assert math.isclose(loss[200].value, 2.2, rel_tol=1e-6)
