"""A run in parts: it stops when the time is over, goes on where it stopped, and says what keeps it from starting."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.append(str(Path(__file__).parents[2] / "tools"))

import gpu_run  # pyright: ignore[reportMissingImports]
from gpu_run import RunError, Stage  # pyright: ignore[reportMissingImports]

SAY = "from pathlib import Path; import sys; Path(sys.argv[1]).open('a').write(sys.argv[2])"


@pytest.fixture
def options(tmp_path):
    return SimpleNamespace(
        site=tmp_path,
        wheels=None,
        out=tmp_path / "out",
        work=tmp_path / "work",
        data="digits",
        peers_python=None,
        seconds=60.0,
        rehearse=True,
    )


def say(name, path):
    return Stage(name, [sys.executable, "-c", SAY, str(path), name])


def wait(name):
    return Stage(name, [sys.executable, "-c", "import time; time.sleep(60)"])


def test_stages_are_done_in_order_and_once(options, monkeypatch, tmp_path):
    path = tmp_path / "said"
    monkeypatch.setattr(gpu_run, "stages", lambda _: [say("a", path), say("b", path)])
    assert gpu_run._run(options) == gpu_run._run(options) == 0
    assert path.read_text() == "ab"
    assert json.loads((options.out / "done.json").read_text()) == {"a": "done", "b": "done"}


def test_what_the_time_does_not_reach_is_left_for_the_next_call(options, monkeypatch, tmp_path):
    path = tmp_path / "said"
    monkeypatch.setattr(gpu_run, "stages", lambda _: [say("a", path), wait("long"), say("c", path)])
    options.seconds = 2.0
    assert gpu_run._run(options) == 0
    assert json.loads((options.work / "done.json").read_text()) == {"a": "done"}
    assert "left: long, c" in (options.out / "log.txt").read_text()
    monkeypatch.setattr(gpu_run, "stages", lambda _: [say("a", path), say("long", path), say("c", path)])
    options.seconds = 60.0
    assert gpu_run._run(options) == 0
    assert path.read_text() == "alongc"


def test_a_stage_that_fails_is_named_and_the_rest_is_done(options, monkeypatch, tmp_path):
    path = tmp_path / "said"
    broken = Stage("broken", [sys.executable, "-c", "print('why'); raise SystemExit(3)"])
    monkeypatch.setattr(gpu_run, "stages", lambda _: [broken, say("b", path)])
    assert gpu_run._run(options) == 1
    assert path.read_text() == "b"
    log = (options.out / "log.txt").read_text()
    assert "why" in log
    assert "broken: failed with status 3" in log
    assert "left: broken" in log
    monkeypatch.setattr(gpu_run, "stages", lambda _: [say("broken", path), say("b", path)])
    assert gpu_run._run(options) == 0
    assert path.read_text() == "bbroken"  # tried again, and the other was not


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--seconds": "0"}, "got --seconds 0; want a number above 0"),
        ({"--seconds": "nan"}, "got --seconds nan; want a number above 0"),
        ({"--site": "nowhere"}, "got --site nowhere, which is no folder"),
        ({"--wheels": "nowhere"}, "got --wheels nowhere, which is no folder"),
        ({"--out": "file"}, "got --out file, which is a file"),
        ({"--data": "digits"}, "got --data digits, which has fewer images than the preset gpu's largest batch"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_done(tmp_path, monkeypatch, capsys, changes, message):
    (tmp_path / "site").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    arguments = {"--site": "site", "--out": "out", "--data": "mnist"} | changes
    monkeypatch.setattr(sys, "argv", ["gpu_run.py", *(text for pair in arguments.items() for text in pair)])
    assert gpu_run.main() == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_record_of_the_stages_that_is_damaged_is_refused(options):
    options.work.mkdir()
    (options.work / "done.json").write_text("[")
    with pytest.raises(RunError, match=r"got .*done.json, which is damaged; .* remove it to begin anew"):
        gpu_run._run(options)


def test_a_results_folder_that_has_a_journal_is_gone_on_with(options, monkeypatch):
    for folder in ("gpu", "other"):
        (options.work / folder).mkdir(parents=True)
    (options.work / "gpu" / "journal.jsonl").write_text("{}\n")
    show = [sys.executable, "-c", "import sys; print(sys.argv[1:])"]
    monkeypatch.setattr(gpu_run, "stages", lambda _: [Stage("one", show, "gpu"), Stage("two", show, "other")])
    gpu_run._run(options)
    one, two = [line for line in (options.out / "log.txt").read_text().splitlines() if line.startswith("[")]
    assert "--resume" in one
    assert "--resume" not in two
    assert (options.out / "gpu" / "journal.jsonl").read_text() == "{}\n"


def test_paths_are_those_of_where_it_was_called(tmp_path, monkeypatch):
    for name in ("site", "digits-of-mine"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    seen = []
    monkeypatch.setattr(gpu_run, "_run", lambda options: seen.append(options) or 0)
    command = ["gpu_run.py", "--site", "site", "--out", "out", "--data", "digits-of-mine"]
    for arguments in (command, [*command[:-1], "mnist"]):
        monkeypatch.setattr(sys, "argv", arguments)
        assert gpu_run.main() == 0
    one, other = seen
    assert (one.site, one.out, one.data) == (tmp_path / "site", tmp_path / "out", str(tmp_path / "digits-of-mine"))
    assert other.data == "mnist"


def test_every_stage_asks_benchmarks_that_exist_and_the_files_are_few(options):
    options.rehearse = False
    folders = {stage.folder for stage in gpu_run.stages(options) if stage.folder}
    assert len(folders) + len(("log.txt", "done.json")) <= 8
    assert len({stage.name for stage in gpu_run.stages(options)}) == len(gpu_run.stages(options))


def test_without_a_driver_nothing_is_begun(options, monkeypatch, tmp_path):
    options.rehearse = False
    monkeypatch.setattr(gpu_run, "DEV", tmp_path)
    with pytest.raises(RunError, match="got no NVIDIA GPU with a driver here; want one, or --rehearse"):
        gpu_run._run(options)
    assert not options.out.exists()


def test_a_package_that_is_nowhere_is_named(options, monkeypatch):
    monkeypatch.setitem(gpu_run.PACKAGES, "no_such_module", "no-such-package")
    with pytest.raises(RunError, match=r"got no no-such-package in .* nor in .*; want --wheels with them"):
        gpu_run._run(options)
    options.wheels = options.out
    with pytest.raises(RunError, match=r"the wheels in .* do not install: .*; want all of no-such-package"):
        gpu_run._run(options)


def test_a_gpu_that_tensorflow_does_not_see_is_said_to_be_unseen(options, monkeypatch, tmp_path):
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(gpu_run, "DEV", tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    options.rehearse = False
    with pytest.raises(RunError, match=r"TensorFlow sees no GPU: .*; want a site that holds TensorFlow with CUDA"):
        gpu_run._run(options)
