"""Full disks, refused permissions, closed pipes, signals and kills: one plain line, and nothing half-written."""

from __future__ import annotations

import errno
import os
import resource
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.core import writing
from vectortag.core.errors import OutputError
from vectortag.core.writing import atomic_output, replace_file, replace_folder

Cli = Callable[..., Any]
MakePhoto = Callable[..., Path]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="these are POSIX's faults")

MAIN = "from vectortag.apps.entry import main; main()"


@pytest.fixture
def photos(make_photo: MakePhoto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for seed in range(3):
        make_photo(f"photos/{seed}.jpg", seed=seed)
    return Path("photos")


def names() -> list[str]:
    """What lies in the working folder."""
    return sorted(path.name for path in Path().iterdir())


def vectortag(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", MAIN, *map(str, arguments)]
    return subprocess.run(command, stderr=subprocess.PIPE, timeout=60, check=False, **options)


class TestNoRights:
    """Network shares, S3 and FUSE refuse chmod."""

    @pytest.fixture(autouse=True)
    def refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EPERM, "Operation not permitted")

        for name in ("chmod", "fchmod"):
            monkeypatch.setattr(os, name, refuse)
        monkeypatch.setattr(Path, "chmod", refuse)

    @pytest.mark.parametrize(
        "command", [["tag", "--output", "out"], ["explain", "--tag", "sea", "--output", "out.png"]], ids=["tag", "map"]
    )
    def test_a_finished_output_stays(self, cli: Cli, photos: Path, tiny_model: Path, command: list[str]):
        assert cli(command[0], photos / "0.jpg", *command[1:], "--model", tiny_model).status == 0
        assert Path(command[-1]).stat().st_size

    def test_an_output_has_the_rights_of_any_file(self, cli: Cli, photos: Path, tiny_model: Path):
        before = os.umask(0o027)
        try:
            cli("tag", photos, "--output", "out", "--model", tiny_model)
        finally:
            os.umask(before)

        assert Path("out").stat().st_mode & 0o777 == 0o640

    def test_the_user_s_own_things_are_private(self, tmp_path: Path):
        replace_file(tmp_path / "kept", b"mine")

        assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o600


class TestOddShares:
    @pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
    def test_a_share_without_fsync_keeps_what_was_written(self, tmp_path: Path, monkeypatch, number: int):
        monkeypatch.setattr(os, "fsync", refuse_with(number))

        replace_file(tmp_path / "a", b"content")
        with atomic_output(tmp_path / "b") as file:
            file.write(b"content")

        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"content"

    def test_a_write_that_the_disk_refuses_late_is_an_error(self, tmp_path: Path, monkeypatch):
        monkeypatch.setattr(os, "fsync", refuse_with(errno.EIO))

        with (
            pytest.raises(OutputError, match="a: cannot be written: Input/output error"),
            atomic_output(tmp_path / "a"),
        ):
            pass
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("number", [errno.ENOSYS, errno.EBUSY, errno.EPERM])
    def test_where_nothing_can_be_renamed_it_is_copied(self, tmp_path: Path, monkeypatch, number: int):
        monkeypatch.setattr(Path, "replace", refuse_with(number))
        (tmp_path / "a").write_bytes(b"old")

        with atomic_output(tmp_path / "a") as file:
            file.write(b"content")
        replace_file(tmp_path / "b", b"content")

        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"content"

    def test_where_the_name_is_refused_the_content_is_kept_and_named(self, tmp_path: Path):
        def work() -> None:
            with atomic_output(tmp_path / "a") as file:
                file.write(b"an hour's work")
                (tmp_path / "a").mkdir()

        with pytest.raises(OutputError, match="The content is kept in ") as error:
            work()

        assert Path(str(error.value).split("kept in ")[1]).read_bytes() == b"an hour's work"


def refuse_with(number: int) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


class TestFullDisks:
    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
    @pytest.mark.parametrize(
        "command",
        [["tag", "photos"], ["tag", "photos", "-f", "jsonl"], ["models"], ["inspect"], ["--help"]],
        ids=["table", "jsonl", "models", "inspect", "help"],
    )
    def test_stdout_is_full(self, photos: Path, tiny_model: Path, command: list[str]):
        model = {"tag": ["--model", tiny_model], "inspect": [tiny_model]}.get(command[0], [])
        with Path("/dev/full").open("w") as full:
            outcome = vectortag(*command, *model, stdout=full)

        assert outcome.returncode == 1
        assert outcome.stderr == b"error: the output cannot be written: No space left on device\n"

    @pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
    def test_the_output_s_disk_is_full(self, photos: Path, tiny_model: Path, form: str):
        def only_100_bytes() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))

        arguments = ["tag", photos, "--all-scores", "-f", form, "-o", "out", "--model", tiny_model]
        outcome = vectortag(*arguments, stdout=subprocess.DEVNULL, preexec_fn=only_100_bytes)

        assert outcome.returncode == 1
        assert outcome.stderr == b"error: out: cannot be written: File too large\n"
        assert names() == ["photos"]

    def test_stderr_is_full(self, photos: Path, tiny_model: Path):
        command = [sys.executable, "-c", MAIN, "tag", "photos", "gone.jpg", "--model", str(tiny_model)]
        with Path("/dev/full").open("w") as full:
            outcome = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, timeout=60, check=False)

        assert outcome.returncode == 1
        assert outcome.stdout.count(b".jpg\n") == 4


