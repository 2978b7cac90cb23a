"""The file of what may be run by name: what is wrong stops the start, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.executors.named import parse_named, read_named
from schemas.errors import Misconfigured
from schemas.operations import Risk

SOUND = """\
hosts: [cdn.example.com]
commands:
  clear-cache:
    description: Empties the page cache of one shop
    program: /usr/local/bin/clear-cache
    run: ["--shop", "{shop}"]
    arguments: {shop: {pattern: "[a-z]{2,20}"}}
    risk: MEDIUM
    reason: it fills itself again
calls:
  purge:
    description: Purges one zone
    url: https://cdn.example.com/zones/{zone}?deep={deep}
    arguments: {zone: {pattern: "[a-z]+"}, deep: {one_of: ["0", "1"], default: "0"}}
    body: {zone: "{zone}", list: ["{deep}"]}
playbooks:
  restart-vm:
    description: Restarts one machine
    playbook: /etc/awoooi/playbooks/restart.yml
    limit: "{host}"
    arguments: {host: {pattern: "[a-z0-9-]+"}}
"""


def test_a_sound_file() -> None:
    file = parse_named(SOUND.encode(), "actions.yaml")

    assert file.texts() == {
        "clear-cache": "/usr/local/bin/clear-cache --shop {shop}",
        "purge": "POST https://cdn.example.com/zones/{zone}?deep={deep}",
        "restart-vm": "ansible-playbook /etc/awoooi/playbooks/restart.yml",
    }
    assert file.risks() == {"clear-cache": Risk.MEDIUM, "purge": Risk.HIGH, "restart-vm": Risk.HIGH}


WRONG = {
    "a reason is missing": ("    reason: it fills itself again\n", "", 3, "a reason must say why"),
    "an unknown field": ("risk: MEDIUM", "risky: MEDIUM", 8, "no such field (did you mean risk?)"),
    "an unknown risk": ("risk: MEDIUM", "risk: TINY", 8, "LOW"),
    "no absolute path": ("/usr/local/bin/clear-cache", "clear-cache", 5, "program"),
    "a shell": ("/usr/local/bin/clear-cache", "/bin/bash", 5, "is a shell"),
    "another argument": ('"{shop}"]', '"{store}"]', 6, "{store} is no argument"),
    "a brace": ('"{shop}"]', '"{shop"]', 6, "a single {"),
    "no regular expression": ('"[a-z]{2,20}"', '"[a-z"', 7, "is no regular expression"),
    "a name that stands twice": ("  purge:", "  clear-cache:", 11, "stands once in the whole file"),
    "another host": ("[cdn.example.com]", "[example.com]", 13, "not among `hosts`; allowed: example.com"),
    "a host of arguments": ("https://cdn.", "https://{zone}.", 13, "scheme and host are fixed"),
    "a user in the address": ("https://cdn", "https://a:b@cdn", 13, "no user"),
    "no TLS": ("https://cdn", "http://cdn", 13, "plain_http: true"),
    "another scheme": ("https://cdn", "file://cdn", 13, "must begin with https://"),
    "no address": ("https://cdn.example.com", "https://[x", 13, "is no address"),
    "another argument in a body": ('["{deep}"]', '["{depth}"]', 15, "{depth} is no argument"),
    "an undo that is none": ("risk: MEDIUM", "undo: fill-cache", 8, "there is no fill-cache among commands"),
    "a playbook's path": ("/etc/awoooi/playbooks", "playbooks", 18, "must be an absolute path"),
    "another argument in limit": ('limit: "{host}"', 'limit: "{vm}"', 20, "{vm} is no argument"),
    "a description is missing": ("    description: Purges one zone\n", "", 12, "it is missing"),
    "twice the same": ("    risk: MEDIUM\n", "    risk: MEDIUM\n    risk: LOW\n", 9, "risk stands twice"),
    "our own variable": ("risk: MEDIUM", "environment: {AWOOOI_ACTION_ID: x}", 4, "is given already"),
}


@pytest.mark.parametrize(("old", "new", "line", "says"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, line: int, says: str) -> None:
    assert SOUND.count(old) >= 1
    with pytest.raises(Misconfigured) as told:
        parse_named(SOUND.replace(old, new, 1).encode(), "actions.yaml")

    assert says in str(told.value)
    assert str(told.value).startswith("actions.yaml:")
    found = int(str(told.value).split(":")[1])
    assert abs(found - line) <= 1, told.value


def test_an_undo_needs_no_argument_that_the_thing_has_not() -> None:
    more = SOUND.replace("    risk: MEDIUM\n", "    undo: fill\n").replace(
        "calls:",
        "  fill:\n    description: Fills it again\n    program: /bin/fill\n"
        '    arguments: {size: {least: 1, most: 9}}\n    run: ["{size}"]\ncalls:',
    )
    with pytest.raises(Misconfigured, match="fill needs size, which this has not"):
        parse_named(more.encode(), "actions.yaml")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"the file of named actions .* cannot be read"):
        read_named(tmp_path / "none.yaml")
