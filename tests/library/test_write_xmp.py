"""Sidecars on disk: written, left alone, forgotten."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from packets import BROKEN, LIGHTROOM, copy_beside

from vectortag.library.decisions import Decision
from vectortag.library.keyword_fields import WantedTag
from vectortag.library.lists import TagNames
from vectortag.library.packet import Packet
from vectortag.library.sidecars import ModelRun
from vectortag.library.tag_paths import TagPaths
from vectortag.library.write_xmp import Choice, SidecarWriter
from vectortag.model.taxonomy import Taxonomy

RUN = ModelRun("tiny@12345678", "2026-11-30T16:00:00+00:00")
WANTED = [WantedTag("animal", ("animal",), 0.95), WantedTag("dog", ("animal", "dog"), 0.91)]
PATHS = TagPaths(Taxonomy(implications={"dog": ["animal"], "boat": ["vehicle"]}), ["dog", "animal", "boat", "vehicle"])
SCORES = {"dog": 0.9, "animal": 0.9, "boat": 0.4, "vehicle": 0.5}


@pytest.fixture
def photo(make_photo: Callable[..., Path]) -> Path:
    return make_photo("Möwe 海.jpg")


@pytest.fixture
def writer() -> SidecarWriter:
    return SidecarWriter()


def paths_of(choice: Choice, decisions: dict[str, Decision] | None = None) -> list[str]:
    return ["/".join(one.path) for one in choice.wanted(SCORES, PATHS, decisions or {})]


class TestTheChoice:
    def test_all_tags_with_their_paths(self):
        assert paths_of(Choice()) == ["animal", "animal/dog", "vehicle", "vehicle/boat"]

    def test_a_parent_for_all(self):
        assert paths_of(Choice(parent="auto"))[1] == "auto/animal/dog"

    def test_a_minimum_score(self):
        assert paths_of(Choice(min_score=0.5)) == ["animal", "animal/dog", "vehicle"]

    def test_only_some_tags(self):
        assert paths_of(Choice(TagNames(only=("dog",)))) == ["dog"]

    def test_without_some_tags(self):
        assert paths_of(Choice(TagNames(hidden=("animal", "boat")))) == ["dog", "vehicle"]

    def test_other_names(self):
        names = TagNames(renames={"animal": "Tier", "boat": "Boot"})

        assert paths_of(Choice(names)) == ["Tier", "Tier/dog", "vehicle", "vehicle/Boot"]

    def test_a_name_with_the_mark_between_levels_is_left_out(self):
        assert paths_of(Choice(TagNames(renames={"boat": "a|b"}))) == ["animal", "animal/dog", "vehicle"]

    def test_a_rejected_tag_goes_with_what_implies_it(self):
        assert paths_of(Choice(), {"animal": Decision("rejected")}) == ["vehicle", "vehicle/boat"]

    def test_an_accepted_tag_counts_whatever_its_score(self):
        wanted = Choice(min_score=0.8).wanted(SCORES, PATHS, {"boat": Decision("accepted", "Nina")})

        assert (wanted[0].path, wanted[0].by) == (("vehicle", "Nina"), "person")


class TestWriting:
    def test_a_sidecar_is_made_beside_the_photo_which_stays_as_it_is(self, photo: Path, writer: SidecarWriter):
        before = photo.read_bytes(), photo.stat().st_mtime_ns

        (outcome,) = writer.write(photo, WANTED, RUN)

        assert outcome.what == "made"
        assert outcome.sidecar.name == "Möwe 海.jpg.xmp"
        assert Packet(outcome.sidecar.read_bytes()).lists["TagsList"] == ["animal/dog"]
        assert (photo.read_bytes(), photo.stat().st_mtime_ns) == before

    def test_an_unchanged_sidecar_is_not_written(self, photo: Path, writer: SidecarWriter):
        """A changed mtime makes every backup copy it (recognize#83)."""
        (first,) = writer.write(photo, WANTED, RUN)
        os.utime(first.sidecar, ns=(1, 1))
        node = first.sidecar.stat().st_ino

        (second,) = writer.write(photo, WANTED, ModelRun("tiny@12345678", "2031-01-01T00:00:00+00:00"))

        assert second.what == "unchanged"
        assert (first.sidecar.stat().st_mtime_ns, first.sidecar.stat().st_ino) == (1, node)

    def test_a_sidecar_without_any_change_is_not_made(self, photo: Path, writer: SidecarWriter):
        assert [one.what for one in writer.write(photo, [], RUN)] == ["unchanged"]
        assert not photo.with_name("Möwe 海.jpg.xmp").exists()

    def test_both_sidecars_of_a_photo_are_written(self, photo: Path, writer: SidecarWriter):
        copy_beside(photo, LIGHTROOM)
        photo.with_suffix(".xmp").write_bytes(LIGHTROOM)

        outcomes = writer.write(photo, WANTED, RUN)

        assert [(one.sidecar.name, one.what) for one in outcomes] == [
            ("Möwe 海.jpg.xmp", "changed"),
            ("Möwe 海.xmp", "changed"),
        ]

    @pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
    def test_permissions_are_kept(self, photo: Path, writer: SidecarWriter):
        sidecar = copy_beside(photo, LIGHTROOM)
        sidecar.chmod(0o640)

        writer.write(photo, WANTED, RUN)

        assert stat.S_IMODE(sidecar.stat().st_mode) == 0o640

    def test_a_link_stays_a_link(self, photo: Path, writer: SidecarWriter, tmp_path: Path):
        (tmp_path / "elsewhere").mkdir()
        target = tmp_path / "elsewhere/one.xmp"
        target.write_bytes(LIGHTROOM)
        link = photo.with_name(photo.name + ".xmp")
        link.symlink_to(target)

        (outcome,) = writer.write(photo, WANTED, RUN)

        assert outcome.what == "changed"
        assert link.is_symlink()
        assert b"dog" in target.read_bytes()

    @pytest.mark.parametrize("target", ["gone.xmp", "notes.txt"])
    def test_a_link_to_anything_else_is_refused(self, photo: Path, writer: SidecarWriter, tmp_path: Path, target: str):
        (tmp_path / "notes.txt").write_bytes(LIGHTROOM)
        photo.with_name(photo.name + ".xmp").symlink_to(tmp_path / target)

        (outcome,) = writer.write(photo, WANTED, RUN)

        assert outcome.what == "refused"
        assert "symbolic link" in outcome.problem
        assert (tmp_path / "notes.txt").read_bytes() == LIGHTROOM

    @pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
    def test_a_broken_sidecar_is_named_and_left_alone(self, photo: Path, writer: SidecarWriter, content: bytes):
        sidecar = copy_beside(photo, content)

        (outcome,) = writer.write(photo, WANTED, RUN)

        assert outcome.what == "refused"
        assert outcome.problem.startswith(f"{sidecar}: left alone: it")
        assert sidecar.read_bytes() == content

    def test_a_folder_in_its_place_is_refused(self, photo: Path, writer: SidecarWriter):
        photo.with_name(photo.name + ".xmp").mkdir()

        (outcome,) = writer.write(photo, WANTED, RUN)

        assert outcome.what == "refused"
        assert "it is a folder" in outcome.problem

    def test_a_dry_run_writes_nothing_and_shows_the_change(self, photo: Path):
        sidecar = copy_beside(photo, LIGHTROOM)

        (outcome,) = SidecarWriter(dry_run=True).write(photo, WANTED, RUN)

        assert sidecar.read_bytes() == LIGHTROOM
        changed = [line for line in outcome.diff.splitlines() if line[0] in "+-" and line[:3] not in ("+++", "---")]
        assert "+     <rdf:li>animal|dog</rdf:li>" in changed
        assert not [line for line in changed if line.startswith("-")]

    def test_no_temporary_file_is_left(self, photo: Path, writer: SidecarWriter):
        writer.write(photo, WANTED, RUN)

        assert sorted(file.name for file in photo.parent.iterdir()) == [photo.name, photo.name + ".xmp"]


class TestForgetting:
    def test_a_sidecar_of_ours_is_removed(self, photo: Path, writer: SidecarWriter):
        writer.write(photo, WANTED, RUN)

        assert [one.what for one in SidecarWriter().forget(photo)] == ["removed"]
        assert [file.name for file in photo.parent.iterdir()] == [photo.name]

    def test_another_programs_is_what_it_was(self, photo: Path, writer: SidecarWriter):
        sidecar = copy_beside(photo, LIGHTROOM)
        writer.write(photo, WANTED, RUN)

        assert [one.what for one in writer.forget(photo)] == ["changed"]
        assert sidecar.read_bytes() == LIGHTROOM
        assert [one.what for one in writer.forget(photo)] == ["unchanged"]
