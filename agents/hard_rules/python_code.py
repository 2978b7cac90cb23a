"""A program in Python on a command line: what it calls, and the shell text that it starts."""

from __future__ import annotations

import ast

from agents.hard_rules.calls import Call
from agents.hard_rules.hits import FETCHED, OUTPUT, Rule, is_known, listed
from agents.hard_rules.paths import is_disk, is_scratch, is_secret
from agents.hard_rules.pure import decoded
from agents.hard_rules.streams import SOMETHING

MOST = 20_000
PYTHON_RUNS = listed("system popen run call check_call check_output Popen getoutput getstatusoutput spawn "
"execl execle execlp execlpe execv execve execvp execvpe spawnl spawnv spawnlp "
"spawnvp create_subprocess_shell create_subprocess_exec posix_spawn startfile")  # fmt: skip
PYTHON_REMOVES = listed("rmtree unlink remove rmdir removedirs truncate")
PYTHON_HIDES = listed(
    "eval exec compile __import__ getattr import_module loads run_path run_module globals vars"
)


def judge_python(call: Call, text: str) -> None:
    if not is_known(text):
        call.hit(Rule.FETCH_AND_RUN if FETCHED in text else Rule.OPAQUE)
        return
    try:
        tree = ast.parse(text[: MOST + 1])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        call.hit(Rule.UNPARSABLE)
        return
    if len(text) > MOST:
        call.hit(Rule.UNPARSABLE, "a program that is too long")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            _python_call(call, node)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and is_secret(node.value)
            and len(node.value) < 200
        ):
            call.hit(Rule.SECRETS)
    if any(
        isinstance(node, ast.Import | ast.ImportFrom) and "pty" in ast.dump(node) for node in ast.walk(tree)
    ):
        call.hit(Rule.REMOTE_SHELL)


def _called(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _python_call(call: Call, node: ast.Call) -> None:
    name = _called(node.func)
    owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    if name in PYTHON_HIDES and owner in (
        "",
        "importlib",
        "builtins",
        "__builtins__",
        "pickle",
        "marshal",
        "runpy",
    ):
        for text in _constants(node):
            if (hidden := decoded(text, "base64")) and len(text) > 7:
                judge_python(call, hidden) if "import" in hidden else call.script(hidden)
        call.hit(Rule.OPAQUE)
    elif name in PYTHON_RUNS and not (owner and owner.split(".")[0] in ("asyncio",) and name == "run"):
        _python_runs(call, node)
    elif (
        name in PYTHON_REMOVES
        and not _removes_scratch(node)
        and not (name in ("remove",) and owner not in ("os", "shutil"))
    ):
        call.hit(Rule.REMOVAL)
    elif name == "dup2":
        call.hit(Rule.REMOTE_SHELL)
    elif name == "open" and _opens_for_writing(node):
        call.hit(Rule.SYSTEM_FILES)
    elif (
        name == "kill"
        and owner == "os"
        and any(isinstance(a, ast.Constant) and a.value in (1, 0) for a in node.args[:1])
    ):
        call.hit(Rule.OUTAGE)


def _constants(node: ast.AST) -> list[str]:
    values = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
    return [v.decode("latin-1") if isinstance(v, bytes) else v for v in values if isinstance(v, str | bytes)]


def _removes_scratch(node: ast.Call) -> bool:
    return bool(node.args) and isinstance(node.args[0], ast.Constant) and is_scratch(str(node.args[0].value))


def _opens_for_writing(node: ast.Call) -> bool:
    texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
    mode = texts[1] if len(texts) > 1 else "r"
    path = str(texts[0]) if texts else ""
    return any(letter in str(mode) for letter in "wax+") and (
        is_disk(path) or is_secret(path) or path.startswith(("/etc/", "/boot/", "/usr/", "/bin/"))
    )


def _python_runs(call: Call, node: ast.Call) -> None:
    first = node.args[0] if node.args else None
    text = _folded(first)
    argv = [_folded(e) for a in node.args[1:] if isinstance(a, ast.List | ast.Tuple) for e in a.elts]
    argv = argv or [_folded(a) for a in node.args[1:]]
    if text is not None and argv and all(isinstance(word, str) for word in argv):
        call.run(
            [word for word in argv if word]
            if argv[0] in (text, text.rpartition("/")[2])
            else [text, *(w for w in argv if w)]
        )
    if text is not None:
        call.script(text)
    elif isinstance(first, ast.List | ast.Tuple) and all(_folded(e) is not None for e in first.elts):
        call.run([_folded(element) or "" for element in first.elts], stdin=SOMETHING)
    elif first is not None:
        call.hit(Rule.OPAQUE)


def _folded(node: ast.expr | None) -> str | None:
    """A constant text, also one put together from constants."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _folded(node.left), _folded(node.right)
        return None if left is None or right is None else left + right
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else OUTPUT for v in node.values)
    return None
