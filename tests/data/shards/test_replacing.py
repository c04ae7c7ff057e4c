"""Shards that replace others: whenever a process is killed, the folder holds the old set or the new one."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vectortag.core.errors import OverwriteError
from vectortag.data.records import DataSet
from vectortag.data.shards.layout import PLAN
from vectortag.data.shards.reading import read_index, read_shards
from vectortag.data.shards.writing import write_shards
from vectortag.runtime.pixels import PixelRecipe, load_pixels

OLD, NEW, OTHER = 32, 40, 48
"""Pixels a side."""

POINTS = 36
"""Steps at which a process is killed: more than a replacement of three shards has."""

KILLED = """
import os, signal, sys
from pathlib import Path
from vectortag.data.records import read_data_set
from vectortag.data.shards.writing import write_shards

data = read_data_set(sys.argv[1])
for number, folder in enumerate(sys.argv[2:]):
    pid = os.fork()
    if not pid:
        left = [number]

        def counted(work):
            def call(*given, **named):
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return work(*given, **named)
            return call

        for name in ("fsync", "replace", "unlink"):
            setattr(os, name, counted(getattr(os, name)))
        write_shards(data, Path(folder), size=40, together=2, overwrite=True)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.startswith(".vectortag-")}


def killed(zoo: DataSet, shards: Path, tmp_path: Path) -> list[tuple[Path, int]]:
    """Copies of the shards, in each of which a replacement was killed one step later; and the exit statuses."""
    folders = [tmp_path / f"killed-{number:02}" for number in range(POINTS)]
    for folder in folders:
        shutil.copytree(shards, folder)
    command = [sys.executable, "-c", KILLED, str(zoo.csv), *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(zip(folders, map(int, done.stdout.split()), strict=True))


@pytest.fixture
def replaced(zoo: DataSet, shards: Path, tmp_path: Path) -> Path:
    """What an undisturbed replacement gives."""
    shutil.copytree(shards, tmp_path / "replaced")
    write_shards(zoo, tmp_path / "replaced", size=NEW, together=2, overwrite=True)
    return tmp_path / "replaced"


def test_a_replacement_that_is_killed_at_any_step_leaves_one_whole_set_and_goes_on(
    zoo: DataSet, shards: Path, replaced: Path, tmp_path: Path
):
    sizes, statuses = [], []
    for folder, status in killed(zoo, shards, tmp_path):
        size = read_index(folder).plan.size
        for record in read_shards(folder).records:  # each checks its hash
            assert load_pixels(record.photo, size, PixelRecipe()).shape == (size, size, 3)
        if size == OLD:
            assert contents(folder).items() >= contents(shards).items()
        if status:
            write_shards(zoo, folder, size=NEW, together=2, overwrite=not (folder / PLAN).exists())
        assert contents(folder) == contents(replaced)
        sizes.append(size)
        statuses.append(status)

    assert sizes == sorted(sizes)
    assert set(sizes) == {OLD, NEW}
    assert set(statuses) == {-signal.SIGKILL, 0}


def test_a_new_set_has_names_of_its_own(shards: Path, replaced: Path):
    index = read_index(replaced)

    assert [one.tar for one in index.shards] == ["photos-1-00000.tar", "photos-1-00001.tar", "photos-1-00002.tar"]
    assert not contents(shards).keys() & contents(replaced).keys() - {"index.json"}
    assert index.plan.generation == 1


def test_the_third_set_does_not_take_the_names_of_the_second(zoo: DataSet, replaced: Path):
    second = contents(replaced)

    write_shards(zoo, replaced, size=NEW, together=2, overwrite=True)

    third = contents(replaced)
    assert "photos-2-00000.tar" in third
    assert third["photos-2-00000.tar"] == second["photos-1-00000.tar"]


def begun(folder: Path, zoo: DataSet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Break off the replacement of a set after its first shard."""
    from vectortag.data.output_folder import OutputFolder

    write = OutputFolder.write

    def break_off(self: OutputFolder, name: str, content: bytes) -> None:
        write(self, name, content)
        if name.endswith(".jsonl"):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(OutputFolder, "write", break_off)
        with pytest.raises(KeyboardInterrupt):
            write_shards(zoo, folder, size=NEW, together=2, overwrite=True)


def test_another_replacement_takes_nothing_from_one_that_was_broken_off(zoo, shards, tmp_path, monkeypatch):
    begun(shards, zoo, monkeypatch)
    assert read_index(shards).plan.size == OLD
    with pytest.raises(OverwriteError, match="holds complete shards"):
        write_shards(zoo, shards, size=OTHER, together=1)

    write_shards(zoo, shards, size=OTHER, together=1, overwrite=True)

    write_shards(zoo, tmp_path / "alone", size=OTHER, together=1)
    named = {name: content for name, content in contents(shards).items() if name.endswith(".tar")}
    alone = {name: content for name, content in contents(tmp_path / "alone").items() if name.endswith(".tar")}
    assert {name.replace("photos-1-", "photos-"): content for name, content in named.items()} == alone
    assert set(contents(shards)) == {"index.json", *named, *(name.replace(".tar", ".jsonl") for name in named)}


def test_shards_with_a_damaged_index_are_replaced(zoo: DataSet, shards: Path):
    content = json.loads((shards / "index.json").read_text())
    (shards / "index.json").write_text(json.dumps(content | {"photos": -1}, separators=(",", ":")))

    write_shards(zoo, shards, size=NEW, together=2, overwrite=True)

    assert read_index(shards).shards[0].tar == "photos-1-00000.tar"
    assert not (shards / "photos-00000.tar").exists()


def test_a_temporary_file_of_a_killed_process_is_no_obstacle(zoo: DataSet, tmp_path: Path):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards/.vectortag-0badcafe-1-0123456789abcdef.tmp").write_bytes(b"half")

    assert write_shards(zoo, tmp_path / "shards", size=OLD).photos == 5
