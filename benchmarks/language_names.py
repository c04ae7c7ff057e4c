"""Compare the names of tags in other languages with sources that know nothing of VectorTag.

The names of emoji in the Unicode CLDR, from the package `emoji` (`pip install emoji`, BSD-3-Clause) or, with `--cldr`,
from its XML files (Debian: unicode-cldr-core; in it common/annotations), which have every language; and dictionaries
from English, in the format of dictd (`--dictionary de=eng-deu.index`; Debian: dict-freedict-eng-deu).

A tag is compared where its English name, or a synonym of the default taxonomy, is an entry there. It agrees where the
source's word is the tag's name or one of its other words in VectorTag.

    python benchmarks/language_names.py --cldr /usr/share/unicode/cldr/common/annotations --show
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from defusedxml import ElementTree

from vectortag.core.text import normalise
from vectortag.model.language import Language, codes
from vectortag.model.taxonomy import Taxonomy

Names = Mapping[str, set[str]]
"""English word -> the words of the source."""

NUMBERING = re.compile(r"^\s*([ivx]+\.\s*)?(\d+\.\s*)?", re.IGNORECASE)
"""Of the senses of a word."""

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def emoji_names(language: str) -> dict[str, str]:
    """emoji -> name, from the package; empty if it does not have the language."""
    import emoji

    if language not in emoji.LANGUAGES:
        return {}
    emoji.config.load_language(language)
    named = {sign: about.get(language, "") for sign, about in emoji.EMOJI_DATA.items()}
    return {sign: name.strip(":").replace("_", " ") for sign, name in named.items() if name}


def cldr_names(language: str, folder: Path) -> dict[str, str]:
    """emoji -> name, from the XML file of a language."""
    notes = ElementTree.parse(folder / f"{language}.xml").iter("annotation")
    return {note.get("cp"): note.text for note in notes if note.get("type") == "tts"}


def of_emoji(english: Mapping[str, str], other: Mapping[str, str]) -> Names:
    """The names of the same emoji."""
    names: dict[str, set[str]] = {}
    for sign, name in english.items():
        if sign in other:
            names.setdefault(normalise(name), set()).add(normalise(other[sign].replace("’", "'")))
    return names


def of_dictionary(index: Path, wanted: set[str]) -> Names:
    """Every word of every translation of the wanted headwords; brackets of grammar and of remarks left out."""
    packed = index.with_name(f"{index.stem}.dict.dz")
    text = gzip.decompress(packed.read_bytes())
    names: dict[str, set[str]] = {}
    for line in index.read_text("utf-8").splitlines():
        word, *place = line.split("\t")
        if normalise(word) not in wanted:
            continue
        start, length = map(_number, place[:2])
        body = text[start : start + length].decode("utf-8", "replace").partition("\n")[2]
        plain = re.sub(r"<[^>]*>|\[[^\]]*\]|\([^)]*\)|/[^/]*/", " ", body)
        found = {normalise(NUMBERING.sub("", part)).strip(" .") for part in re.split(r"[,;\n|]", plain)}
        names.setdefault(normalise(word), set()).update(found - {""})
    return names


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = 64 * number + BASE64.index(digit)
    return number


def compare(language: Language, names: Names, taxonomy: Taxonomy) -> Iterator[tuple[str, bool, bool, set[str]]]:
    """(tag, whether its name is the source's, whether one of its words is, the source's words) of each tag."""
    for tag, words in language.tags.items():
        ours = [normalise(word) for word in words]
        entry = names.get(normalise(tag)) or next(
            (names[normalise(other)] for other in taxonomy.synonyms.get(tag, ()) if normalise(other) in names), None
        )
        if ours and entry:
            yield tag, ours[0] in entry, not entry.isdisjoint(ours), entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cldr", type=Path, help="folder of the XML files, instead of the package emoji")
    parser.add_argument("--dictionary", action="append", default=[], metavar="LANGUAGE=INDEX")
    parser.add_argument("--show", action="store_true", help="print every disagreement")
    options = parser.parse_args()
    dictionaries = {code: Path(file) for code, _, file in (one.partition("=") for one in options.dictionary)}
    taxonomy = Taxonomy.load()
    wanted = set(map(normalise, itertools.chain(taxonomy.synonyms, *taxonomy.synonyms.values(), taxonomy.implications)))
    read = (lambda code: cldr_names(code, options.cldr)) if options.cldr else emoji_names
    english = read("en")
    print("language  source      compared  same name  same word")
    for code in codes()[1:]:
        language = Language.load(code)
        sources = {"emoji": of_emoji(english, read(code))}
        if code in dictionaries:
            sources["dictionary"] = of_dictionary(dictionaries[code], wanted)
        for source, names in sources.items():
            rows = list(compare(language, names, taxonomy))
            if rows:
                name, word = (100 * sum(row[at] for row in rows) / len(rows) for at in (1, 2))
                print(f"{code:8}  {source:10}  {len(rows):8}  {name:7.1f} %  {word:7.1f} %")
            for tag, _, agrees, entry in rows if options.show else ():
                if not agrees:
                    print(f"    {tag}: {', '.join(language.tags[tag])}; there: {', '.join(sorted(entry)[:8])}")


if __name__ == "__main__":
    main()
