import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
import yaml

from catscale.data.config import DataConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.direction import Direction
from catscale.errors import CatscaleError, ConfigError, DataError
from catscale.recipes import fetch as module
from catscale.recipes.fetch import fetch
from catscale.recipes.patience import Patience
from catscale.recipes.recipe import load_table
from tests.recipes.archives import make_tar, special, tar
from tests.recipes.toys import numbers, offer, opus100, sentence, ted, wmt, write
from tests.unchecked import unchecked


@pytest.fixture
def run(site, tmp_path):
    """Fetches a toy into tmp_path/out."""

    def go(make, name, **changes):
        content = make(site) if callable(make) else make
        said: list[str] = []
        unchecked(go).said = said
        table = load_table(write(tmp_path / "recipes.yaml", content))
        return fetch(table, name, tmp_path / "out", changes.get("downloads"), said.append, Patience(2, 0.01))

    unchecked(go).out = tmp_path / "out"
    return go


def corpus_of(fetched):
    return Corpus(DataConfig(**yaml.safe_load(fetched.config.read_text())["data"]))


def pairs(fetched, split, name):
    return list(corpus_of(fetched).pairs(split, Direction.parse(name)))


def numbers_of(fetched):
    return {c.language: (c.train, c.dev, c.test) for c in fetched.counts}


def test_ted(run):
    fetched = run(ted, "ted-related")
    assert numbers_of(fetched) == {"az": (106, 7, 7), "pt": (120, 10, 10)}
    found = [pair for pair in pairs(fetched, "train", "en-az") if all(pair)]
    expected = [(f"it 's {sentence(n)}", sentence(n, "az")) for i, n in enumerate(numbers("train")) if i % 10 and i > 2]
    assert found == expected
    assert pairs(fetched, "dev", "en-pt") == [(f"it 's {sentence(n)}", sentence(n, "pt")) for n in numbers("dev")]
    header = (run.out / "corpus" / "all_talks_train.tsv").read_text().split("\n")[0]
    assert header == "en\taz\tpt-br"  # no other column of the archive
    assert sorted(p.name for p in run.out.iterdir()) == [
        ".catscale", ".lock", "config.yaml", "corpus", "downloads", "fetched.json"
    ]  # fmt: skip


def test_counts_are_compared(run):
    by_language = {count.language: count for count in run(ted, "ted-related").counts}
    assert (by_language["az"].difference, by_language["az"].is_off) == (0.0, False)
    assert (by_language["pt"].difference, by_language["pt"].is_off) == (20.0, True)


def test_opus100(run):
    fetched = run(opus100, "opus100")
    assert numbers_of(fetched) == {"az": (120, 10, 10)}
    assert pairs(fetched, "test", "en-az") == [(sentence(n), sentence(n, "az")) for n in numbers("test")]
    files = sorted(p.relative_to(run.out / "corpus").as_posix() for p in (run.out / "corpus").rglob("opus.*-t*"))
    assert files == [
        "supervised/az-en/opus.az-en-test.az", "supervised/az-en/opus.az-en-test.en",
        "supervised/az-en/opus.az-en-train.az", "supervised/az-en/opus.az-en-train.en",
        "supervised/en-yo/opus.en-yo-train.en", "supervised/en-yo/opus.en-yo-train.yo",
        "zero-shot/ar-de/opus.ar-de-test.ar", "zero-shot/ar-de/opus.ar-de-test.de",
    ]  # fmt: skip


def test_parts_of_every_kind_are_put_together_in_order(run):
    fetched = run(wmt, "wmt10")
    assert numbers_of(fetched) == {"az": (170, 10, 10), "pt": (241, 10, 10)}
    train = [(sentence(n), sentence(n, "az")) for n in [*range(50), *numbers("train")]]
    assert pairs(fetched, "train", "en-az") == train
    train = [(sentence(n), sentence(n, "pt")) for n in numbers("train")]
    assert pairs(fetched, "train", "en-pt") == [*train, *train, ("it 's", "<")]
    test = [(f"{sentence(n)} &", f"{sentence(n, 'az')} &") for n in numbers("test")]
    assert pairs(fetched, "test", "en-az") == test
    assert "en-pt train: 1 pairs of more.en and more.pt, 1 without both sides left out" in run.said
    assert sorted(p.name for p in (run.out / "corpus").iterdir()) == [".content.json", "en-az", "en-pt"]


