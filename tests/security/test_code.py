"""What the program's code never does, whoever writes the next line of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FILES = [*sorted((PROJECT / "src").rglob("*.py")), PROJECT / "start.py"]
UNPICKLERS = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
NAMES = {"eval", "exec", "compile", "__import__"}
CALLS = {
    "os.system": "a shell string",
    "os.popen": "a shell string",
    "subprocess.getoutput": "a shell string",
    "subprocess.getstatusoutput": "a shell string",
    "tempfile.mktemp": "a name that another process may take first",
    "mktemp": "a name that another process may take first",
    "yaml.load": "yaml that makes objects; use yaml.safe_load",
    "yaml.full_load": "yaml that makes objects; use yaml.safe_load",
    "yaml.unsafe_load": "yaml that makes objects; use yaml.safe_load",
    "pd.read_pickle": "a pickle",
    "pandas.read_pickle": "a pickle",
    "torch.hub.load": "code from elsewhere",
    "torch.jit.load": "code from elsewhere",
}
UNPACKERS = {"extractall", "extract", "unpack_archive"}  # members are streamed, never unpacked


def called(node: ast.Call) -> str:
    return ast.unparse(node.func)


def option(node: ast.Call, name: str) -> object:
    """The value of a keyword; None where it is not given, and "?" where it is no constant."""
    for keyword in node.keywords:
        if keyword.arg == name:
            return keyword.value.value if isinstance(keyword.value, ast.Constant) else "?"
    return None


def faults(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and reason of everything that is not to be there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in UNPICKLERS:
                    yield node.lineno, f"imports {alias.name}"
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            root = (node.module or "").split(".")[0]
            if root in UNPICKLERS and names != {"UnpicklingError"}:  # the error, not the reader
                yield node.lineno, f"imports from {node.module}"
        elif isinstance(node, ast.Call):
            yield from call_faults(node)


def call_faults(node: ast.Call) -> Iterator[tuple[int, str]]:
    name, last = called(node), called(node).rpartition(".")[2]
    if isinstance(node.func, ast.Name) and name in NAMES:
        yield node.lineno, f"calls {name}"
    if name in CALLS:
        yield node.lineno, f"{name}: {CALLS[name]}"
    if last in UNPACKERS:
        yield node.lineno, f"{name}: unpacks an archive by the names in it"
    if name == "torch.load" and option(node, "weights_only") is not True:
        yield node.lineno, "torch.load without weights_only=True"
    if last in {"load", "memmap"} and option(node, "allow_pickle") not in (None, False):
        yield node.lineno, f"{name} with allow_pickle"
    if option(node, "shell") not in (None, False):
        yield node.lineno, f"{name} with shell"
    if option(node, "trust_remote_code") not in (None, False):
        yield node.lineno, f"{name} with trust_remote_code"
    if last == "from_pretrained" and "AutoModel" in name:
        from_gguf = any(keyword.arg == "gguf_file" for keyword in node.keywords)
        if option(node, "use_safetensors") is not True and not from_gguf:
            yield node.lineno, f"{name} without use_safetensors=True"


def test_the_program_does_none_of_it() -> None:
    found = [
        f"{path.relative_to(PROJECT)}:{line}: {reason}"
        for path in FILES
        for line, reason in faults(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert len(FILES) > 100
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "import dill as d",
        "from pickle import loads",
        "from pickle import UnpicklingError, load",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=safe)",
        "np.load(path, allow_pickle=True)",
        "numpy.memmap(path, allow_pickle=flag)",
        "yaml.load(text, Loader=yaml.Loader)",
        "eval(text)",
        "exec(text)",
        "subprocess.run(text, shell=True)",
        "Popen(text, shell=flag)",
        "os.system(text)",
        "tempfile.mktemp()",
        "archive.extractall(folder)",
        "shutil.unpack_archive(path)",
        "AutoModelForCausalLM.from_pretrained(x)",
        "AutoTokenizer.from_pretrained(x, trust_remote_code=True)",
    ],
)
def test_each_would_be_seen(line: str) -> None:
    assert list(faults(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "from pickle import UnpicklingError",
        "torch.load(path, weights_only=True)",
        "np.load(path)",
        "np.load(path, allow_pickle=False)",
        "yaml.safe_load(text)",
        "network.eval()",
        "subprocess.run([a, b])",
        "AutoModelForCausalLM.from_pretrained(x, use_safetensors=True)",
        "AutoModelForCausalLM.from_pretrained(x, gguf_file=name)",
    ],
)
def test_what_is_fine_is_left_alone(line: str) -> None:
    assert not list(faults(ast.parse(line)))
