"""A photo that another library decodes, as Pillow shows those that it decodes itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any

from PIL import Image, ImageFile


class ForeignImage(ImageFile.ImageFile):
    """A photo whose header has been read; its pixels are made when they are first wanted.

    The picture that is made may be smaller than the header says: a decoder that can do it at half the size does so.
    """

    def __init__(
        self,
        file: IO[bytes],
        *,
        form: str,
        mode: str,
        size: tuple[int, int],
        decode: Callable[[], Image.Image],
        held: int = 0,
    ) -> None:
        """Keep what the header says.

        Args:
            file: the photo's file.
            form: the name of the format.
            mode: Pillow's mode of the picture.
            size: (width, height) that the header declares.
            decode: makes the picture.
            held: bytes that the decoder takes beside the picture.
        """
        self.format, self.format_description = form, form
        self._header, self._decode, self.held = (mode, size), decode, held
        super().__init__(file, "")

    def _open(self) -> None:
        self._mode, self._size = self._header

    def load(self) -> Any:
        """Make the picture, the first time."""
        if self._im is None:
            picture = self._decode()
            self._mode, self._size, self.im = picture.mode, picture.size, picture.im
        return super().load()
