"""The tables of a library's database, as steps from version to version.

`STEPS[n]` brings a database from version n to n + 1; an empty file is version 0. A step that was released is never
changed.
"""

from __future__ import annotations

VERSION_1 = """
CREATE TABLE roots (             -- the folders that a person added
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,   -- absolute; every path here is escaped as core/file_names does
    state TEXT NOT NULL DEFAULT 'online' CHECK (state IN ('online', 'offline')),
    why TEXT,                    -- why it is offline
    seen REAL,                   -- when it was last looked through; seconds since 1970, as all times here
    mount TEXT,                  -- the mount point that it was on then
    mounts TEXT NOT NULL DEFAULT '[]'  -- JSON: folders below it that were mount points then, relative
);
CREATE TABLE photos (
    id INTEGER PRIMARY KEY,
    root INTEGER NOT NULL REFERENCES roots ON DELETE CASCADE,
    path TEXT NOT NULL,          -- relative to the root, with "/"
    size INTEGER NOT NULL,       -- bytes
    mtime_ns INTEGER NOT NULL,
    sidecar_ns INTEGER NOT NULL DEFAULT 0,  -- the latest change of its XMP sidecars; 0: it has none
    content BLOB,                -- blake2b of the bytes, 16 bytes; NULL until they are read, and where they cannot be
    taken TEXT,                  -- local time by its EXIF data, "2024-07-31T18:00:05"
    latitude REAL, longitude REAL,  -- degrees, north and east positive
    orientation INTEGER, width INTEGER, height INTEGER,  -- pixels as displayed, upright
    rating INTEGER,              -- -1 (rejected) to 5
    error TEXT,                  -- why it cannot be read
    added REAL NOT NULL,
    gone REAL,                   -- since when there is no such file; NULL: it is there
    UNIQUE (root, path)
);
CREATE INDEX photos_by_content ON photos (content) WHERE content IS NOT NULL;
CREATE INDEX photos_by_date ON photos (taken) WHERE taken IS NOT NULL;
CREATE INDEX photos_to_read ON photos (root, path) WHERE content IS NULL AND error IS NULL AND gone IS NULL;
CREATE INDEX photos_gone ON photos (content) WHERE gone IS NOT NULL;
CREATE TABLE keywords (          -- a person's own, without what VectorTag wrote
    photo INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
    keyword TEXT NOT NULL,
    PRIMARY KEY (photo, keyword)
) WITHOUT ROWID;
CREATE INDEX photos_by_keyword ON keywords (keyword);
CREATE TABLE models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,          -- of the manifest
    digest TEXT NOT NULL,        -- of the model folder
    network_digest TEXT NOT NULL,  -- of the network's file: models with the same one share embeddings
    precision TEXT NOT NULL,
    size INTEGER NOT NULL,       -- pixels a side of the network's input
    tags TEXT NOT NULL,          -- JSON list: the model's own in the manifest's order, then the added ones
    prints TEXT NOT NULL,        -- JSON list: what the scores of each tag depend on besides the model folder
    thresholds TEXT NOT NULL,    -- JSON list, of the library's profile; null: never shown
    parents TEXT NOT NULL,       -- JSON object: each added tag and the tags that it implies
    UNIQUE (digest, precision, size)
);
CREATE TABLE analyses (          -- by content: photos that were moved or copied cost nothing
    content BLOB NOT NULL,
    model INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
    scores BLOB NOT NULL,        -- see packing.py
    embedding BLOB NOT NULL,
    made REAL NOT NULL,
    PRIMARY KEY (content, model)
);
CREATE TABLE shown (             -- the scores from the lower of threshold and 0.05 on, parents raised; exact
    model INTEGER NOT NULL REFERENCES models ON DELETE CASCADE,
    tag INTEGER NOT NULL,        -- its index in models.tags
    content BLOB NOT NULL,
    score REAL NOT NULL,
    PRIMARY KEY (model, tag, content)
) WITHOUT ROWID;
CREATE TABLE decisions (         -- a person's, which outlive every analysis
    content BLOB NOT NULL,
    tag TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'rejected')),
    renamed_to TEXT,
    at REAL NOT NULL,
    UNIQUE (content, tag)
);
CREATE TABLE written (           -- what VectorTag wrote into sidecars
    photo INTEGER NOT NULL REFERENCES photos ON DELETE CASCADE,
    sidecar TEXT NOT NULL,
    tags TEXT NOT NULL,          -- JSON: a Record of keyword_fields.py
    digest BLOB NOT NULL,        -- of the sidecar as it was written
    at REAL NOT NULL,
    PRIMARY KEY (photo, sidecar)
);
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;  -- values are JSON
"""

VERSION_2 = """
ALTER TABLE analyses RENAME COLUMN scores TO codes;  -- so that a running process of version 1 writes no old rows
UPDATE analyses SET codes = pack_codes(codes);       -- see packing.py; before, a byte for each tag
"""

STEPS: tuple[str, ...] = (VERSION_1, VERSION_2)
