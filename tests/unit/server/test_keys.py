"""Keys are stored hashed and never shown."""

import hashlib
import os
from pathlib import Path

import pytest

from emolens.core.errors import ConfigError, OutputError
from emolens.server.keys import KEY_VARIABLE, Keys, add_key, read_keys


def test_an_added_key_is_known_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    laptop, phone = add_key(path, "laptop"), add_key(path, "phone")
    keys = read_keys(path, {})
    assert keys.owner(laptop) == "laptop"
    assert keys.owner(phone) == "phone"
    assert keys.owner(laptop + "x") is None
    assert keys.owner("") is None
    assert keys.owner("\udcff") is None


def test_the_file_holds_digests_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    key = add_key(path, "laptop")
    assert key not in path.read_text()
    assert hashlib.sha256(key.encode()).hexdigest() in path.read_text()
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0


def test_keys_are_long_and_differ(tmp_path: Path) -> None:
    made = {add_key(tmp_path / "keys.txt", f"client-{number}") for number in range(20)}
    assert len(made) == 20
    assert min(map(len, made)) >= 40


@pytest.mark.parametrize("name", ["", "two words", "a/b", "ä", "x" * 65, "a\nb"])
def test_names_are_plain(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="allowed: 1 to 64 letters"):
        add_key(tmp_path / "keys.txt", name)


def test_a_name_is_given_once(tmp_path: Path) -> None:
    add_key(tmp_path / "keys.txt", "laptop")
    with pytest.raises(ConfigError, match="already has a key named 'laptop'"):
        add_key(tmp_path / "keys.txt", "laptop")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="missing"):
        add_key(tmp_path / "missing" / "keys.txt", "laptop")


def test_a_wrong_line_is_named_by_its_number_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    path.write_text("# comment\n\nlaptop my-secret\n")
    with pytest.raises(ConfigError, match="line 3: not a key") as error:
        read_keys(path, {})
    assert "my-secret" not in str(error.value)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the keys"):
        read_keys(tmp_path / "missing.txt", {})
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not a text file"):
        read_keys(tmp_path / "binary", {})


def test_a_file_without_keys_does_not_open_the_server(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    path.write_text("# none yet\n")
    with pytest.raises(ConfigError, match=r"keys\.txt has no key\. Create one"):
        read_keys(path, {})


def test_a_key_is_added_after_a_last_line_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "keys.txt"
    first = add_key(path, "first")
    path.write_text(path.read_text().rstrip("\n"))
    second = add_key(path, "second")
    keys = read_keys(path, {})
    assert [keys.owner(first), keys.owner(second)] == ["first", "second"]


@pytest.mark.parametrize("key", ["k" * 24 + "\n", " " + "k" * 24, "k" * 24 + "é"])
def test_a_key_that_no_header_carries_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="characters that no header carries") as error:
        read_keys(None, {KEY_VARIABLE: key})
    assert "kk" not in str(error.value)


def test_the_environment_may_hold_a_key() -> None:
    key = "k" * 24
    assert read_keys(None, {KEY_VARIABLE: key}).owner(key) == KEY_VARIABLE
    assert not read_keys(None, {})
    with pytest.raises(ConfigError, match="23 characters; allowed: 24 or more"):
        read_keys(None, {KEY_VARIABLE: "k" * 23})


def test_keys_do_not_change_with_what_they_were_made_of() -> None:
    digests = {"a": "0" * 64}
    keys = Keys(digests)
    digests.clear()
    assert keys