def test_a_second_fetch_does_nothing(site, run, monkeypatch):
    first = run(ted, "ted-related")
    requests = len(site.requests)
    monkeypatch.setattr(module, "count_pairs", None)
    second = run(ted, "ted-related")
    assert (second.counts, second.is_new) == (first.counts, False)
    assert len(site.requests) == requests
    shutil.rmtree(run.out / "downloads")  # the archives are not needed for that
    assert not run(ted, "ted-related").is_new


@pytest.mark.parametrize("change", [{"counts": [{"x": 1}]}, {"counts": None}, {"missing": None}, {"recipe": "x"}])
def test_a_record_of_another_version_is_made_anew(run, change):
    first = run(ted, "ted-related")
    path = run.out / "fetched.json"
    whole = path.read_text()
    record = json.loads(whole) | change
    path.write_text(json.dumps({key: value for key, value in record.items() if value is not None}))
    assert run(ted, "ted-related").counts == first.counts
    assert change == {"recipe": "x"} or path.read_text() == whole


def test_a_record_of_a_download_that_does_not_tell_its_checksum(site, run):
    run(ted, "ted-related")
    shutil.rmtree(run.out / "corpus")
    path = run.out / "downloads" / "ted_talks.tar.gz.lock.json"
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in whole.items() if key != "sha256"}))
    with pytest.raises(DataError, match=r"lock\.json is there, and is no record of catscale.s; move it away"):
        run(ted, "ted-related")  # taken for none, it would let any file pass for its first use


@pytest.mark.parametrize("damage", ["cut", "gone", "more"])
def test_a_damaged_corpus_is_made_anew_from_the_archives(site, run, damage):
    first = run(ted, "ted-related")
    path = run.out / "corpus" / "all_talks_dev.tsv"
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:-9] if damage == "cut" else whole)
        (run.out / "corpus" / "more").touch() if damage == "more" else None
    again = run(ted, "ted-related")
    assert again.is_new
    assert again.counts == first.counts
    assert path.read_bytes() == whole
    assert site.sent("ted_talks.tar.gz") == len(site.files["/ted_talks.tar.gz"])


def test_another_recipe_makes_another_corpus(site, run):
    run(ted, "ted-related")
    content = ted(site)
    content["recipes"]["ted-related"]["parts"][0]["columns"] = ["en", "pt-br"]
    content["recipes"]["ted-related"]["config"]["data"]["targets"] = ["pt"]
    assert numbers_of(run(content, "ted-related")) == {"pt": (120, 10, 10)}


def test_a_new_checksum_in_the_recipe_is_heeded(site, run):
    run(ted, "ted-related")
    with pytest.raises(DataError, match="and the recipe says 000"):
        run(ted(site, sha256="0" * 64), "ted-related")
    assert (run.out / "corpus" / "all_talks_dev.tsv").exists()


def test_the_configuration_is_left_when_the_user_changed_it(run):
    config = run(ted, "ted-related").config
    text = config.read_text() + "evaluation: {beam: 3}\n"
    config.write_text(text)
    (run.out / "fetched.json").write_text((run.out / "fetched.json").read_text())
    (run.out / "corpus" / "all_talks_dev.tsv").unlink()
    run(ted, "ted-related")
    assert config.read_text() == text
    assert f"{config} was changed and is left as it is; delete it to have a fresh one" in run.said
    config.unlink()
    run(ted, "ted-related")
    assert "beam" not in config.read_text()


def manual(site, name):
    content = wmt(site)
    content["files"][name] = {"url": None, "bytes": None, "sha256": None, "manual": "Register at example.org."}
    return content


