"""Files that URLs name on their way into an index: a real S3 server, web addresses, archives, memory."""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from loading import Bench

from ragbraid.errors import InputError, LoadError, MissingDependency
from ragbraid.load import remote
from site_server import SiteServer, serving

fsspec = pytest.importorskip("fsspec")
PLAIN = {"Content-Type": "text/plain", "ETag": '"1"'}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, {"type": "files"}, {"type": "rows"})
    yield made
    made.pipeline.close()


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture
def site() -> Iterator[SiteServer]:
    with serving() as made:
        yield made


class Reads:
    """Counts what is fetched from a storage."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: list[str] = []
        copied = remote.Slot.copied

        def counted(slot: remote.Slot, path: str, size: int) -> str:
            if not slot.holds(path):
                self.paths.append(path)
            return copied(slot, path, size)

        monkeypatch.setattr(remote.Slot, "copied", counted)

    def take(self) -> list[str]:
        taken, self.paths = sorted(self.paths), []
        return taken


def holds(folder: Path, secret: bytes) -> bool:
    files = [each for each in (folder / "index").rglob("*") if each.is_file()]
    assert files
    return any(secret in each.read_bytes() for each in files)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    return Reads(monkeypatch)


def test_a_storage_is_synced_as_a_folder_is(bench: Bench, memory: Any, reads: Reads) -> None:
    memory.pipe({
        "/b/d/a.txt": b"first words", "/b/d/deep/b.md": b"# Deep\n\nmore words", "/b/d/t.csv": b"x\n1\n2\n",
        "/b/d/pic.heif": b"x", "/b/d/.git/x.txt": b"hidden", "/b/other.txt": b"elsewhere",
    })  # fmt: skip
    assert bench.ingest("memory://b/d") == {"new": 3, "embedded": 4, "skipped": 1}
    assert bench.sources() == [
        "memory://b/d/a.txt", "memory://b/d/deep/b.md", "memory://b/d/t.csv#row=2", "memory://b/d/t.csv#row=3"
    ]  # fmt: skip
    assert reads.take() == ["a.txt", "deep/b.md", "t.csv"], "each is fetched once"
    assert bench.ingest("memory://b/d/") == {"unchanged": 3, "skipped": 1}
    assert reads.take() == [], "what is unchanged by its stamp isn't fetched"
    memory.pipe("/b/d/a.txt", b"other words")
    memory.mv("/b/d/deep/b.md", "/b/d/moved.md")
    assert bench.ingest("memory://b/d") == {
        "changed": 1, "renamed": 1, "unchanged": 1, "embedded": 1, "skipped": 1
    }  # fmt: skip
    memory.rm("/b/d/moved.md")
    bench.write("d/local.txt", "local words")
    assert bench.ingest("memory://b/d", "d")["gone"] == 1
    assert bench.ingest("d", prune=True) == {"unchanged": 1}, "another place prunes nothing here"
    assert bench.ingest("memory://b/d", prune=True) == {"unchanged": 2, "removed": 1, "skipped": 1}
    assert bench.ingest("memory://b/d/a.txt", prune=True) == {"unchanged": 1}
    memory.rm("/b/d", recursive=True)
    with pytest.raises(InputError, match="nothing at memory://b/d"):
        bench.ingest("memory://b/d", prune=True)
    assert len(bench.sources()) == 4, "a path that is absent prunes nothing"


def test_an_object_that_fails_leaves_the_others(
    bench: Bench, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe({"/b/a.txt": b"words", "/b/bad.txt": b"words two", "/b/big.txt": b"x" * 2000})
    made = Bench(bench.folder, {"type": "files", "max_mb": 0.001})
    opened = type(memory).open

    def broken(self: Any, path: str, *given: Any, **named: Any) -> Any:
        if "bad" in path:
            raise OSError("the line is down")
        return opened(self, path, *given, **named)

    monkeypatch.setattr(type(memory), "open", broken)
    assert made.ingest("memory://b") == {"new": 1, "embedded": 1, "failed": 1, "skipped": 1}
    assert "the line is down" in made.report.failed[0].reason


def test_storages_that_are_not_there(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="No storage is called 'nonsense'"):
        bench.ingest("nonsense://b/d")
    with pytest.raises(MissingDependency, match="gs:// needs another package"):
        bench.ingest("gs://b/d")
    with pytest.raises(InputError, match="given with a name or password") as caught:
        bench.ingest("https://me:geheim@example.org/a.txt")
    assert "geheim" not in str(caught.value)
    with pytest.raises(InputError, match="can't be watched"):
        bench.pipeline.watch("memory://b/d")


def test_a_file_that_an_address_names(bench: Bench, site: SiteServer, reads: Reads) -> None:
    site.pages["/report.txt?v=2&token=geheim"] = (200, PLAIN, b"the yearly report")
    site.pages["/page"] = (200, {"Content-Type": "text/html; charset=utf-8"}, b"<p>a page</p>")
    site.pages["/data.csv"] = (302, {"Location": "/real.csv"}, b"")
    site.pages["/real.csv"] = (200, {"Content-Type": "text/csv"}, b"a\n1\n")
    site.pages["/export"] = (200, {"Content-Type": "text/csv"}, b"a\n1\n")
    urls = [f"{site.url}{each}" for each in ("/report.txt?v=2&token=geheim", "/page", "/data.csv", "/export")]
    assert bench.ingest(*urls) == {"new": 4, "embedded": 3}
    assert bench.sources() == [
        f"{site.url}/{each}" for each in ("data.csv#row=2", "export#row=2", "page", "report.txt?v=2")
    ]
    assert len(reads.take()) == 4
    assert bench.ingest(*urls) == {"unchanged": 4}
    assert len(reads.take()) == 3, "only what has no entity tag is fetched"
    assert "geheim" not in json.dumps([each.source for each in bench.pipeline.sources()])
    assert not holds(bench.folder, b"geheim")
    site.pages["/page"] = (503, {}, b"")
    assert bench.ingest(urls[1], prune=True) == {"failed": 1}
    site.pages["/page"] = (404, {}, b"")
    with pytest.raises(InputError, match=r"There is no file.*404"):
        bench.ingest(urls[1], prune=True)
    assert len(bench.sources()) == 4


def test_a_redirect_may_not_lead_into_a_private_network(bench: Bench, site: SiteServer) -> None:
    site.pages["/secret.txt"] = (200, PLAIN, b"of this machine alone")
    port = site.url.rpartition(":")[2]
    site.pages["/a.txt"] = (302, {"Location": f"http://localhost:{port}/secret.txt"}, b"")
    assert bench.ingest(f"{site.url}/a.txt") == {"failed": 1}
    assert "private network" in bench.report.failed[0].reason
    assert "/secret.txt" not in site.asked


def archive(**files: str | bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name.replace("__", "/"), content)
    return target.getvalue()


def test_an_archive_is_a_folder(
    bench: Bench, memory: Any, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = archive(**{"docs__a.txt": "first words", "docs__b.csv": "x\n1\n", "c.md": "# C\n\nmore"})
    (bench.folder / "d").mkdir()
    (bench.folder / "d/all.zip").write_bytes(data)
    path = f"zip://{bench.folder}/d/all.zip"
    assert bench.ingest(path) == {"new": 3, "embedded": 3}
    assert bench.sources() == [
        "zip://d/all.zip/c.md", "zip://d/all.zip/docs/a.txt", "zip://d/all.zip/docs/b.csv#row=2"
    ]  # fmt: skip
    monkeypatch.chdir(bench.folder / "d")
    reads.take()
    assert bench.ingest("zip://all.zip/docs", prune=True) == {"unchanged": 2}
    assert bench.ingest("zip://docs/a.txt::all.zip", prune=True) == {"unchanged": 1}
    assert reads.take() == []
    (bench.folder / "d/all.zip").write_bytes(archive(**{"docs__a.txt": "first words"}))
    assert bench.ingest("zip://all.zip", prune=True) == {"unchanged": 1, "removed": 2}
    for wrong in ("zip://all.zip/nowhere", "zip://nowhere.zip", "zip://docs"):
        with pytest.raises(InputError):
            bench.ingest(wrong)
    memory.pipe("/b/far.zip", data)
    assert bench.ingest("zip://docs::memory://b/far.zip")["new"] == 2
    assert "zip://memory://b/far.zip/docs/a.txt" in bench.sources()
    assert bench.ingest("zip://memory://b/far.zip/docs", prune=True) == {"unchanged": 2}


def test_archives_that_are_broken_locked_or_bombs(bench: Bench) -> None:
    (bench.folder / "d").mkdir()
    folder = bench.folder / "d"
    (folder / "no.zip").write_bytes(b"no archive")
    with pytest.raises(LoadError, match="can't be read as a ZIP"):
        bench.ingest(f"zip://{folder}/no.zip")
    damaged = bytearray(archive(**{"a.txt": os.urandom(400).hex(), "b.txt": "fine"}))
    damaged[60:80] = bytes(20)
    (folder / "damaged.zip").write_bytes(damaged)
    assert bench.ingest(f"zip://{folder}/damaged.zip") == {"new": 1, "embedded": 1, "failed": 1}
    locked = bytearray(archive(**{"a.txt": "secret words"}))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + flags] |= 1  # encrypted
    (folder / "locked.zip").write_bytes(locked)
    assert bench.ingest(f"zip://{folder}/locked.zip") == {"failed": 1}
    assert "password" in bench.report.failed[0].reason
    (folder / "big.zip").write_bytes(archive(**{"zeros.txt": bytes(70_000_000), "a.txt": "fine words"}))
    assert bench.ingest(f"zip://{folder}/big.zip") == {"new": 1, "embedded": 1, "skipped": 1}
    (folder / "bomb.zip").write_bytes(overlapping(40))
    with pytest.raises(LoadError, match="is a bomb"):
        bench.ingest(f"zip://{folder}/bomb.zip")


def overlapping(count: int) -> bytes:
    """An archive whose every file is the same 20 MB of zeros."""
    one = archive(**{"a.txt": bytes(20_000_000)})
    start = one.rindex(b"PK\x05\x06")
    directory = one.index(b"PK\x01\x02")
    entry = one[directory:start]
    entries = b"".join(entry.replace(b"a.txt", f"{n:05}".encode()) for n in range(count))
    end = bytearray(one[start:])
    end[8:12] = count.to_bytes(2, "little") * 2
    end[12:16] = len(entries).to_bytes(4, "little")
    return one[:directory] + entries + bytes(end)


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    pytest.importorskip("s3fs")
    server_module = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "KEYID", "AWS_SECRET_ACCESS_KEY": "geheim",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        yield client
        client.close()
    server.stop()


def test_s3_with_tags_as_rights(tmp_path: Path, bucket: Any, reads: Reads) -> None:
    def put(key: str, text: str, tags: str = "") -> None:
        bucket.put_object(Bucket="bucket", Key=key, Body=text.encode(), Tagging=tags)

    put("docs/a?.txt", "open words", "team=all")
    put("docs/deep/b.txt", "closed words", "team=board&level=3")
    put("docs/t.csv", "x\n1\n")
    made = Bench(tmp_path, {"type": "files", "tags": True}, fields={"level": "int", "team": "str"})
    assert made.ingest("s3://bucket/docs") == {"new": 3, "embedded": 3}
    assert made.sources() == [
        "s3://bucket/docs/a?.txt",
        "s3://bucket/docs/deep/b.txt",
        "s3://bucket/docs/t.csv",
    ]
    (hit,) = made.search("words", filter={"team": "board"})
    assert (hit.source, hit.metadata["level"]) == ("s3://bucket/docs/deep/b.txt", 3)
    reads.take()
    assert made.ingest("s3://bucket/docs") == {"unchanged": 3}
    assert reads.take() == []
    for tags in ({"team": "staff", "level": "4"}, {"team": "all"}):
        entries = [{"Key": key, "Value": value} for key, value in tags.items()]
        bucket.put_object_tagging(Bucket="bucket", Key="docs/deep/b.txt", Tagging={"TagSet": entries})
        assert made.ingest("s3://bucket/docs") == {"changed": 1, "unchanged": 2}, "and nothing is embedded"
        assert reads.take() == ([] if "level" in tags else ["deep/b.txt"])
    assert {hit.source for hit in made.search("words", filter={"team": "all"})} == {
        "s3://bucket/docs/a?.txt", "s3://bucket/docs/deep/b.txt"
    }  # fmt: skip
    bucket.delete_object(Bucket="bucket", Key="docs/t.csv")
    put("docs/a?.txt", "new words", "team=all")
    assert made.ingest("s3://bucket/docs", prune=True) == {
        "changed": 1, "unchanged": 1, "removed": 1, "embedded": 1
    }  # fmt: skip
    for absent in ("s3://bucket/nowhere", "s3://nobucket/x"):
        with pytest.raises(InputError, match="There is nothing at"):
            made.ingest(absent)
    assert not holds(tmp_path, b"geheim")


def test_s3_says_what_is_wrong_without_the_key(
    tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    made = Bench(tmp_path, {"type": "files"})
    with pytest.raises(LoadError, match=r"s3://bucket/docs can't be read") as caught:
        made.ingest("s3://bucket/docs")
    assert "geheim" not in str(caught.value)
    with contextlib.suppress(Exception):
        fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_many_threads_read_copies_of_their_own() -> None:
    class Slow:
        def entries(self, tags: bool) -> Iterator[remote.Entry]:
            return iter(())

        def copy(self, path: str, write: Any) -> None:
            for _ in range(20):
                write(path.encode() * 100)

    slot = remote.Slot(Slow())

    def read(number: int) -> bool:
        path = f"{number % 40:02}"
        with remote.Remote(slot, path, path).opened(10**6) as file:
            return file.read() == path.encode() * 2000

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(read, range(2000)))
    assert len(os.listdir(slot._folder)) <= remote._COPIES
