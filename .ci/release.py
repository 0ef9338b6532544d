"""Releases all packages together: ``hatch run release:make 0.2.0 URL`` and ``hatch run release:check``.

``make VERSION URL`` writes the version into every package and its bounds between them, and the public address of the
repository into the metadata and the links of the READMEs, which a package index shows outside of the repository. Then
it does what ``check`` does, and prints the command that uploads; it uploads nothing. Later releases need no URL.

``check`` builds a wheel and a source archive of each package, has their metadata checked, and installs each wheel into
an environment of its own, with nothing of this repository but the wheels that it declares.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PACKAGES = sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml"))


def main(command: list[str]) -> None:
    match command:
        case ["check"]:
            check()
        case ["make", version] if re.fullmatch(r"\d+\.\d+\.\d+", version):
            make(version, "")
        case ["make", version, url] if re.fullmatch(r"\d+\.\d+\.\d+", version) and url.startswith("https://"):
            make(version, url.rstrip("/"))
        case _:
            sys.exit(
                "usage: hatch run release:check, or hatch run release:make VERSION [URL] with a version such as 0.2.0 "
                "and the https address of the repository"
            )


def make(version: str, url: str) -> None:
    """Write version and address, then check. Ends with a message if a changelog has no section for the version."""
    silent = [
        package.name
        for package in PACKAGES
        if not re.search(
            rf"^## {re.escape(version)}\n+\S", (package / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
        )
    ]
    if silent:
        sys.exit(f"write a section '## {version}' into CHANGELOG.md of {', '.join(silent)}")
    if run("git", "status", "--porcelain"):
        sys.exit("commit or stash what you have changed: the release is one commit of its own")
    if not url and any(map(relative_links, PACKAGES)):
        sys.exit(f"a package index needs absolute links; give the address of the repository: make {version} URL")
    for package in PACKAGES:
        bump(package / "pyproject.toml", version)
        if url:
            link(package, url)
    check()
    sys.stdout.write(
        f"\nTo release:\n  git commit -am 'Version {version}' && git tag v{version}\n  twine upload {DIST}/*\n"
    )


def bump(file: Path, version: str) -> None:
    """Write the version of the package, and the bounds of those that are released with it."""
    major, minor, _ = version.split(".")
    names = "|".join(package.name for package in PACKAGES)
    text = re.sub(
        r'^version = "[^"]+"', f'version = "{version}"', file.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE
    )
    text = re.sub(rf'"({names})>=[^"]+"', rf'"\1>={major}.{minor},<{major}.{int(minor) + 1}"', text)
    file.write_text(text, encoding="utf-8")


def link(package: Path, url: str) -> None:
    """Write the public address of the repository into metadata and README."""
    readme, project = package / "README.md", package / "pyproject.toml"
    absolute = re.sub(r"\]\(\.\./\.\./", f"]({url}/blob/main/", readme.read_text(encoding="utf-8"))
    readme.write_text(absolute, encoding="utf-8")
    urls = {
        "Homepage": url,
        "Changelog": f"{url}/blob/main/packages/{package.name}/CHANGELOG.md",
        "Issues": f"{url}/issues",
    }
    table = "".join(f'{name} = "{address}"\n' for name, address in urls.items())
    text = re.sub(r"\n\[project\.urls\]\n(?:.+\n)*", "", project.read_text(encoding="utf-8"))
    project.write_text(text.replace("\n[tool.hatch.", f"\n[project.urls]\n{table}\n[tool.hatch.", 1), encoding="utf-8")


def relative_links(package: Path) -> list[str]:
    """Links of the README that lead out of the package."""
    return re.findall(r"\]\((\.\./[^)]+)\)", (package / "README.md").read_text(encoding="utf-8"))


def check() -> None:
    """Build everything, and install each wheel by itself."""
    shutil.rmtree(DIST, ignore_errors=True)
    for package in PACKAGES:
        run(sys.executable, "-m", "hatchling", "build", "-d", str(DIST), folder=package)
    run(sys.executable, "-m", "twine", "check", "--strict", *map(str, sorted(DIST.iterdir())))
    for package in PACKAGES:
        install_alone(package)


def install_alone(package: Path) -> None:
    """Import the package in an environment that holds its wheel, what that declares, and nothing else."""
    module = package.name.replace("-", "_")
    (wheel,) = DIST.glob(f"{module}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for needed in (f"{module}/py.typed", "licenses/LICENSE"):
        if not any(name.endswith(needed) for name in names):
            sys.exit(f"{wheel.name} holds no {needed}")
    version = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "bin", "python")
        run("uv", "venv", "--quiet", "--python", sys.executable, folder)
        # Not a wheel of the same version that was built before.
        fresh = [word for each in PACKAGES for word in ("--refresh-package", each.name)]
        run("uv", "pip", "install", "--quiet", *fresh, "--python", str(python), "--find-links", str(DIST), str(wheel))
        shown = f"import {module}, importlib.metadata as m; print(m.version({package.name!r}))"
        installed = run(str(python), "-P", "-c", shown, folder=Path(folder)).strip()
    if installed != version:
        sys.exit(f"{package.name}: version {installed} was installed instead of {version}")
    sys.stdout.write(f"{package.name} {version}: built, checked, installed alone\n")


def run(*command: str, folder: Path = ROOT) -> str:
    """The output of a command. Ends with its output if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main(sys.argv[1:])