def test_what_needs_the_user_is_left_out_and_made_later(site, run):
    content = manual(site, "dev.tgz")
    content["recipes"]["wmt10"]["parts"].append(
        {"kind": "lines", "pair": "en-pt", "split": "dev", "files": {"en": "more.en", "pt": "more.pt"}}
    )
    fetched = run(content, "wmt10")
    assert fetched.missing == ["az"]
    assert numbers_of(fetched) == {"pt": (241, 1, 0)}
    assert yaml.safe_load(fetched.config.read_text())["data"]["directions"] == ["en-pt"]
    assert any("dev.tgz has no public address and is left out. Register at example.org." in line for line in run.said)
    assert "left out for want of a file: dev.tgz" in run.said
    assert not run(content, "wmt10").is_new
    (run.out / "downloads" / "dev.tgz").write_bytes(site.files["/dev.tgz"])
    whole = run(content, "wmt10")
    assert whole.missing == []
    assert numbers_of(whole) == {"az": (170, 10, 10), "pt": (241, 11, 10)}
    assert yaml.safe_load(whole.config.read_text())["data"]["targets"] == ["az", "pt"]


def test_without_any_file_nothing_is_left_behind(site, run):
    content = ted(site)
    content["files"]["ted_talks.tar.gz"] = {"url": None, "bytes": None, "sha256": None, "manual": "Ask."}
    with pytest.raises(DataError, match=r"no part of .* can be made without the files named above"):
        run(content, "ted-related")
    assert not (run.out / "corpus").exists()


def test_a_corpus_without_a_dev_set_is_refused(site, run):
    content = wmt(site)
    content["recipes"]["wmt10"]["parts"] = content["recipes"]["wmt10"]["parts"][:2]
    with pytest.raises(DataError, match="has no direction with train and dev data; check the recipe wmt10"):
        run(content, "wmt10")


HOSTILE = {
    "a path": tar({"../../stolen": b"x"}),
    "a link": make_tar([special("all_talks_train.tsv", b"2", "/etc/passwd")]),
    "a bomb": tar({"all_talks_train.tsv": bytes(150_000_000)}),
    "not it": tar({"README": b"x"}),
    "no columns": tar({"all_talks_train.tsv": b"talk_name\ten\n"}),
}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("a path", "has a path that leaves its folder"),
        ("a link", "is a link, a device or a sparse file"),
        ("a bomb", "is said to have 150,000,000 bytes"),
        ("not it", r"has no member like \*all_talks_\*.tsv"),
        ("no columns", "has no column az, pt-br; its header is talk_name, en"),
    ],
)
def test_a_hostile_archive_leaves_nothing(site, run, kind, message):
    content = ted(site)
    content["files"]["ted_talks.tar.gz"] = offer(site, "ted_talks.tar.gz", HOSTILE[kind])
    with pytest.raises(DataError, match=message):
        run(content, "ted-related")
    assert sorted(p.name for p in run.out.iterdir()) == [".catscale", ".lock", "downloads"]
    assert not (run.out.parent / "stolen").exists()


def test_two_archives_with_one_file_are_refused(site, run):
    content = opus100(site)
    twice = site.files["/opus-100-corpus-az-en-v1.0.tar.gz"]
    content["files"]["opus-100-corpus-en-yo-v1.0.tar.gz"] = offer(site, "opus-100-corpus-en-yo-v1.0.tar.gz", twice)
    with pytest.raises(CatscaleError, match=r"opus.az-en-\w+.\w\w: File exists"):
        run(content, "opus100")
    assert not (run.out / "corpus").exists()


def test_an_archive_without_what_is_wanted_is_refused(site, run):
    content, name = opus100(site), "opus-100-corpus-en-yo-v1.0.tar.gz"
    content["files"][name] = offer(site, name, tar({"opus-100-corpus/v1.0/README": b"x"}))
    with pytest.raises(DataError, match=rf"{name} has no member like opus-100-corpus/v1.0/\*/opus.\*; its publisher"):
        run(content, "opus100")


