"""Sidecars as other programs write them, for the tests of sidecars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vectortag.library.keyword_fields import WantedTag
from vectortag.library.packet import Packet
from vectortag.library.sidecars import ModelRun, merge

RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'

LIGHTROOM = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0-c000 1.000000        ">
 <rdf:RDF {RDF}>
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
   xmp:Rating="4"
   xmp:Label="Red"
   crs:Version="15.4"
   crs:Exposure2012="+0.35">
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Pets</rdf:li>
     <rdf:li>Rex</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>Pets|Rex</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
   <crs:ToneCurvePV2012>
    <rdf:Seq>
     <rdf:li>0, 0</rdf:li>
     <rdf:li>255, 255</rdf:li>
    </rdf:Seq>
   </crs:ToneCurvePV2012>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
""".encode()

DIGIKAM = f"""<?xml version="1.0" encoding="UTF-8"?>
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF {RDF}>
  <rdf:Description rdf:about=""
    xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
   digiKam:PickLabel="0">
   <digiKam:TagsList>
    <rdf:Seq>
     <rdf:li>Places/Rome</rdf:li>
    </rdf:Seq>
   </digiKam:TagsList>
   <MicrosoftPhoto:LastKeywordXMP>
    <rdf:Bag>
     <rdf:li>Places/Rome</rdf:li>
    </rdf:Bag>
   </MicrosoftPhoto:LastKeywordXMP>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>Places|Rome</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>Rome</rdf:li>
    </rdf:Bag>
   </dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".encode()

DARKTABLE = f"""<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF {RDF}>
  <rdf:Description rdf:about=""
    xmlns:exif="http://ns.adobe.com/exif/1.0/"
    xmlns:darktable="http://darktable.sf.net/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
   exif:DateTimeOriginal="2024:07:31 18:00:05.000"
   darktable:xmp_version="5"
   darktable:history_end="1">
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>darktable|format|jpg</rdf:li>
     <rdf:li>Family</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
   <darktable:history>
    <rdf:Seq>
     <rdf:li
      darktable:num="0"
      darktable:operation="exposure"
      darktable:params="gz02eJxjYGBgYAFiCQYYOOHEgAYAW68AtA=="/>
    </rdf:Seq>
   </darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
""".encode()

CAPTURE_ONE = (
    '<?xml version="1.0" encoding="UTF-8"?>\r\n<x:xmpmeta x:xmptk="XMP Core 5.5.0" xmlns:x="adobe:ns:meta/">\r\n'
    f"<rdf:RDF {RDF}>\r\n"
    '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:Rating>5</xmp:Rating></rdf:Description>'
    '\r\n<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>'
    "<rdf:li>Studio</rdf:li></rdf:Bag></dc:subject></rdf:Description>\r\n</rdf:RDF>\r\n</x:xmpmeta>\r\n"
).encode()

STRANGE = f"""<?xml version='1.0'?>
<x:xmpmeta xmlns:x='adobe:ns:meta/'><!-- made by hand -->
<?my-program keep this?>
 <rdf:RDF {RDF}><!-- one -->
  <rdf:Description rdf:about='uuid:1234' xmlns:q="urn:strange/" q:simple='a &lt; "b"'
     xmlns:dc="http://purl.org/dc/elements/1.1/">
   <q:deep rdf:parseType="Resource"><q:er>&#228;<![CDATA[<raw>]]></q:er></q:deep>
   <dc:subject><rdf:Bag><!-- first --><rdf:li>AT&amp;T</rdf:li> <rdf:li>Möwe</rdf:li></rdf:Bag>
   </dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<!-- the end -->
