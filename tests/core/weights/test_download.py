"""Downloads against a real server on the loopback: cut, slow, wrong, full, two at once."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from casecnn.errors import InputError
from casecnn.weights import download as module
from casecnn.weights import record as records
from casecnn.weights import state_dict as weights
from casecnn.weights.download import download

CONTENT = bytes(range(256)) * 1200  # 300 KiB, several blocks
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT as each request's entry of `plan` says; the last entry holds for all further requests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan: list[dict] = [{}]
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/net.safetensors"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        wanted = self.headers["Range"]
        self.server.ranges.append(wanted)
        do = self.server.plan.pop(0) if len(self.server.plan) > 1 else self.server.plan[0]
        content = do.get("content", CONTENT)
        if "wait" in do:
            do["wait"].wait(20)
        if "status" in do:
            self.send_error(do["status"])
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and do.get("ranges", True) else 0
        if start >= len(content) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            begin = do.get("begin", start)
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        if do.get("length", True):
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # a client that has seen enough hangs up
            self.wfile.write(content[start : start + do.get("cut", len(content))])
        if "hold" in do:
            do["hold"].wait(20)

    def log_message(self, format, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def fetch(server: Server, folder: Path, digest: str = DIGEST, **options) -> Path:
    return download(server.url, folder / "net.safetensors", digest, **{"pause": 0.001, "progress": False, **options})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_whole_file(server, tmp_path):
    path = fetch(server, tmp_path / "new" / "cache", size=len(CONTENT))
    assert path.read_bytes() == CONTENT and names(path.parent) == ["net.safetensors"]
    assert server.ranges == [None]


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    fetch(server, tmp_path)
    fetch(server, tmp_path)
    assert server.ranges == [None]


def test_a_wrong_file_that_is_there_is_replaced(server, tmp_path):
    (tmp_path / "net.safetensors").write_bytes(b"old")
    assert fetch(server, tmp_path).read_bytes() == CONTENT


def test_a_cut_connection_is_continued(server, tmp_path):
    server.plan = [{"cut": 100_000}, {"cut": 50_000}, {}]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_many_cuts_are_survived_while_each_try_brings_something(server, tmp_path):
    server.plan = [{"cut": 20_000}]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert len(server.ranges) == 16


def test_a_server_that_cannot_continue_sends_all_again(server, tmp_path):
    server.plan = [{"cut": 100_000}, {"ranges": False}]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-"]


def test_giving_up_keeps_the_part_for_the_next_time(server, tmp_path):
    server.plan = [{"cut": 100_000}, {"cut": 0}]
    with pytest.raises(InputError) as caught:
        fetch(server, tmp_path)
    assert str(caught.value) == (
        f"cannot download '{server.url}': the connection was closed after 100,000 of 307,200 bytes "
        "(tried 5 times without anything new); run the command again to go on from 100,000 bytes"
    )
    assert names(tmp_path) == ["net.safetensors.part"]
    server.plan, server.ranges = [{}], []
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["bytes=100000-"] and names(tmp_path) == ["net.safetensors"]


def test_a_server_without_ranges_that_always_cuts_does_not_go_on_for_ever(server, tmp_path):
    server.plan = [{"cut": 100_000, "ranges": False}]
    with pytest.raises(InputError, match="tried 5 times without anything new"):
        fetch(server, tmp_path)
    assert len(server.ranges) == 6


def test_a_part_of_another_file_is_thrown_away(server, tmp_path):
    (tmp_path / "net.safetensors.part").write_bytes(b"x" * 1000)
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-", None]


@pytest.mark.parametrize("size", [None, len(CONTENT)])
@pytest.mark.parametrize("extra", [0, 1000])
def test_a_part_that_is_complete_or_too_long(server, tmp_path, size, extra):
    (tmp_path / "net.safetensors.part").write_bytes(CONTENT + b"x" * extra)
    assert fetch(server, tmp_path, size=size).read_bytes() == CONTENT


def test_an_answer_that_begins_elsewhere_is_not_appended(server, tmp_path):
    server.plan = [{"cut": 100_000}, {"begin": 7}, {}]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-", None]


def test_a_wrong_hash(server, tmp_path):
    server.plan = [{"content": b"other"}]
    with pytest.raises(InputError) as caught:
        fetch(server, tmp_path)
    found = hashlib.sha256(b"other").hexdigest()
    rule = f"its SHA-256 is {found}, it must be {DIGEST}; the download was removed"
    assert str(caught.value) == f"'{server.url}' has the wrong content: {rule}"
    assert names(tmp_path) == []


def test_a_wrong_hash_leaves_what_was_there(server, tmp_path):
    (tmp_path / "net.safetensors").write_bytes(b"old")
    server.plan = [{"content": b"other"}]
    with pytest.raises(InputError):
        fetch(server, tmp_path)
    assert (tmp_path / "net.safetensors").read_bytes() == b"old"


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"x"])
def test_a_wrong_size_is_refused_before_the_body(server, tmp_path, content):
    server.plan = [{"content": content}]
    with pytest.raises(InputError) as caught:
        fetch(server, tmp_path, size=len(CONTENT))
    rule = f"it is {len(content):,} bytes, it must be {len(CONTENT):,}"
    assert str(caught.value) == f"'{server.url}' has the wrong size: {rule}"
    assert names(tmp_path) == []


def test_a_body_without_a_length(server, tmp_path):
    server.plan = [{"length": False}]
    assert fetch(server, tmp_path).read_bytes() == CONTENT


def test_a_body_without_a_length_is_cut_off_where_it_must_end(server, tmp_path):
    server.plan = [{"length": False, "content": CONTENT * 20}]
    with pytest.raises(InputError) as caught:
        fetch(server, tmp_path, size=len(CONTENT))
    rule = "it is more than the 307,200 bytes it must be"
    assert str(caught.value) == f"'{server.url}' has the wrong size: {rule}"
    assert names(tmp_path) == []


@pytest.mark.parametrize(("status", "text"), [(404, "Not Found"), (403, "Forbidden"), (401, "Unauthorized")])
def test_a_status_that_will_not_pass(server, tmp_path, status, text):
    server.plan = [{"status": status}]
    with pytest.raises(InputError) as caught:
        fetch(server, tmp_path)
    assert str(caught.value) == f"cannot download '{server.url}': the server answers {status} {text}"
    assert len(server.ranges) == 1


def test_a_status_that_may_pass_is_tried_again(server, tmp_path):
    server.plan = [{"status": 503}, {"status": 429}, {}]
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    server.plan = [{"status": 503}]
    with pytest.raises(InputError, match=r"the server answers 503 Service Unavailable \(tried 5 times"):
        fetch(server, tmp_path / "b")


def test_a_server_that_says_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TRIES", 1)
    wait = threading.Event()
    server.plan = [{"wait": wait}]
    with pytest.raises(InputError, match="the server stopped answering"):
        fetch(server, tmp_path, timeout=0.1)
    wait.set()


def test_nobody_listens(server, tmp_path):
    server.server_close()
    with pytest.raises(InputError) as caught:
        fetch(server, tmp_path)
    line = f"cannot download '{server.url}': the connection was refused (tried 5 times without anything new); "
    assert str(caught.value) == line + "run the command again to go on from 0 bytes"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a", "net.safetensors", ""])
def test_other_addresses(tmp_path, url):
    with pytest.raises(InputError) as caught:
        download(url, tmp_path / "a", DIGEST)
    assert str(caught.value) == f"cannot download '{url}': the address must begin with https:// or http://"


@pytest.mark.parametrize("url", ["http://", "http://[", "http://127.0.0.1:x/a", "http://127.0.0.1/a b\n"])
def test_addresses_that_are_none(tmp_path, url):
    with pytest.raises(InputError, match="cannot download 'http://"):
        download(url, tmp_path / "a", DIGEST, pause=0)


def test_a_disk_with_too_little_room_is_not_filled(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
    with pytest.raises(InputError) as caught:
        fetch(server, tmp_path)
    part = tmp_path / "net.safetensors.part"
    assert str(caught.value) == (
        f"cannot write '{part}': it needs 307,200 bytes more and the disk has 1,000 free; "
        "free some space or set CASECNN_CACHE to another folder"
    )


def run(program: str, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


PROGRAM = """
import sys
from casecnn.weights.download import download
from casecnn.errors import InputError
try: print(download(*sys.argv[1:4], pause=0.01))
except InputError as error: print(error)
"""


def test_a_disk_that_fills_up_on_the_way(server, tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    target = tmp_path / "net.safetensors"
    out, err = run(limit + PROGRAM, server.url, str(target), DIGEST).communicate(timeout=120)
    rule = "the file would be larger than the limit set for this process or file system"
    assert out == f"cannot write '{target}.part': {rule}\n", err
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    folder = tmp_path / "file" / "cache"
    with pytest.raises(InputError) as caught:
        fetch(server, folder)
    rule = "a part of the path before the last is a file, not a folder"
    assert str(caught.value) == f"cannot make the folder '{folder}': {rule}"


def test_two_processes_fetch_it_once(server, tmp_path):
    release = threading.Event()
    server.plan = [{"wait": release}]
    target = tmp_path / "net.safetensors"
    processes = [run(PROGRAM, server.url, str(target), DIGEST) for _ in range(2)]
    waiting: list[str] = []

    def watch(process):
        waiting.append(process.stderr.readline())
        release.set()  # one of the two says that it waits for the other: now the server may answer

    threads = [threading.Thread(target=watch, args=(process,), daemon=True) for process in processes]
    for thread in threads:
        thread.start()
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.read() == f"{target}\n"
        assert process.wait(120) == 0
    for thread in threads:
        thread.join(120)
    assert sorted(waiting) == ["", "casecnn: waiting for another process that downloads 'net.safetensors'\n"]
    assert len(server.ranges) == 1 and target.read_bytes() == CONTENT
    for process in processes:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        process.stderr.close()


def test_a_killed_process_is_continued_by_the_next(server, tmp_path):
    release = threading.Event()
    server.plan = [{"cut": 2 * module.BLOCK, "hold": release}, {}]
    target, part = tmp_path / "net.safetensors", tmp_path / "net.safetensors.part"
    process = run(PROGRAM, server.url, str(target), DIGEST)
    deadline = time.monotonic() + 120
    while not (part.exists() and part.stat().st_size >= module.BLOCK) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    release.set()
    have = part.stat().st_size
    assert names(tmp_path) == ["net.safetensors.part"] and have in (module.BLOCK, 2 * module.BLOCK)
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={have}-"]


def test_the_bar_is_drawn_on_stderr_when_asked_for(server, tmp_path, capsys):
    fetch(server, tmp_path, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "net.safetensors:   0%" in err and "/307k" in err
    fetch(server, tmp_path / "b")
    assert capsys.readouterr() == ("", "")


def test_weights_by_name_are_downloaded_into_the_cache(server, tmp_path, monkeypatch):
    monkeypatch.setenv("CASECNN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "weights").mkdir()
    record = records.WeightsRecord(
        name="lenet.mnist-v1",
        net="lenet",
        arguments={},
        sha256=DIGEST,
        size=len(CONTENT),
        parameters=1,
        macs=1,
        preprocessing="",
        labels="",
        figures={},
        data="",
        command="",
        commit="",
        licence="MIT",
        url=server.url,
    )
    records.write(tmp_path / "weights", record)
    assert "file" not in json.loads((tmp_path / "weights" / "lenet.mnist-v1.json").read_text())
    for _ in range(2):
        found = weights.resolve("lenet.mnist-v1", tmp_path / "weights")
        assert found == (tmp_path / "cache" / "lenet.mnist-v1.safetensors", record)
    assert found.path.read_bytes() == CONTENT and server.ranges == [None]
