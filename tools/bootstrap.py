"""Creates the virtual environment and installs the lock into it; `make` runs this before anything else.

It must start on any Python, to be able to say which one is needed: no syntax newer than Python 3.6 in here.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
NEWEST = (3, 13)
ROOT = Path(__file__).resolve().parent.parent
NEEDED_BYTES = 1200 * 1024 * 1024


class BootstrapError(Exception):
    """What is wrong with this machine, and what to do about it."""


def main(folder: str) -> None:
    """Make `folder` a virtual environment with everything in requirements.lock, and note that it is complete."""
    use_suitable_python()
    venv = ROOT / folder
    python = venv / "bin" / "python"
    if not can_run(python):
        refuse_full_disk(venv.parent)
        create(venv)
    install(python)
    run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)])
    (venv / "installed").touch()


def use_suitable_python() -> None:
    """Go on with a suitable Python from the path, if this one is not."""
    here = sys.version_info[:2]
    if OLDEST <= here <= NEWEST:
        return
    for minor in range(OLDEST[1], NEWEST[1] + 1):
        other = shutil.which("python3.{}".format(minor))
        if other:
            os.execv(other, [other, *sys.argv])
    raise BootstrapError(
        "Majakka needs Python {}.{} to {}.{}, and {} is {}.{}. Install one, or name one that is there: "
        "make PYTHON=/path/to/python3.11 demo".format(*OLDEST, *NEWEST, sys.executable, *here)
    )


def refuse_full_disk(folder: Path) -> None:
    """Say so before half of the packages are there."""
    free = shutil.disk_usage(str(folder)).free
    if free < NEEDED_BYTES:
        raise BootstrapError(
            "{} has {} MB free, and the packages need {} MB. Free some space, and run make again.".format(
                folder, free >> 20, NEEDED_BYTES >> 20
            )
        )


def create(venv: Path) -> None:
    """Make a virtual environment, in place of a broken one."""
    if venv.exists():
        shutil.rmtree(str(venv))
    made = subprocess.run([sys.executable, "-m", "venv", str(venv)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode:
        shutil.rmtree(str(venv), ignore_errors=True)
        raise BootstrapError(
            "{} cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv). "
            "It says:\n{}".format(sys.executable, made.stdout.decode(errors="replace").strip())
        )


def can_run(python: Path) -> bool:
    """Whether the environment is there, and its Python has not been removed or replaced by one that does not fit."""
    try:
        version = subprocess.run(
            [str(python), "-c", "import pip, sys; print(sys.version_info[:2])"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return False
    return version.returncode == 0 and version.stdout.decode().strip() == str(sys.version_info[:2])


def install(python: Path) -> None:
    """Install the lock, and count the packages while pip is at it."""
    lock = ROOT / "requirements.lock"
    total = len(re.findall(r"^[a-z0-9]", lock.read_text(), re.MULTILINE))
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--require-hashes", "--requirement", str(lock)]
    pip = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = []
    seen = 0
    for raw in pip.stdout:
        line = raw.decode(errors="replace").rstrip()
        said.append(line)
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            seen += 1
            tell("installing packages into .venv (about a minute, once): {} of {}".format(min(seen, total), total))
        elif line.startswith("Installing collected packages"):
            tell("installing packages into .venv (about a minute, once): unpacking")
    tell("")
    if pip.wait():
        raise BootstrapError(
            "pip could not install requirements.lock. Run make again when this is mended:\n" + "\n".join(said[-15:])
        )


def tell(text: str) -> None:
    """Show progress: one line that changes on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()
    elif re.search(r"(unpacking|: 1 of |[05]0 of )", text):
        sys.stderr.write(text + "\n")


def run(command: list) -> None:
    """Run a command that has nothing to say unless it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise BootstrapError("{} failed:\n{}".format(" ".join(command), done.stdout.decode(errors="replace").strip()))


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except BootstrapError as error:
        sys.exit("make: {}".format(error))
    except PermissionError as error:
        cannot = "make: {} cannot be written: {}. Clone into a folder of your own."
        sys.exit(cannot.format(error.filename, error.strerror))