def test_a_pattern_of_several_members_is_refused(site, run):
    content = wmt(site)
    content["recipes"]["wmt10"]["parts"][1]["members"]["en"] = "*"
    with pytest.raises(DataError, match=r"talks.tgz has 3 members like \*, and one is needed"):
        run(content, "wmt10")


def test_an_unknown_recipe(run):
    with pytest.raises(ConfigError, match=r"there is no recipe 'opus10'; known: .*; did you mean opus100\?"):
        run(ted, "opus10")


def test_a_folder_that_cannot_be_written(site, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CatscaleError, match=r"file is a file and no folder"):
        fetch(load_table(write(tmp_path / "r.yaml", ted(site))), "ted-related", tmp_path / "file", None, print)


def test_two_benchmarks_share_their_downloads(site, run, tmp_path):
    run(ted, "ted-related", downloads=tmp_path / "shared")
    shutil.move(run.out, tmp_path / "first")
    run(ted, "ted-related", downloads=tmp_path / "shared")
    assert site.sent("ted_talks.tar.gz") == len(site.files["/ted_talks.tar.gz"])
    assert not (run.out / "downloads").exists()


def test_the_downloads_may_lie_in_the_benchmark_s_folder_itself(run):
    assert run(ted, "ted-related", downloads=run.out).is_new


def test_a_second_fetch_at_once_waits(run, tmp_path):
    run.out.mkdir()
    results = []
    with (run.out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread = threading.Thread(target=lambda: results.append(run(ted, "ted-related")))
        thread.start()
        deadline = time.monotonic() + 10
        while not getattr(run, "said", []) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert run.said == [f"another process fetches into {run.out}; waiting for it"]
        assert not (run.out / "corpus").exists()
    thread.join(30)
    assert results[0].is_new


@pytest.mark.parametrize("stage", ["receiving", "assembling", "before the corpus appears", "before the counts"])
def test_a_kill_at_any_moment_is_recovered_from(site, run, tmp_path, stage):
    """The process ends without any clean-up; the next one finishes the work."""
    recipes = write(tmp_path / "recipes.yaml", wmt(site))
    program = f"""
import os, signal, sys
from pathlib import Path
from catscale.recipes import assemble, download, fetch, recipe
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
stage = {stage!r}
if stage == "receiving":
    read, count = download._read, [0]
    def _read(response):
        count[0] += 1
        return read(response) if count[0] < 4 else die()
    download._read = _read
if stage == "assembling": assemble.Assembler._remove_unneeded = die
if stage == "before the corpus appears": fetch.write_json = die
if stage == "before the counts": fetch.count_pairs = die
fetch.fetch(recipe.load_table(Path({str(recipes)!r})), "wmt10", Path({str(run.out)!r}), None, print)
"""
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (run.out / "corpus").exists() == (stage == "before the counts")
    sent = {name: site.sent(name.removeprefix("/")) for name in site.files}
    fetched = run(wmt, "wmt10")
    assert numbers_of(fetched) == {"az": (170, 10, 10), "pt": (241, 10, 10)}
    assert sorted(p.name for p in run.out.iterdir()) == [
        ".catscale", ".lock", "config.yaml", "corpus", "downloads", "fetched.json"
    ]  # fmt: skip
    if stage != "receiving":
        assert sent == {name: site.sent(name.removeprefix("/")) for name in site.files}
    if stage == "before the counts":
        assert not any("pairs of" in line for line in run.said)  # the corpus was not made again


def test_a_replacement_cut_off_between_its_two_renames_is_undone(run):
    run(ted, "ted-related")
    (run.out / "corpus").rename(run.out / ".corpus.old")
    assert not run(ted, "ted-related").is_new
    assert not (run.out / ".corpus.old").exists()


def test_what_was_made_of_what_is_recorded(site, run):
    content = ted(site)
    run(content, "ted-related")
    record = json.loads((run.out / "fetched.json").read_text())
    assert record["archives"] == {"ted_talks.tar.gz": content["files"]["ted_talks.tar.gz"]["sha256"]}
    assert os.stat(run.out / "downloads" / "ted_talks.tar.gz").st_size == content["files"]["ted_talks.tar.gz"]["bytes"]
