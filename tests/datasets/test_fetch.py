import dataclasses
import gzip
import hashlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from molgraph.datasets import fetch as fetch_module
from molgraph.datasets.cards import card_named
from molgraph.datasets.download import ATTEMPTS, download
from molgraph.datasets.fetch import default_cache_dir, fetch
from molgraph.errors import FetchError
from molgraph.results.tasks import TaskSpec

TABLE = b"smiles,y\n" + b"".join(b"C" * (i + 1) + b",%d\n" % i for i in range(100))


class Handler(BaseHTTPRequestHandler):
    """Answers from a script of functions, one per request; the last one repeats."""

    def do_GET(self):
        self.server.paths.append(self.path)
        script = self.server.script
        (script.pop(0) if len(script) > 1 else script[0])(self)

    def log_message(self, *arguments):
        pass


def answer(body, status=200, length=None):
    def respond(handler):
        handler.send_response(status)
        if length is not False:
            handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return respond


def hang(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"smiles")
    handler.wfile.flush()
    handler.server.released.wait(10)


def break_off(handler):
    handler.connection.close()


@pytest.fixture
def server(monkeypatch):
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda request, address: None  # clients that give up are part of the test
    server.script, server.paths, server.released = [], [], threading.Event()
    server.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def card(server, monkeypatch):
    """A small set of 100 rows, served by the local server, with no mirror and no waiting between attempts."""
    monkeypatch.delenv("MOLGRAPH_DATA", raising=False)
    card = dataclasses.replace(
        card_named("esol"),
        name="small",
        address=f"{server.address}/datasets/small.csv",
        mirror="moleculenet/small.csv",
        sha256="0" * 64,
        rows=100,
        tasks=(TaskSpec("y", "regression"),),
        id_column=None,
    )
    monkeypatch.setattr(fetch_module, "card_named", lambda name: card)
    monkeypatch.setattr(
        fetch_module, "download", lambda *args, progress: download(*args, progress=progress, timeout=0.3, first_pause=0)
    )
    return card