class TestOutputNames:
    def test_a_name_that_is_too_long_is_refused_before_the_work(self, cli: Cli, photos: Path):
        outcome = cli("tag", photos, "--output", "x" * 300, "--model", "no such model")

        assert (outcome.status, outcome.stdout) == (1, "")
        assert outcome.stderr == f"error: {'x' * 300}: cannot be written: File name too long\n"

    def test_one_map_whose_name_is_too_long_stops_no_other(self, cli: Cli, photos: Path, tiny_model: Path):
        (photos / "0.jpg").rename(photos / ("x" * 250 + ".jpg"))

        outcome = cli("explain", photos, "--output", "maps", "--model", tiny_model)

        assert outcome.status == 1
        assert "cannot be written: File name too long" in outcome.stderr
        assert any(Path("maps").glob("1.*.png"))


class TestReaders:
    @pytest.mark.parametrize("command", [["tag", "photos"], ["tag", "photos", "-f", "jsonl"], ["models"], ["--help"]])
    def test_a_reader_that_has_gone_is_no_failure(self, photos: Path, tiny_model: Path, command: list[str]):
        reading, pipe = os.pipe()
        os.close(reading)
        try:
            outcome = vectortag(*command, *(["--model", tiny_model] if "tag" in command else []), stdout=pipe)
        finally:
            os.close(pipe)

        assert (outcome.returncode, outcome.stderr) == (0, b"")

    @pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
    def test_streams_that_the_caller_closed_stop_no_work(self, photos: Path, tiny_model: Path, closed: str):
        program = [sys.executable, "-c", MAIN, "tag", "photos", "--model", str(tiny_model)]

        outcome = subprocess.run(
            f"{shlex.join(program)} {closed}", shell=True, stdout=subprocess.PIPE, timeout=60, check=False
        )

        assert outcome.returncode == 0
        assert outcome.stdout.count(b".jpg\n") == (3 if closed in {"<&-", "2>&-"} else 0)


SLOW = """
import os, signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have told their children to ignore them
signal.signal(signal.SIGINT, signal.default_int_handler)
from vectortag.apps.cli import tag
from vectortag.apps.cli.app import run
plain = tag.Tagger.tag_many
def tag_many(self, photos):
    yield from plain(self, photos)
    print("ready", file=sys.stderr, flush=True)
    time.sleep(30)
tag.Tagger.tag_many = tag_many
sys.exit(run(sys.argv[1:]))
"""


def started(tiny_model: Path) -> subprocess.Popen[str]:
    """`vectortag tag` that has written, and is not at its end."""
    command = [sys.executable, "-c", SLOW, "tag", "photos", "-o", "out", "--model", str(tiny_model)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    assert len(names()) == 2
    return process


class TestSignals:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
    def test_a_signal_removes_what_was_being_written(self, photos: Path, tiny_model: Path, number: signal.Signals):
        process = started(tiny_model)
        process.send_signal(number)

        _, stderr = process.communicate(timeout=20)

        assert process.returncode == 128 + number
        assert stderr == "error: stopped; no output file is incomplete\n"
        assert names() == ["photos"]

    def test_what_kill_9_left_is_removed_by_the_next_run(self, cli: Cli, photos: Path, tiny_model: Path):
        process = started(tiny_model)
        process.kill()
        process.communicate(timeout=20)
        assert len(names()) == 2

        assert cli("tag", photos, "-o", "out", "--model", tiny_model).status == 0
        assert names() == ["out", "photos"]


class TestLeftovers:
    def dead(self) -> int:
        """The number of a process that has ended."""
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        return process.pid

    def test_files_of_the_living_of_other_machines_and_of_the_user_stay(self, tmp_path: Path):
        dead, host = self.dead(), writing._host()
        kept = [
            f".vectortag-{host}-{os.getppid()}-0123456789abcdef.tmp",
            f".vectortag-00000000-{dead}-0123456789abcdef.tmp",
            f".vectortag-{host}-{dead}-notes.tmp",
            f"vectortag-{host}-{dead}-0123456789abcdef.tmp",
            ".sea.jpg.tmp",
        ]
        for name in [*kept, f".vectortag-{host}-{dead}-0123456789abcdef.tmp"]:
            (tmp_path / name).touch()

        replace_file(tmp_path / "out", b"")

        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "out"])

    def test_a_file_that_is_locked_stays(self, tmp_path: Path):
        import fcntl

        left = tmp_path / f".vectortag-{writing._host()}-{self.dead()}-0123456789abcdef.tmp"
        with left.open("wb") as used:
            fcntl.flock(used, fcntl.LOCK_EX)
            replace_file(tmp_path / "out", b"")

        assert left.exists()

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_an_older_model_whose_replacement_was_killed_comes_back(self, tmp_path: Path, moment: str):
        left = tmp_path / f".vectortag-{writing._host()}-{self.dead()}-0123456789abcdef.tmp"
        (left / "old").mkdir(parents=True)
        (left / "old/model.onnx").write_text("old")
        (left / "place").write_text("mine")
        if moment == "after":
            (tmp_path / "mine").mkdir()
            (tmp_path / "mine/model.onnx").write_text("new")

        replace_file(tmp_path / "out", b"")

        assert (tmp_path / "mine/model.onnx").read_text() == ("old" if moment == "before" else "new")
        assert not left.exists()

    @pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
    def test_an_older_folder_stays_where_its_replacement_is_cut_short(self, tmp_path: Path, monkeypatch, error: type):
        replace_folder(tmp_path / "model", {"a": b"old"})
        plain = Path.rename

        def rename(self: Path, target: Path) -> Path:
            if self.name == "new":
                raise error
            return plain(self, target)

        monkeypatch.setattr(Path, "rename", rename)

        with pytest.raises(error):
            replace_folder(tmp_path / "model", {"a": b"new"})
        assert (tmp_path / "model/a").read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [tmp_path / "model"]
