"""What people write is covered like an alert's text, and only what is shown is sealed."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.remark import MOST, remark
from agents.sealing import Opener, Sealer

PRIVATE = X25519PrivateKey.generate()
SEALER, OPENER = Sealer(PRIVATE.public_key()), Opener([PRIVATE])
OF = {"project_id": "shop", "event_id": "e1"}


def test_personal_values_become_labels_and_are_sealed_with_the_event() -> None:
    told = remark("ask bob@example.org about 10.1.2.3", SEALER, **OF)

    assert told.text == "ask [EMAIL_1] about [IP_1]"
    assert told.sealed is not None
    assert OPENER.open(told.sealed, **OF) == {"[EMAIL_1]": "bob@example.org", "[IP_1]": "10.1.2.3"}


def test_a_plain_text_stays_as_it_is_with_nothing_sealed() -> None:
    assert remark("we are rolling back by hand", SEALER, **OF).sealed is None
    assert remark("we are rolling back by hand", SEALER, **OF).text == "we are rolling back by hand"


def test_without_a_sealer_the_values_are_gone() -> None:
    told = remark("ask bob@example.org", None, **OF)
    assert (told.text, told.sealed) == ("ask [EMAIL_1]", None)


def test_what_is_cut_away_leaves_no_value_behind() -> None:
    told = remark("10.1.2.3 " + "and so on " * (MOST // 8) + " bob@example.org", SEALER, **OF)
    assert len(told.text) <= MOST
    assert told.sealed is not None
    assert OPENER.open(told.sealed, **OF) == {"[IP_1]": "10.1.2.3"}


def test_a_forged_label_is_none() -> None:
    told = remark("ask [EMAIL_7]", SEALER, **OF)
    assert (told.text, told.sealed) == ("ask (EMAIL_7)", None)
