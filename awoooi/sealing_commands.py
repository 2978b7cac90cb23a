"""`awoooi sealing rotate|list|destroy`."""

from __future__ import annotations

from agents.key_rotation import KeyFile, destroy, key_files, rotate
from awoooi.printing import print_json, print_table
from awoooi.settings import Settings


def new(settings: Settings) -> None:
    file = rotate(settings.sealing.private_key_file, settings.sealing.public_key_file)
    print(f"Sealing key {file.key_id} is in force; the one before it still opens what was sealed to it.")
    print("Restart the ingest and rca workers: until then they seal with the old one.")


def show(settings: Settings, *, as_json: bool) -> None:
    files = key_files(settings.sealing.private_key_file)
    if as_json:
        print_json([{**_plain(file), "file": str(file.path)} for file in files])
    else:
        print_table(("key", "made", "state"), [tuple(_plain(file).values()) for file in files])


def drop(settings: Settings, named: str) -> None:
    file = destroy(settings.sealing.private_key_file, named)
    print(f"Sealing key {file.key_id} is destroyed: what was sealed to it stays covered for good.")


def _plain(file: KeyFile) -> dict[str, str]:
    made = f"{file.made_at:%Y-%m-%d %H:%M}"
    return {"key": file.key_id, "made": made, "state": "in force" if file.in_force else "opens only"}
