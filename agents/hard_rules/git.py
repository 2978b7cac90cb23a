"""git: what throws away commits or work that nobody committed."""

from __future__ import annotations

import re

from agents.hard_rules.calls import Call
from agents.hard_rules.given import read
from agents.hard_rules.hits import Rule, is_known
from agents.hard_rules.streams import SOMETHING, Stream

GIT = {
    "reset": r"--(hard|merge)\b",
    "clean": r"(^| )(-[a-zA-Z]*f|--force)",
    "push": r"^(?!.*(--dry-run|-n\b))(.* )?(-[a-zA-Z]*f\b|--force\b|--delete|-d\b|--mirror|--prune|\+\S|:\S)"
    r"|^master$",
    "branch": r"(^| )(-[a-zA-Z]*D|-[a-zA-Z]*f\b|--force|--delete --force|-d -f)",
    "stash": r"^(drop|clear)",
    "restore": r"^(?!.*(--staged|-S\b)(?!.*(--worktree|-W\b))).+",
    "worktree": r"^remove .*(-f|--force)|^remove -f",
    "filter-branch": r"",
    "filter-repo": r"",
    "reflog": r"^(expire|delete)",
    "update-ref": r"(^| )-d\b",
    "gc": r"--prune=(now|all)|--aggressive --prune",
    "switch": r"(^| )(-f|--force|--discard-changes)\b",
    "tag": r"(^| )(-d|--delete)\b",
    "rm": r"^(?!.*(^| )(--cached|--dry-run|-[a-zA-Z]*n)\b)(.* )?-[a-zA-Z]*r",
    "rebase": r"--root",
}


def git(call: Call) -> Stream | None:
    given = read(
        call.args,
        ("C", "c", "git-dir", "work-tree", "namespace", "config-env", "exec-path", "super-prefix"),
        stops=True,
    )
    for setting in given.all("c"):
        name, _, value = setting.partition("=")
        if value.startswith("!") or re.search(
            r"pager|editor|sshcommand|fsmonitor|hookspath|askpass|textconv|difftool|mergetool", name.lower()
        ):
            call.script(value.lstrip("!"))
    rest = given.rest
    if not rest:
        return SOMETHING
    verb, args = rest[0].lower(), rest[1:]
    if not is_known(verb):
        call.hit(Rule.OPAQUE)
    elif (
        verb in GIT
        and re.search(GIT[verb], " ".join(args))
        and not (verb == "clean" and re.search(r"(^| )(-[a-zA-Z]*n|--dry-run)", " ".join(args)))
    ):
        if not (verb == "push" and any(arg.startswith("--force-with-lease") for arg in args)):
            call.hit(Rule.DATA_LOSS)
    elif verb == "checkout" and _discards(args):
        call.hit(Rule.DATA_LOSS)
    return SOMETHING


def _discards(args: list[str]) -> bool:
    """`checkout -- FILE`, `checkout REF FILE`, `-f`: what is not committed is lost."""
    text = " ".join(args)
    if (
        re.search(r"(^| )(-[a-zA-Z]*f\b|--force\b)", text)
        or re.search(r"(^| )-- \S|(^| )--$", text)
        or "--pathspec-from-file" in text
    ):
        return True
    if re.search(r"(^| )(--orphan|-[a-zA-Z]*[bB])", text):
        return False
    words = read(args, ("conflict", "unified", "U", "inter-hunk-context")).words
    if re.search(r"--(recurse-submodules|track) (checkout|on-demand|no|direct|inherit) ", text):
        words = words[1:]
    return len(words) > 1 or words == ["."]
