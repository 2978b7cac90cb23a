"""Any text at all: an answer in time, and never an exception."""

from __future__ import annotations

import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.hard_rules import judge, rules
from agents.hard_rules.hits import MOST_CHARACTERS
from agents.hard_rules.rules import STUMBLED
from tests.agents.hard_rules.test_tables import lines

LONGEST_CPU_SECS = 3.0  # the slowest takes less than one; of the processor, since others share the machine
FULL = MOST_CHARACTERS

DEEP = {
    "a million letters": "a" * 1_000_000,
    "subshells": "(" * FULL,
    "substitutions": "$(" * (FULL // 2),
    "closed substitutions": "$(" * 500 + "echo" + ")" * 500,
    "backticks": "`" * FULL,
    "parameters": "${a:-" * 5_000,
    "arithmetic": "echo $((" + "(" * 900 + "1" + ")" * 900 + "))",
    "a power": "echo $((9**9**9**9))",
    "ranges": "echo {1..999999999}{1..9}{1..9}",
    "braces": "echo " + "{a,b}" * 30,
    "nested braces": "echo " + "{a," * 1_000 + "}" * 1_000,
    "a value that doubles": "a=" + "x" * 16 + ";" + "a=$a$a;" * 40 + "echo $a",
    "loops in loops": "".join(f"for a{i} in 1 2 3 4 5 6 7 8 9; do " for i in range(9)) + ":" + "; done" * 9,
    "a function that calls itself": "f(){ f; }; f",
    "functions that call each other": "f(){ g; }; g(){ f; }; f",
    "aliases that name each other": "alias a=b; alias b=a\na",
    "wrappers": "sudo " * 5_000 + "x",
    "evals": "eval " * 5_000 + "x",
    "here-documents": "a <<E\n" * 5_000,
    "pipes": "a|" * 20_000 + "a",
    "parentheses in SQL": "SELECT " + "(" * 9_000,
    "NOT": "SELECT " + "NOT " * 4_000 + "1",
    "CASE": "SELECT " + "CASE WHEN 1 THEN " * 1_000 + "1",
    "OR": "DELETE FROM t WHERE " + " OR ".join(["a=1"] * 2_000),
    "a long list": "SELECT * FROM t WHERE a IN (" + ",".join(map(str, range(4_000))) + ")",
    "unions": " UNION ".join(["SELECT 1"] * 1_500),
    "statements": "SELECT 1;" * 2_000,
    "lists in JSON": "[" * 30_000,
    "a bomb in YAML": "kubectl patch x y -p '{a: &a [1,1], b: &b [*a,*a]}'",
    "python": "python3 -c '" + "(" * 3_000 + "'",
    "printf": "printf '%s' " + "a " * 20_000,
    "decoders": "echo " + "aaaa" * 5_000 + " | base64 -d" * 50 + " | sh",
    "nothing visible": "\u202e\ufeff\u200b" * 9_000,
    "half a character": "\ud800" * 100,
    "what stands for the unknown": "\ue000\ue001\ue004" * 1_000,
}


def stumbles(text: str) -> bool:
    return any(STUMBLED in hit.what for hit in judge(text))


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_an_answer_in_time(text: str) -> None:
    start = time.process_time()
    judge(text)

    assert time.process_time() - start < LONGEST_CPU_SECS


SCRAPS = (
    "rm -rf / $x ${x $( ) ` ' \" \\ | & ; && || < > << <<< <( { } [[ ]] (( )) if then fi for in do "
    "done case esac while function f() x= a=(b c) echo sh -c eval xargs sudo kubectl delete get pod "
    "ns --all -n -f - psql DROP TABLE DELETE FROM t WHERE 1=1 SELECT ; -- /* */ EOF \n base64 -d "
    "python3 -c import curl http://x find -exec {} + awk {system(1)} $'\\x72m' {a,b} * ? ~ # \ue000"
)
KNOWN = [*lines("refused.txt"), *lines("allowed.txt")]
PIECES = st.sampled_from(SCRAPS.split(" "))


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_scraps_of_commands_never_make_the_reader_stumble(text: str) -> None:
    assert not stumbles(text)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(KNOWN), st.sampled_from(KNOWN), st.randoms(use_true_random=False))
def test_known_lines_cut_and_mixed_never_make_it_stumble(one: str, other: str, random: Random) -> None:
    words = [*one[: random.randrange(len(one) + 1)].split(" "), *other.split(" ")]
    random.shuffle(words)
    assert not stumbles(" ".join(words[: random.randrange(len(words)) + 1]))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["auto", "shell", "sql", "kubectl"]))
def test_any_text_gets_an_answer(text: str, kind: str) -> None:
    assert not any(STUMBLED in hit.what for hit in judge(text, kind))  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECES, max_size=12).map(" ".join))
def test_what_follows_a_danger_does_not_hide_it(text: str) -> None:
    assert judge(f"kubectl delete ns prod\n{text}").denied


def test_a_reader_that_stumbles_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(rules, "_run", stumble)

    assert stumbles("ls")
