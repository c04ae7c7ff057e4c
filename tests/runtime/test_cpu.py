"""What this process may use of the machine, and what the processor can do."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.runtime import cpu
from vectortag.runtime.cpu import this_machine, usable_cores


class TestProcessor:
    @pytest.fixture
    def described(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], cpu.Machine]:
        def described(text: str) -> cpu.Machine:
            file = tmp_path / f"cpuinfo{len(text)}"
            file.write_text(text)
            monkeypatch.setattr(cpu, "CPU_INFO", file)
            return this_machine()

        return described

    def test_linux_names_it_and_its_extensions(self, described: Callable[[str], cpu.Machine]):
        found = described(
            "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\nflags\t\t: fpu avx2 avx512_vnni amx_int8x\n"
        )

        assert found.cpu == "Some CPU @ 2.0GHz"
        assert found.extensions == ("avx2", "avx512_vnni")
        assert found.has("avx_vnni", "avx512_vnni")
        assert not found.has("amx_int8")

    def test_a_processor_of_another_kind_has_none_of_them(self, described: Callable[[str], cpu.Machine]):
        assert described("Features\t: fp asimd bf16\n").extensions == ()

    def test_where_nothing_describes_it_it_has_a_name_and_cores(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        monkeypatch.setattr(cpu, "CPU_INFO", tmp_path / "gone")

        assert this_machine().cpu
        assert this_machine().cores == usable_cores()


class TestCores:
    @pytest.fixture
    def granted(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
        """granted(name=text, ...): the usable cores of eight, under a control group with these files."""

        def cores(files: dict[str, str]) -> int:
            for name, text in files.items():
                (tmp_path / name).parent.mkdir(exist_ok=True)
                (tmp_path / name).write_text(text)
            monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
            monkeypatch.setattr(cpu, "CONTROL_GROUP", tmp_path)
            return usable_cores()

        return cores

    def test_without_a_control_group_all_cores_of_the_process_are_usable(self, granted: Callable[..., int]):
        assert granted({}) == 8

    @pytest.mark.parametrize(
        ("quota", "cores"),
        [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("30000 100000", 1), ("9900000 100000", 8)],
    )
    def test_version_2_limits_them_by_quota_over_period(self, granted: Callable[..., int], quota: str, cores: int):
        assert granted({"cpu.max": f"{quota}\n"}) == cores

    @pytest.mark.parametrize(("quota", "cores"), [("-1", 8), ("300000", 3), ("10000", 1)])
    def test_version_1_limits_them_by_quota_over_period(self, granted: Callable[..., int], quota: str, cores: int):
        assert granted({"cpu/cpu.cfs_quota_us": f"{quota}\n", "cpu/cpu.cfs_period_us": "100000\n"}) == cores

    def test_where_the_affinity_is_unknown_the_machines_cores_count(
        self, granted: Callable[..., int], monkeypatch: pytest.MonkeyPatch
    ):
        granted({})
        monkeypatch.delattr(os, "sched_getaffinity")
        monkeypatch.setattr(os, "cpu_count", lambda: 3)

        assert usable_cores() == 3
