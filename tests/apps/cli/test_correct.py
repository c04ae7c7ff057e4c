"""vectortag correct, corrections, refresh, suggest"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vectortag.data.records import read_data_set


@pytest.fixture
def photo(make_photo) -> Path:
    return make_photo()


def score(cli, photo: Path, model: Path, tag: str, *options: str) -> float:
    line = cli("tag", photo, "-m", model, "--format", "jsonl", "--all-scores", *options).stdout
    return {one["tag"]: one["score"] for one in json.loads(line)["tags"]}[tag]


def test_a_model_learns_and_forgets(cli, photo, tiny_model):
    before = score(cli, photo, tiny_model, "dog")

    told = cli("correct", photo, "--no", "puppy", "-m", tiny_model)
    assert told.status == 0
    assert told.stdout == f"recorded: {photo}: no dog\n"
    assert score(cli, photo, tiny_model, "dog") == before  # not yet
    learnt = cli("refresh", "-m", tiny_model)
    assert learnt.status == 0
    assert "of 1 corrected photos are right now" in learnt.stdout
    assert score(cli, photo, tiny_model, "dog") < before
    assert score(cli, photo, tiny_model, "dog", "--no-additions") == before
    assert cli("refresh", "--undo", "-m", tiny_model).status == 0
    assert score(cli, photo, tiny_model, "dog") == before


def test_what_was_said_can_be_seen_and_taken_back(cli, photo, tiny_model):
    cli("correct", photo, "--yes", "dog", "--no", "boat", "-m", tiny_model)

    assert cli("corrections").stdout == f"{photo}: dog\n{photo}: no boat\n"
    assert json.loads(cli("corrections", "--json").stdout)[1] == {"photo": str(photo), "tag": "boat", "has": False}
    assert cli("correct", "--undo").stdout.splitlines()[0] == f"undone: {photo}: dog"
    assert cli("corrections").stdout == ""
    assert "nothing to undo" in cli("correct", "--undo").stderr


def test_an_export_is_a_data_set(cli, photo, tiny_model, tmp_path):
    cli("correct", photo, "--yes", "dog", "--no", "boat", "-m", tiny_model)

    done = cli("corrections", "--export", tmp_path / "new.csv", "-m", tiny_model)

    assert done.status == 0, done.stderr
    (record,) = read_data_set(tmp_path / "new.csv").records
    assert "dog" in record.words
    assert "boat" not in record.words


def test_an_export_leaves_out_photos_that_are_gone(cli, make_photo, tiny_model, tmp_path):
    for name in ("1.jpg", "2.jpg"):
        cli("correct", make_photo(name), "--yes", "dog", "-m", tiny_model)
    (tmp_path / "1.jpg").unlink()

    done = cli("corrections", "--export", tmp_path / "new.csv", "-m", tiny_model)

    assert done.status == 1
    assert "1.jpg" in done.stderr
    assert [record.path.name for record in read_data_set(tmp_path / "new.csv").records] == ["2.jpg"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "no photos given"),
        (["PHOTO"], "no tag is named"),
        (["PHOTO", "--yes", "dgo"], 'Did you mean "dog"'),
    ],
)
def test_wrong_use_is_said(cli, photo, tiny_model, options, problem):
    done = cli("correct", *[photo if option == "PHOTO" else option for option in options], "-m", tiny_model)

    assert done.status == 2
    assert problem in " ".join(done.stderr.split())


def test_suggestions_from_plain_photos(cli, make_photo, tiny_model, tmp_path):
    for n in range(6):
        make_photo(f"plain/{n}.jpg", seed=n)

    found = json.loads(cli("suggest", "puppy", tmp_path / "plain", "-n", 4, "-m", tiny_model, "--json").stdout)

    assert len(found["label"]) == 4
    assert found["check"] == []
    assert all(Path(one["photo"]).is_file() and one["has"] is None for one in found["label"])


def test_what_was_answered_is_not_asked_again(cli, make_photo, tiny_model, tmp_path):
    for n in range(3):
        make_photo(f"plain/{n}.jpg", seed=n)
    cli("correct", tmp_path / "plain" / "0.jpg", "--yes", "dog", "-m", tiny_model)

    found = json.loads(cli("suggest", "dog", tmp_path / "plain", "-m", tiny_model, "--json").stdout)

    assert {Path(one["photo"]).name for one in found["label"]} == {"1.jpg", "2.jpg"}


def test_labels_that_may_be_wrong(cli, make_data_set, tiny_model):
    folder = make_data_set({f"{n}.jpg": "sea" for n in range(30)})
    scores = {n: score(cli, folder / f"{n}.jpg", tiny_model, "dog") for n in range(30)}
    ranked = sorted(scores, key=scores.__getitem__)
    dogs = {ranked[0], *ranked[20:29]}  # the first is no dog, and the last is one without the label
    rows = [f"{n}.jpg,{'puppy' if n in dogs else 'sea'}" for n in range(30)]
    (folder / "metadata.csv").write_text("\n".join(["image_path,tags", *rows]) + "\n")

    found = json.loads(cli("suggest", "dog", folder, "-m", tiny_model, "--json").stdout)

    assert found["label"] == []  # every photo has a label
    doubted = {(Path(one["photo"]).name, one["has"]) for one in found["check"]}
    assert {(f"{ranked[0]}.jpg", True), (f"{ranked[29]}.jpg", False)} <= doubted
    table = cli("suggest", "dog", folder, "-m", tiny_model)
    assert "labelled dog" in table.stdout
    assert "vectortag correct PHOTO" in table.stderr


def test_labels_that_a_model_has_learnt_are_judged_by_heads_that_have_not(cli, make_data_set, tiny_model, monkeypatch):
    from vectortag.assembly import label_errors

    folder = make_data_set({f"{n}.jpg": "dog" if n % 2 else "sea" for n in range(30)})
    assert cli("fit", folder, "--name", "mine", "-m", tiny_model).status == 0
    judged = []
    original = label_errors.out_of_fold_scores
    monkeypatch.setattr(
        label_errors, "out_of_fold_scores", lambda *given: judged.append(given[1].shape) or original(*given)
    )

    by_own, by_other = (cli("suggest", "dog", folder, "-m", model) for model in ("mine", tiny_model))

    assert judged == [(30, 1)]
    assert all("of 30 labels look wrong" in done.stderr for done in (by_own, by_other))


def test_suggestions_read_what_check_reads_wherever_the_photos_lie(cli, make_data_set, tiny_model, tmp_path):
    photos = make_data_set({f"{n}.jpg": "dog" if n % 2 else "sea" for n in range(8)})
    labels = tmp_path / "labels"
    labels.mkdir()
    rows = [f"../photos/{n}.jpg,{'dog' if n % 2 else 'sea'}" for n in range(8)]
    (labels / "metadata.csv").write_text("\n".join(["image_path,tags", *rows]) + "\n")

    here, there = (cli("suggest", "dog", folder, "-m", tiny_model, "--json") for folder in (photos, labels))

    assert "of 8 labels look wrong" in there.stderr
    names = [[Path(one["photo"]).name for one in json.loads(done.stdout)["check"]] for done in (here, there)]
    assert names[0] == names[1]


def test_without_a_doubt_it_says_so_instead_of_an_empty_table(cli, make_data_set, tiny_model):
    folder = make_data_set({f"{n}.jpg": "dog" for n in range(4)})  # of labels that are all alike, none is doubted

    done = cli("suggest", "dog", folder, "-m", tiny_model)

    assert (done.status, done.stdout) == (0, "")
    assert "0 of 4 labels look wrong" in done.stderr


def test_a_tag_that_no_photo_is_labelled_with_is_said_to_be_unlabelled(cli, make_data_set, tiny_model):
    done = cli("suggest", "dog", make_data_set({"1.jpg": "sea"}), "-m", tiny_model)

    assert 'no photo is labelled "dog", so all photos count as unlabelled' in done.stderr


def test_a_bad_photo_does_not_stop_suggestions(cli, make_photo, tiny_model, tmp_path):
    make_photo("plain/1.jpg")
    (tmp_path / "plain" / "2.jpg").write_bytes(b"no photo")

    done = cli("suggest", "dog", tmp_path / "plain", "-m", tiny_model)

    assert done.status == 1
    assert "1.jpg" in done.stdout
    assert "2.jpg" in done.stderr
