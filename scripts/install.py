"""Sets up .venv: python3 scripts/install.py. Only the standard library is needed; run it again to repair or update.

torch comes in its CPU build unless the machine has an NVIDIA GPU, because the other build brings several gigabytes of CUDA.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
CONSTRAINTS = ["--constraint", str(ROOT / "requirements.lock")]
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def pip(*arguments: str, capture: bool = False) -> subprocess.CompletedProcess:
    command = [str(PYTHON), "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check"]
    return subprocess.run(command, cwd=ROOT, capture_output=capture, text=True)


def must(done: subprocess.CompletedProcess, what: str) -> None:
    if done.returncode:
        sys.exit(f"install: {what} failed; see the lines above, mend that and run it again")


def has_gpu() -> bool:
    try:
        return subprocess.run(["nvidia-smi", "-L"], capture_output=True).returncode == 0
    except OSError:
        return False


def make_venv() -> None:
    """Make .venv, or bring pip into one that lacks it, as a run that stopped in its first step leaves it."""
    if not PYTHON.exists() or pip("--version", capture=True).returncode:
        print("install: .venv", flush=True)
        venv.create(ROOT / ".venv", with_pip=True)


def install_torch() -> None:
    """Install torch without CUDA where there is no GPU for it, unless PyPI or a mirror of it is all that can be reached."""
    wanted = ["torch", *CONSTRAINTS]
    plan = pip("install", "--dry-run", "--report", "-", *wanted, capture=True)
    if plan.returncode:
        sys.exit(f"install: torch cannot be had\n{plan.stderr}")
    names = [item["metadata"]["name"].lower() for item in json.loads(plan.stdout)["install"]]
    brings_cuda = any(name.startswith(("nvidia", "triton", "cuda")) for name in names)
    if brings_cuda and not has_gpu():
        if not pip("install", *wanted, "--index-url", CPU_INDEX).returncode:
            return
        print(
            f"install: {CPU_INDEX} has no torch for this machine, or cannot be reached: taking the build with CUDA, several gigabytes",
            flush=True,
        )
    must(pip("install", *wanted), "installing torch")


def main() -> None:
    if sys.version_info < (3, 11):
        sys.exit(f"install: telucodec needs Python 3.11 or newer, this is {sys.version.split()[0]}; run it with a newer python3")
    make_venv()
    print("install: torch, for training only", flush=True)
    install_torch()
    print("install: telucodec and what it needs", flush=True)
    must(pip("install", *CONSTRAINTS, "--editable", ".[train,encodec,recognizer,cluster,record,dev]"), "installing telucodec")
    if pip("install", *CONSTRAINTS, "--editable", ".[eval]").returncode:
        print("install: PESQ, STOI or ViSQOL could not be installed (PESQ needs a C compiler): they will read 'not measured'", flush=True)
    if pip("install", *CONSTRAINTS, "--no-deps", "resemblyzer").returncode:  # its network alone is used; what it needs is heavy
        print("install: resemblyzer could not be installed: speaker similarity will read 'not measured'", flush=True)


if __name__ == "__main__":
    main()
