"""Several jobs at a time: order, output, failures."""

import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from catscale.errors import CatscaleError, DivergedError
from catscale.run.folder.run_lock import hold_lock
from catscale.run.jobs import Job, run_jobs


def make_job(folder: Path, name: str, *programs: str) -> Job:
    commands = [[sys.executable, "-S", "-c", program] for program in programs]
    return Job(name, commands, folder / f"{name}.log", folder / name, steps=10)


def test_commands_of_a_job_follow_each_other_and_their_output_is_kept(tmp_path):
    said: list[str] = []
    jobs = [make_job(tmp_path, name, "print('first')", "print('second')") for name in "abc"]
    run_jobs(jobs, 2, said.append)
    for name in "abc":
        assert (tmp_path / f"{name}.log").read_text() == "first\nsecond\n"
        assert f"{name}: step 0 of 10, done" in said


def test_the_position_is_read_from_the_metrics(tmp_path):
    job = make_job(tmp_path, "a", "pass", "pass")
    assert job.position() == (0, "starting")
    records = [{"kind": "valid", "step": 5, "mean": 1.25}, {"kind": "train", "step": 7}]
    job.run.mkdir()
    (job.run / "metrics.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records) + '{"kind": "tr')
    assert job.position() == (7, "training  validation nll 1.250")


@pytest.mark.parametrize(("status", "kind"), [(2, CatscaleError), (3, DivergedError)])
def test_a_failure_shows_the_end_of_the_log_and_stops_the_others(tmp_path, status, kind):
    bad = make_job(tmp_path, "bad", f"import sys; print('out of luck', flush=True); sys.exit({status})", "print('no')")
    slow = make_job(tmp_path, "slow", "import time; time.sleep(600)")
    with pytest.raises(kind, match=rf"(?s)bad ended with status {status}; see .*bad.log:\nout of luck"):
        run_jobs([slow, bad], 2, lambda line: None)
    assert slow.process is not None
    assert slow.process.returncode != 0
    assert bad.started == 1


def test_a_message_of_ours_is_shown_without_what_was_logged_before(tmp_path):
    program = "import sys; print('a table'); sys.exit('catscale: the message\\nand its second line')"
    with pytest.raises(CatscaleError, match=r"see .*bad.log:\nthe message\nand its second line$"):
        run_jobs([make_job(tmp_path, "bad", program)], 1, lambda line: None)


def test_told_to_keep_going_a_failure_leaves_the_others(tmp_path):
    said: list[str] = []
    bad, good = make_job(tmp_path, "bad", "raise SystemExit(2)"), make_job(tmp_path, "good", "print('done')")
    (failure,) = run_jobs([bad, good], 1, said.append, keep_going=True)
    assert "bad ended with status 2" in str(failure)
    assert (tmp_path / "good.log").read_text() == "done\n"
    assert said == ["bad: step 0 of 10, failed", "good: step 0 of 10, done"]


def test_when_the_time_is_over_what_runs_is_asked_to_stop_and_nothing_more_begins(tmp_path):
    """The one that runs saves its state before it ends, and is waited for."""
    program = (
        "import signal, sys, time\n"
        "def save(*_): time.sleep(0.3); print('saved'); sys.exit(130)\n"
        "signal.signal(signal.SIGTERM, save); print('begun', flush=True); time.sleep(600)"
    )
    jobs = [make_job(tmp_path, "a", program, "print('no')"), make_job(tmp_path, "b", "print('no')")]
    began = time.monotonic()
    assert run_jobs(jobs, 1, lambda line: None, keep_going=True, until=began + 1) == []
    assert time.monotonic() - began < 30
    assert (tmp_path / "a.log").read_text() == "begun\nsaved\n"
    assert (jobs[0].started, jobs[1].started) == (1, 0)


def test_no_job_is_started_once_the_time_is_over(tmp_path):
    job = make_job(tmp_path, "a", "print('no')")
    assert run_jobs([job], 1, lambda line: None, until=time.monotonic()) == []
    assert job.started == 0


def test_a_job_has_its_threads_and_is_not_reached_by_the_terminal_s_signals(tmp_path):
    job = make_job(tmp_path, "a", "import os; print(os.environ['OMP_NUM_THREADS'], os.getpgid(0) == os.getpid())")
    job.threads = 3
    run_jobs([job], 1, lambda line: None)
    assert (tmp_path / "a.log").read_text() == "3 True\n"


def test_names_of_jobs_are_no_markup(tmp_path, monkeypatch, capsys):
    """A method's settings may be lists, as in `cats:x=[a]`; on a terminal the names stand before bars."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    job = make_job(tmp_path, "a", "pass")
    job.name = "m:x=[a] [/b]"
    run_jobs([job], 1, print)
    assert "m:x=[a] [/b]" in capsys.readouterr().err


def test_a_folder_in_which_another_process_still_works_is_waited_for(tmp_path):
    """As after a kill of the sweep before: its training saves its state, and is no failure of this one."""
    said: list[str] = []
    job = make_job(tmp_path, "a", "print('done')")
    job.run.mkdir()
    with ExitStack() as holder:
        holder.enter_context(hold_lock(job.run, "train"))

        def hear(line: str) -> None:
            said.append(line)
            assert not job.log.exists()
            holder.close()

        hear_first = iter([hear])
        run_jobs([job], 1, lambda line: next(hear_first, said.append)(line))
    assert said[0] == "a: step 0 of 10, waiting until another process that works in its folder ends"
    assert said[-1] == "a: step 0 of 10, done"
    assert (tmp_path / "a.log").read_text() == "done\n"


def test_each_job_sees_one_gpu_which_the_next_one_takes_over(tmp_path):
    """Two GPUs, four jobs: at no time do two have the same one, and never are there more than GPUs."""
    program = (
        "import os, pathlib, time\n"
        "gpu = os.environ['CUDA_VISIBLE_DEVICES']\n"
        f"held = pathlib.Path({str(tmp_path)!r}) / f'gpu-{{gpu}}'\n"
        "held.touch(exist_ok=False); time.sleep(0.2); held.unlink(); print(gpu)\n"
    )
    jobs = [make_job(tmp_path, name, program, program) for name in "abcd"]
    assert run_jobs(jobs, 9, lambda line: None, gpus=["5", "GPU-7f"]) == []
    seen = [(tmp_path / f"{name}.log").read_text().split() for name in "abcd"]
    assert all(first == second for first, second in seen)  # both commands of a job on the same one
    assert {first for first, _ in seen} == {"5", "GPU-7f"}


def test_the_gpu_of_a_job_that_failed_is_free_again(tmp_path):
    bad = make_job(tmp_path, "bad", "raise SystemExit(2)")
    good = make_job(tmp_path, "good", "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])")
    (failure,) = run_jobs([bad, good], 2, lambda line: None, keep_going=True, gpus=["3"])
    assert "bad ended with status 2" in str(failure)
    assert (tmp_path / "good.log").read_text() == "3\n"


def test_without_gpus_a_job_sees_those_that_we_see(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    job = make_job(tmp_path, "a", "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])")
    run_jobs([job], 1, lambda line: None)
    assert (tmp_path / "a.log").read_text() == "2,3\n"
