"""A container engine of the test's own, and a stand-in for the public base image made of Debian's packages.

So the images are really built and run, on a machine that reaches Debian's packages and Python's, and no registry of
images. All of it lies in one folder. The daemon makes no network: containers have the host's, or none.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

DOCKERD, DOCKER, MMDEBSTRAP = "/usr/sbin/dockerd", "/usr/bin/docker", "/usr/bin/mmdebstrap"
PACKAGES = "python3,python3-pip,python3-venv,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

STAND_IN = """\
FROM scratch
ADD base.tar /
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY pip.conf /etc/pip.conf
RUN ln -s python3 /usr/bin/python; rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
"""


class Engine:
    """A daemon that runs until `stop`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._socket = f"unix://{folder}/d.sock"
        (folder / "d.json").write_text("{}")
        places = {"data-root": "data", "exec-root": "exec", "pidfile": "d.pid", "config-file": "d.json"}
        settings = [f"--{option}={folder / name}" for option, name in places.items()]
        network = ["--iptables=false", "--ip6tables=false", "--bridge=none"]
        self._log = (folder / "d.log").open("wb")
        options = ["--storage-driver=vfs", "--exec-opt=native.cgroupdriver=cgroupfs", "-H", self._socket]
        self._daemon = subprocess.Popen([DOCKERD, *settings, *network, *options], stdout=self._log, stderr=self._log)
        while self.docker("version", check=False).returncode != 0:
            if self._daemon.poll() is not None:
                raise RuntimeError((folder / "d.log").read_text())
            time.sleep(0.5)

    def stop(self) -> None:
        """End the daemon. Its layers are left where they are: removing them takes longer than the tests."""
        self._daemon.terminate()
        self._daemon.wait()
        self._log.close()

    def docker(
        self, *arguments: object, check: bool = True, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run Debian's own client."""
        outcome = subprocess.run(
            [DOCKER, *map(str, arguments)],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "DOCKER_HOST": self._socket,
                **(environment or {}),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if check and outcome.returncode:
            raise RuntimeError(f"docker {' '.join(map(str, arguments))}\n{outcome.stdout}\n{outcome.stderr}")
        return outcome

    def build(self, context: Path, name: str, *options: str) -> None:
        self.docker("build", "--network=host", "--tag", name, *options, context, environment={"DOCKER_BUILDKIT": "1"})

    def make_base(self, name: str) -> None:
        """The stand-in, under the name of the image that it stands in for."""
        self.base = name
        context = self.folder / "base"
        context.mkdir()
        command = [MMDEBSTRAP, "--quiet", "--variant=minbase", f"--include={PACKAGES}", "bookworm", "base.tar"]
        subprocess.run(command, cwd=context, check=True)
        shutil.copy(CERTIFICATES, context)
        (context / "pip.conf").write_text(pip_settings())
        (context / "Dockerfile").write_text(STAND_IN)
        self.build(context, name)

    def run(self, image: str, *arguments: str, options: tuple[str, ...] = ()) -> Container:
        """Start a container as hardened as the documentation says."""
        hardened = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=1g"]
        return Container(self, self.docker("run", "--detach", *hardened, *options, image, *arguments).stdout.strip())

    def megabytes(self, image: str) -> float:
        return int(self.docker("image", "inspect", "--format", "{{.Size}}", image).stdout) / 1e6


class Container:
    """A container that was started."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self.name = engine, name

    def python(self, code: str) -> str:
        """What the code prints, run inside by its own user."""
        return self._engine.docker("exec", self.name, "python", "-c", code).stdout

    def logs(self) -> str:
        outcome = self._engine.docker("logs", self.name)
        return outcome.stdout + outcome.stderr

    def state(self) -> dict:
        return json.loads(self._engine.docker("inspect", "--format", "{{json .State}}", self.name).stdout)

    def wait_for(self, text: str) -> None:
        """Wait until it has said this."""
        while text not in self.logs():
            if not self.state()["Running"]:
                raise RuntimeError(self.logs())
            time.sleep(0.2)

    def wait_until_healthy(self) -> None:
        while self.state()["Health"]["Status"] != "healthy":
            if not self.state()["Running"] or self.state()["Health"]["FailingStreak"] > 3:
                raise RuntimeError(self.logs())
            time.sleep(0.5)

    def stop(self) -> int:
        """Stop it as `docker stop` does, and return its exit status."""
        self._engine.docker("stop", self.name)
        return int(self.state()["ExitCode"])


def pip_settings() -> str:
    """Where this machine's pip finds packages, and its certificates, as a pip.conf."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    index = re.findall(r"^global\.(index-url)='(.*)'$", listed.stdout, re.MULTILINE)
    return "\n".join(["[global]", f"cert = {CERTIFICATES}", *(f"{name} = {value}" for name, value in index), ""])