def entries(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_good_download_is_kept_recorded_and_read_only_once(server, card, tmp_path):
    server.script = [answer(TABLE)]
    calls = []
    path = fetch("small", cache_dir=tmp_path / "new" / "cache", progress=lambda *numbers: calls.append(numbers))
    assert path.read_bytes() == TABLE
    assert calls[-1] == (len(TABLE), len(TABLE))
    assert entries(path.parent) == ["small.csv", "small.csv.sha256"]
    assert (path.parent / "small.csv.sha256").read_text().strip() == hashlib.sha256(TABLE).hexdigest()
    assert fetch("small", cache_dir=path.parent) == path
    assert server.paths == ["/datasets/small.csv"]


def test_a_server_that_gives_no_length(server, card, tmp_path):
    server.script = [answer(TABLE, length=False)]
    calls = []
    fetch("small", cache_dir=tmp_path, progress=lambda *numbers: calls.append(numbers))
    assert calls[-1] == (len(TABLE), None)


def test_a_file_is_named_by_its_content(server, card, tmp_path):
    server.script = [answer(gzip.compress(TABLE))]
    path = fetch("small", cache_dir=tmp_path)
    assert path.name == "small.csv.gz"
    assert fetch("small", cache_dir=tmp_path) == path
    assert len(server.paths) == 1


def test_transient_failures_are_retried(server, card, tmp_path):
    server.script = [answer(b"", status=500), break_off, answer(TABLE[:50], length=len(TABLE)), answer(TABLE)]
    assert fetch("small", cache_dir=tmp_path).read_bytes() == TABLE
    assert len(server.paths) == ATTEMPTS == 4


@pytest.mark.parametrize(
    ("respond", "n_requests", "message"),
    [
        (answer(b"", status=404), 1, "the server answered 404 Not Found"),
        (answer(b"", status=403), 1, "the server answered 403"),
        (answer(b"", status=503), 4, r"the server answered 503 .*\(tried 4 times\)"),
        (answer(TABLE[:50], length=len(TABLE)), 4, rf"ended after 50 of {len(TABLE)} bytes \(tried 4 times\)"),
        (hang, 4, r"sent nothing for 0.3 s \(tried 4 times\)"),
        (break_off, 4, "tried 4 times"),
        (answer(b"x", length=2**40), 1, "larger than"),
        (
            answer(b"<!DOCTYPE html><p>Log in, please"),
            1,
            "not the small table: no column smiles; it begins with '<!DOC",
        ),
        (answer(b"smiles,z\nC,1\n"), 1, "no column 'y'"),
        (answer(TABLE[: len(TABLE) // 2]), 1, "rows, where the card says 100"),
        (answer(b"\x1f\x8b" + b"junk" * 20), 1, "cannot be read as a table"),
        (answer(gzip.compress(TABLE)[:-20]), 1, "cannot be read as a table"),
        (answer(bytes(range(128, 256))), 1, "cannot be read as a table"),
        (answer(b""), 1, "no column smiles"),
    ],
)
def test_a_failure_is_one_line_and_leaves_nothing(server, card, tmp_path, *, respond, n_requests, message):
    server.script = [respond]
    with pytest.raises(FetchError, match=message) as caught:
        fetch("small", cache_dir=tmp_path)
    server.released.set()
    text = str(caught.value)
    assert "\n" not in text
    assert card.address in text
    assert f"set MOLGRAPH_DATA to a folder that holds {card.mirror}" in text
    assert f"download the file by hand to {tmp_path / 'small.csv'}" in text
    assert entries(tmp_path) == []
    assert len(server.paths) == n_requests


def test_a_dead_address_and_a_foreign_scheme(tmp_path, server):
    address = server.address
    with pytest.raises(FetchError, match=r"127\.0\.0\.1:1/x"):
        download("http://127.0.0.1:1/x", tmp_path / "x", first_pause=0)
    with pytest.raises(FetchError, match="only http and https"):
        download("file:///etc/passwd", tmp_path / "x")
    server.script = [answer(TABLE)]
    with pytest.raises(FetchError, match="No such file"):
        download(address, tmp_path / "no" / "folder")


def test_an_endless_body_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.setattr("molgraph.datasets.download.MAX_BYTES", 1000)
    server.script = [answer(b"x" * 5000, length=False)]
    with pytest.raises(FetchError, match="larger than 1000 bytes"):
        download(server.address, tmp_path / "x")


def test_an_interrupt_leaves_nothing(server, card, tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    server.script = [answer(TABLE)]
    with pytest.raises(KeyboardInterrupt):
        fetch("small", cache_dir=tmp_path, progress=interrupt)
    assert entries(tmp_path) == []
    assert fetch("small", cache_dir=tmp_path).read_bytes() == TABLE


def test_a_cached_file_that_changed_is_refused(server, card, tmp_path):
    server.script = [answer(TABLE)]
    path = fetch("small", cache_dir=tmp_path)
    path.write_bytes(TABLE + b"CCO,1\n")
    with pytest.raises(FetchError, match=r"has changed since it was downloaded .*delete it and small\.csv\.sha256"):
        fetch("small", cache_dir=tmp_path)


def test_a_file_put_there_by_hand_is_checked_once_and_recorded(card, tmp_path):
    by_hand = tmp_path / "small.csv"
    by_hand.write_bytes(b"smiles,z\nC,1\n")
    with pytest.raises(FetchError, match=r"small\.csv is not the small table"):
        fetch("small", cache_dir=tmp_path)
    by_hand.write_bytes(TABLE)
    assert fetch("small", cache_dir=tmp_path) == by_hand
    assert (tmp_path / "small.csv.sha256").exists()


def test_repeated_column_names_are_numbered(server, card, tmp_path):
    repeated = TABLE.replace(b"smiles,y", b"smiles,y,y,y").replace(b",1\n", b",1,2,3\n")
    server.script = [answer(repeated)]
    path = fetch("small", cache_dir=tmp_path)
    lines = path.read_bytes().splitlines()
    assert lines[0] == b"smiles,y,y.1,y.2"
    assert lines[1:] == repeated.splitlines()[1:]
    assert fetch("small", cache_dir=tmp_path) == path


@pytest.mark.parametrize("compressed", [False, True])
def test_the_mirror_comes_first_and_is_read_in_place(card, tmp_path, monkeypatch, compressed):
    name = "small.csv.gz" if compressed else "small.csv"
    mirrored = tmp_path / "mirror" / "moleculenet" / name
    mirrored.parent.mkdir(parents=True)
    mirrored.write_bytes(gzip.compress(TABLE) if compressed else TABLE)
    monkeypatch.setenv("MOLGRAPH_DATA", str(tmp_path / "mirror"))
    assert fetch("small", cache_dir=tmp_path / "cache") == mirrored
    assert entries(tmp_path / "cache") == []
    assert entries(mirrored.parent) == [name]
    mirrored.write_bytes(b"smiles,z\nC,1\n")
    with pytest.raises(FetchError, match="is not the small table"):
        fetch("small", cache_dir=tmp_path / "cache")


def test_a_mirror_without_the_file_is_passed_over(server, card, tmp_path, monkeypatch):
    monkeypatch.setenv("MOLGRAPH_DATA", str(tmp_path))
    server.script = [answer(TABLE)]
    assert fetch("small", cache_dir=tmp_path / "cache").parent == tmp_path / "cache"
    monkeypatch.setenv("MOLGRAPH_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FetchError, match=r"MOLGRAPH_DATA is .*nowhere', which is no folder"):
        fetch("small", cache_dir=tmp_path / "cache")


def test_a_cache_that_cannot_be_made(card, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match=r"cannot keep small in .*MOLGRAPH_CACHE"):
        fetch("small", cache_dir=tmp_path / "file" / "cache")


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("MOLGRAPH_CACHE", str(tmp_path))
    assert default_cache_dir() == tmp_path / "datasets"
    monkeypatch.delenv("MOLGRAPH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert default_cache_dir() == tmp_path / "molgraph" / "datasets"
    monkeypatch.delenv("XDG_CACHE_HOME")
    place = {"linux": ".cache/molgraph", "darwin": "Library/Caches/molgraph"}.get(
        sys.platform, "AppData/Local/molgraph/Cache"
    )
    assert default_cache_dir() == Path.home() / place / "datasets"
