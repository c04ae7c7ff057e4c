"""Tags inside JPEG files, written by the program exiftool. It is done only when a person asks for it.

exiftool writes into a copy. The copy takes the photo's place only if everything but the XMP packet is the same, byte
for byte: the picture data, and every other segment. The time of change is kept.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from vectortag.core.errors import OutputError
from vectortag.core.file_names import escape_path, real_path
from vectortag.core.files import open_regular, read_file
from vectortag.core.writing import cannot_write, temporary_beside

JPEG, XMP, MORE_XMP = b"\xff\xd8", b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
"""How a JPEG begins, and the content of its segments with an XMP packet, and with what did not fit into one."""
APP1, SCAN, END = 0xE1, 0xDA, 0xD9
JPEG_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".jif"})
ALONE = {0x01, *range(0xD0, 0xD8)}
"""Markers without a length."""

BEGINNING, ENDING = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n', b'<?xpacket end="w"?>'
_DECLARATION = re.compile(rb"\A<\?xml\s[^>]*\?>\s*")

LARGEST = 65_502
"""Bytes of a packet in one segment."""
PATIENCE = 120.0
"""Seconds for one photo."""


def can_embed(photo: Path) -> bool:
    """Whether a file is called as a JPEG."""
    return photo.suffix.lower() in JPEG_SUFFIXES


def require_exiftool() -> str:
    """The path of exiftool.

    Raises:
        OutputError: it is not installed.
    """
    found = shutil.which("exiftool")
    if found is None:
        raise OutputError(
            "--embed needs the program exiftool, which is not installed. Install it (on Debian: "
            "apt install libimage-exiftool-perl), or write sidecars only"
        )
    return found


def change_embedded(photo: Path, change: Callable[[bytes | None], bytes | None], *, dry_run: bool = False) -> bool:
    """Change the XMP packet inside a JPEG.

    Args:
        photo: the file; where it is a symbolic link, the file that it leads to is changed.
        change: gets the packet or None, and returns the new one, `b""` for none, or None for no change.
        dry_run: change nothing.

    Returns:
        Whether the photo was changed, or would be.

    Raises:
        OutputError: exiftool is missing or fails, the photo is no JPEG, or anything but the packet would change.
        XmpError: as `change` raises it.
    """
    program, target = require_exiftool(), real_path(photo)
    try:
        before = read_file(target)
        packet = packet_in(before, photo)
        new = change(packet)
        if new is None or (not new and packet is None):
            return False
        new = _wrapped(new)
        if len(new) > LARGEST:
            raise OutputError(f"{escape_path(photo)}: its XMP would have {len(new)} bytes, and {LARGEST} fit into it")
        if not dry_run:
            _replace(program, target, before, new)
    except OSError as error:
        raise cannot_write(photo, error) from error
    return True


def packet_in(content: bytes, photo: Path) -> bytes | None:
    """The XMP packet of a JPEG; None if it has none.

    Raises:
        OutputError: it is no JPEG, or its packet is in several parts.
    """
    packets = []
    for marker, payload in segments(content, photo):
        if marker == APP1 and payload.startswith(MORE_XMP):
            raise OutputError(f"{escape_path(photo)}: its XMP is in several parts, so it is not changed")
        if marker == APP1 and payload.startswith(XMP):
            packets.append(payload[len(XMP) :])
    if len(packets) > 1:
        raise OutputError(f"{escape_path(photo)}: it has several XMP packets, so it is not changed")
    return packets[0] if packets else None


def segments(content: bytes, photo: Path) -> Iterator[tuple[int, bytes]]:
    """The segments of a JPEG: marker and payload. The last one is all from the first scan on.

    Raises:
        OutputError: it is no JPEG, or is cut off before its picture data.
    """
    at = 2
    if not content.startswith(JPEG):
        raise OutputError(
            f"{escape_path(photo)}: is not a JPEG, and --embed writes into JPEGs only. Write sidecars instead"
        )
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == SCAN:
            yield marker, content[at:]
            return
        if marker == 0xFF or marker in ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == END or length < 2:
            break
        yield marker, content[at + 4 : at + 2 + length]
        at += 2 + length
    raise OutputError(f"{escape_path(photo)}: is a broken JPEG, and is left alone")


def _replace(program: str, target: Path, before: bytes, packet: bytes) -> None:
    """Let exiftool write the packet into a copy, compare, and put the copy in the photo's place."""
    status = target.stat()
    copy = temporary_beside(target)
    try:
        shutil.copyfile(target, copy)
        with tempfile.TemporaryDirectory() as folder:
            _run(program, copy, packet, Path(folder) / "packet.xmp")
        after = read_file(copy)
        kept = [[one for one in segments(file, target) if not _is_packet(*one)] for file in (before, after)]
        if kept[0] != kept[1] or packet_in(after, target) != (packet or None):
            raise OutputError(f"{escape_path(target)}: exiftool would change more than its XMP, so it is left alone")
        now = target.stat()
        if (now.st_mtime_ns, now.st_size) != (status.st_mtime_ns, status.st_size):
            raise OutputError(f"{escape_path(target)}: another program has changed it at this moment")
        shutil.copystat(target, copy)
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
        with open_regular(copy) as stream:
            os.fsync(stream.fileno())
        copy.replace(target)
    finally:
        copy.unlink(missing_ok=True)


def _run(program: str, copy: Path, packet: bytes, file: Path) -> None:
    file.write_bytes(packet)
    change = f"-xmp<={file}" if packet else "-xmp:all="
    command = [program, "-config", "", "-q", "-q", "-m", "-overwrite_original", change, str(copy)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise OutputError(f"exiftool did not end within {PATIENCE:.0f} seconds; the photo is left alone") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"status {done.returncode}"
        raise OutputError(f"exiftool failed, and the photo is left alone: {said}")


def _wrapped(packet: bytes) -> bytes:
    """A packet as it is inside a photo: without a declaration of XML, between the two marks."""
    body = _DECLARATION.sub(b"", packet)
    return body if not body or body.startswith(b"<?xpacket") else BEGINNING + body + ENDING


def _is_packet(marker: int, payload: bytes) -> bool:
    return marker == APP1 and payload.startswith(XMP)