""".encode()

OTHER_PREFIXES = (
    STRANGE.replace(b"rdf:", b"r:")
    .replace(b":rdf=", b":r=")
    .replace(b"dc:", b"s:")
    .replace(b":dc=", b":s=")
    .replace(b"<r:li>M", b'<r:li xml:lang="de">M')
)
BY_HAND = b"<!-- made by hand -->\n" + STRANGE.partition(b"\n")[2]

EMPTY_LIST = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}><rdf:Description rdf:about="" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag/></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>'
).encode()

BARE = f"<rdf:RDF {RDF}/>".encode()

MARK, END = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n', '<?xpacket end="w"?>'
UTF_16 = (MARK + LIGHTROOM.decode().replace("Rex", "Möwe 海") + END).encode("utf-16")
UTF_16_BE = b"\xfe\xff" + DIGIKAM.decode().partition("?>\n")[2].encode("utf-16-be")
WITH_MARK = b"\xef\xbb\xbf" + CAPTURE_ONE
LATIN_1 = CAPTURE_ONE.decode().replace("UTF-8", "ISO-8859-1").replace("Studio", "Möwe").encode("latin-1")
PADDED = LIGHTROOM + b" " * 2000 + b"\n\0\0"

SIDECARS = {
    "Lightroom": LIGHTROOM,
    "digiKam": DIGIKAM,
    "darktable": DARKTABLE,
    "Capture One": CAPTURE_ONE,
    "strange": STRANGE,
    "other prefixes": OTHER_PREFIXES,
    "by hand": BY_HAND,
    "bare": BARE,
    "UTF-16": UTF_16,
    "UTF-16 BE": UTF_16_BE,
    "with a byte order mark": WITH_MARK,
    "Latin-1": LATIN_1,
    "padded": PADDED,
}

READ_BY_EXIFTOOL = SIDECARS.keys() - {"by hand", "Latin-1"}
READ_BY_EXIV2 = READ_BY_EXIFTOOL - {"bare", "other prefixes", "UTF-16", "UTF-16 BE"}
"""The others these programs do not read at all, or with wrong characters, as exiftool 12.57 and exiv2 0.27.6 say."""

BROKEN = {
    "nothing": b"",
    "no XML": b"no XML",
    "a raw ampersand": LIGHTROOM.replace(b"Rex", b"Bang & Olufsen"),
    "a cut end": LIGHTROOM[:-200],
    "other XML": b"<html><body/></html>",
    "a document type": b'<!DOCTYPE x [<!ENTITY a "b">]>' + LIGHTROOM,
    "an external entity": b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">' + LIGHTROOM,
    "an unknown encoding": b'<?xml version="1.0" encoding="klingon"?>' + LIGHTROOM,
    "bytes that are not UTF-8": LIGHTROOM.replace(b"Rex", b"R\xe9x"),
    "half a character of UTF-16": UTF_16 + b"x",
    "a list in an attribute": LIGHTROOM.replace(b"<dc:subject>", b"<dc:x>")
    .replace(b"</dc:subject>", b"</dc:x>")
    .replace(b'xmp:Label="Red"', b'dc:subject="Rex"'),
    "a text for a list": EMPTY_LIST.replace(b"<rdf:Bag/>", b"Rex"),
    "alternatives for a list": EMPTY_LIST.replace(b"<rdf:Bag/>", b"<rdf:Alt><rdf:li>Rex</rdf:li></rdf:Alt>"),
    "two lists": EMPTY_LIST.replace(b"</rdf:Description>", b"<dc:subject><rdf:Bag/></dc:subject></rdf:Description>"),
    "too deep": b"<a>" * 5000 + b"</a>" * 5000,
    "several packets": b"<a>" + BARE + BARE + b"</a>",
}


each_sidecar = pytest.mark.parametrize("existing", SIDECARS.values(), ids=list(SIDECARS))

RUN = ModelRun("tiny@12345678", "2026-11-30T16:00:00+00:00")
ANIMAL, DOG, SEA = (
    WantedTag("animal", ("animal",), 0.95),
    WantedTag("dog", ("animal", "dog"), 0.91),
    WantedTag("sea", ("sea",), 0.6),
)
WANTED = [ANIMAL, DOG, SEA]


def lists(content: bytes) -> dict[str, list[str]]:
    """The keywords of a sidecar by the local name of the property."""
    return Packet(content).lists


def written(existing: bytes | None, wanted: list[WantedTag] = WANTED, **more: Any) -> bytes:
    """A sidecar into which VectorTag has written tags."""
    content = merge(existing, wanted, run=RUN, **more)
    assert content is not None
    return content


def without(content: bytes, *entries: str) -> bytes:
    """A sidecar from which a program has taken keywords out."""
    text = content.decode()
    for entry in entries:
        before, item, after = text.partition(f"<rdf:li>{entry}</rdf:li>")
        assert item, entry
        text = before.rstrip() + after
    return text.encode()


def copy_beside(photo: Path, content: bytes) -> Path:
    """Write the photo's sidecar."""
    sidecar = photo.with_name(photo.name + ".xmp")
    sidecar.write_bytes(content)
    return sidecar
