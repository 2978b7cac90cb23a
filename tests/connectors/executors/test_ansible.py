"""A playbook by the real Ansible on this machine, and what is refused before it is asked."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from connectors.executors import ansible
from connectors.executors.ansible import NOT_INSTALLED, AnsibleExecutor
from connectors.executors.contract import Effect, End
from connectors.executors.named import NamedFile, parse_named
from schemas.errors import Misconfigured
from schemas.operations import Operation
from tests.connectors.executors.worlds import always, named_order

RUN = Operation.RUN_PLAYBOOK
LAMP = """
- hosts: all
  gather_facts: false
  tasks:
    - name: The lamp has its brightness
      ansible.builtin.copy:
        content: "{{ brightness + 1 }} of {{ owner }} by {{ awoooi_action_id }}"
        dest: "{{ playbook_dir }}/../lamp"
        mode: "0644"
    - name: There is such a socket
      ansible.builtin.command: /bin/false
      when: brightness > 8
"""
FILE = """
allow_root: true
playbooks:
  light:
    description: Turns the lamp up
    playbook: {folder}/plays/light.yml
    arguments:
      owner: {{pattern: ".*"}}
      brightness: {{least: 0, most: 9}}
    limit: "{{host}}"
"""
HOST = '      host: {pattern: "[a-z*:!]+", default: localhost}\n'


@pytest.fixture
def file(tmp_path: Path) -> NamedFile:
    (tmp_path / "plays").mkdir()
    (tmp_path / "plays" / "light.yml").write_text(LAMP)
    text = FILE.format(folder=tmp_path).replace("    limit", HOST + "    limit")
    return parse_named(text.encode(), "actions.yaml")


@pytest.mark.skipif(importlib.util.find_spec("ansible_runner") is None, reason="needs awoooi[ansible]")
async def test_a_playbook_is_tried_run_and_told_by_task(file: NamedFile, tmp_path: Path) -> None:
    """Two plays, since each takes a second or two: that a whole one is done its stand-in shows."""
    executor = AnsibleExecutor(file)
    order = named_order(RUN, "light", "a-1", owner="bob", brightness="7")

    checked = await executor.check(order)
    assert checked.observed is not None
    assert not (tmp_path / "lamp").exists()
    other = named_order(RUN, "light", "a-2", owner="bob", brightness="9")
    failed = await executor.execute(other, checked.observed.hash, always)

    task = "The lamp has its brightness (1 changed)"
    assert (checked.checks[-1].name, checked.checks[-1].passed) == ("dry_run", True)
    assert task in checked.checks[-1].message
    assert failed.end is End.PARTLY
    told = "light: 2 changed, 1 failed; The lamp has its brightness (1 changed); There is such a socket"
    assert failed.message.startswith(told), failed.message
    assert "non-zero return code" in failed.message
    assert (tmp_path / "lamp").read_text() == "10 of bob by a-2"
    assert (await executor.verify(order)).effect is Effect.UNKNOWABLE


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"owner": "{{ lookup('pipe', 'id') }}"}, id="what Ansible would compute"),
        pytest.param({"owner": "{% for x in y %}"}, id="a statement"),
        pytest.param({"host": "all:!localhost"}, id="a pattern of hosts"),
        pytest.param({"host": "*"}, id="all hosts"),
        pytest.param({"brightness": "10"}, id="too bright"),
    ],
)
def test_what_ansible_would_take_for_more_than_a_value_is_refused(
    file: NamedFile, given: dict[str, str]
) -> None:
    executor = AnsibleExecutor(file)
    sound = {"owner": "bob", "brightness": "7"}

    assert executor.validate(named_order(RUN, "light", **sound)) == ""
    assert executor.validate(named_order(RUN, "light", **{**sound, **given}))


async def test_a_role_that_was_changed_is_another_action(file: NamedFile, tmp_path: Path) -> None:
    executor = AnsibleExecutor(file)
    order = named_order(RUN, "light", owner="bob", brightness="7")
    before = executor._state(executor._asked(order))
    (tmp_path / "plays" / "roles").mkdir()
    (tmp_path / "plays" / "roles" / "main.yml").write_text("[]")

    assert executor._state(executor._asked(order)) != before


def test_without_ansible_the_start_says_so(file: NamedFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ansible.shutil, "which", lambda *_, **__: None)

    with pytest.raises(Misconfigured, match=NOT_INSTALLED.partition(":")[0]):
        AnsibleExecutor(file)
    assert AnsibleExecutor(NamedFile()).operations == frozenset()


def test_a_playbook_that_is_not_there_stops_the_start(file: NamedFile, tmp_path: Path) -> None:
    (tmp_path / "plays" / "light.yml").unlink()

    with pytest.raises(Misconfigured, match=r"light.yml cannot be read: No such file"):
        AnsibleExecutor(file)
