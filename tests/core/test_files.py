"""Files are written whole or not at all, and what goes wrong is one line."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from casecnn.errors import InputError, UsageError
from casecnn.files import atomic_write, check_writable, read_error, sha256


def test_writes_the_whole_file_and_leaves_nothing_beside_it(tmp_path):
    with atomic_write(tmp_path / "a.bin") as stream:
        stream.write(b"new")
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_text_is_utf8_with_line_feeds(tmp_path):
    with atomic_write(tmp_path / "a.txt", "w") as stream:
        stream.write("größer\n囲碁\n")
    assert (tmp_path / "a.txt").read_bytes() == "größer\n囲碁\n".encode()


def test_the_old_content_stands_until_the_block_ends(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with atomic_write(target) as stream:
        stream.write(b"new")
        stream.flush()
        assert target.read_bytes() == b"old"
        temporary = Path(stream.name)
        assert temporary.parent == tmp_path and temporary.suffix == ".bin" and temporary.name.startswith(".a.")
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(3)])
def test_a_block_that_fails_leaves_the_old_content_and_no_temporary_file(tmp_path, error):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(type(error)), atomic_write(target) as stream:
        stream.write(b"half")
        raise error
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_killed_process_leaves_the_old_content(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    program = (
        "import os, signal, sys\n"
        "from casecnn.files import atomic_write\n"
        "with atomic_write(sys.argv[1]) as stream:\n"
        "    stream.write(b'half'); stream.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(target)])
    assert done.returncode == -9
    assert target.read_bytes() == b"old"


def test_missing_folder(tmp_path):
    target = tmp_path / "none" / "a.bin"
    with pytest.raises(InputError) as caught, atomic_write(target):
        pass
    folder = tmp_path / "none"
    assert str(caught.value) == f"cannot write '{target}': the folder '{folder}' does not exist; create it first"


def test_a_folder_in_the_place_of_the_file(tmp_path):
    with pytest.raises(InputError) as caught, atomic_write(tmp_path):
        pass
    assert str(caught.value) == f"cannot write '{tmp_path}': it is a folder, not a file"


def test_a_name_that_is_too_long(tmp_path):
    target = tmp_path / ("x" * 300)
    with pytest.raises(InputError, match="the name is too long; choose a shorter one"), atomic_write(target) as stream:
        stream.write(b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_the_greatest_length_is_written(tmp_path):
    target = tmp_path / ("é" * 127)  # 254 bytes of the 255 that most file systems allow
    with atomic_write(target) as stream:
        stream.write(b"x")
    assert target.read_bytes() == b"x"


def test_no_permission(tmp_path):
    program = (
        "import os, sys\n"
        "from casecnn.errors import InputError\n"
        "from casecnn.files import atomic_write\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "try:\n"
        "    with atomic_write(sys.argv[1]): pass\n"
        "except InputError as error: print(error)\n"
    )
    folder = tmp_path / "locked"
    folder.mkdir()
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    folder.chmod(0o555)
    target = folder / "a.bin"
    done = subprocess.run([sys.executable, "-c", program, str(target)], capture_output=True, text=True)
    assert done.stdout == f"cannot write '{target}': permission denied\n", done.stderr


def test_a_full_disk_leaves_the_old_content(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    program = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "from casecnn.files import atomic_write\n"
        "from casecnn.errors import InputError\n"
        "try:\n"
        "    with atomic_write(sys.argv[1]) as stream: stream.write(bytes(100_000))\n"
        "except InputError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(target)], capture_output=True, text=True)
    rule = "the file would be larger than the limit set for this process or file system"
    assert done.stdout == f"cannot write '{target}': {rule}\n", done.stderr
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_device():
    with pytest.raises(InputError) as caught, atomic_write("/dev/full") as stream:
        stream.write(b"x")
    rule = "the disk is full; free some space or choose another folder"
    assert str(caught.value) == f"cannot write '/dev/full': {rule}"


def test_a_device_is_written_and_not_replaced():
    with atomic_write(os.devnull) as stream:
        stream.write(b"x")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_what_is_read_is_not_written_over(tmp_path):
    (tmp_path / "data").write_bytes(b"data")
    (tmp_path / "soft").symlink_to("data")
    os.link(tmp_path / "data", tmp_path / "hard")
    (tmp_path / "other").write_bytes(b"data")
    for name in ("data", "soft", "hard"):
        with pytest.raises(UsageError) as caught:
            check_writable(tmp_path / name, ["-", tmp_path / "data", "none"])
        assert str(caught.value) == f"'{tmp_path / name}' is read here and never overwritten; give another name"
    check_writable(tmp_path / "other", [tmp_path / "data"])
    assert (tmp_path / "data").read_bytes() == b"data"


def test_what_cannot_be_written_is_known_before(tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    for good in (tmp_path / "old", tmp_path / "new", os.devnull):
        check_writable(good)
    os.mkfifo(tmp_path / "pipe")
    check_writable(tmp_path / "pipe")  # does not wait for a reader
    for bad in (tmp_path, tmp_path / "none" / "a", tmp_path / "old" / "a", tmp_path / ("x" * 300)):
        with pytest.raises(InputError) as trial:
            check_writable(bad)
        with pytest.raises(InputError) as writing, atomic_write(bad):
            pass
        assert str(trial.value) == str(writing.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["old", "pipe"]
    assert (tmp_path / "old").read_bytes() == b"old"


def test_an_error_of_another_file_inside_the_block_is_not_blamed_on_the_target(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a.bin"):
        open(tmp_path / "other")
    assert list(tmp_path.iterdir()) == []


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path):
    target = tmp_path / "real.bin"
    target.write_bytes(b"old")
    (tmp_path / "link.bin").symlink_to(target)
    with atomic_write(tmp_path / "link.bin") as stream:
        stream.write(b"new")
    assert (tmp_path / "link.bin").is_symlink() and target.read_bytes() == b"new"


def test_permissions_are_the_usual_ones_and_are_kept(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    with atomic_write(tmp_path / "a.bin"):
        pass
    assert os.stat(tmp_path / "a.bin").st_mode == os.stat(tmp_path / "plain").st_mode
    os.chmod(tmp_path / "a.bin", 0o600)
    with atomic_write(tmp_path / "a.bin"):
        pass
    assert stat.S_IMODE(os.stat(tmp_path / "a.bin").st_mode) == 0o600


def test_another_mode_is_a_fault_of_the_program(tmp_path):
    with pytest.raises(ValueError, match="mode must be 'wb' or 'w', not 'a'"), atomic_write(tmp_path / "a", "a"):
        pass


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(InputError, match="cannot read '.*none': there is no such file"):
        sha256(tmp_path / "none")


def test_an_unknown_reason_is_the_systems_own():
    error = read_error("a", OSError(errno.EXDEV, os.strerror(errno.EXDEV)))
    assert str(error) == f"cannot read 'a': {os.strerror(errno.EXDEV)}"
