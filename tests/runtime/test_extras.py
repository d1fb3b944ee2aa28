from __future__ import annotations

import re
import shlex
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from edgedigits.extras import PACKAGES, pip_line, requirements_of

LINES = [
    "numpy>=1.26",
    "numpy<2; platform_machine == 'armv7l' and python_version < '3.12'",
    "ai-edge-litert>=2.1; extra == 'litert'",
    "tflite-runtime>=2.14; (sys_platform == 'linux' and python_version < '3.12') and extra == 'tflite'",
    "numpy<2; sys_platform == 'linux' and python_version < '3.12' and extra == \"tflite\"",
    "edgedigits[litert,onnx]; extra == 'dev'",
]


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr(metadata, "requires", lambda name: LINES)


def test_an_extras_packages_keep_their_markers_without_the_extra(installed):
    assert requirements_of("litert") == ["ai-edge-litert>=2.1"]
    assert requirements_of("tflite") == [
        "tflite-runtime>=2.14; (sys_platform == 'linux' and python_version < '3.12')",
        "numpy<2; sys_platform == 'linux' and python_version < '3.12'",
    ]
    assert requirements_of("nothing") == []


def test_the_line_can_be_pasted_into_a_shell(installed):
    assert pip_line("litert") == 'install it with: pip install "ai-edge-litert>=2.1"'
    words = shlex.split(pip_line("tflite").removeprefix("install it with: "))
    assert words[:2] == ["pip", "install"]
    assert words[2:] == requirements_of("tflite")


@pytest.mark.parametrize("requires", [None, []])
def test_without_metadata_the_extra_is_named(monkeypatch, requires):
    monkeypatch.setattr(metadata, "requires", lambda name: requires)
    assert pip_line("onnx") == "install edgedigits with its extra [onnx]"


def test_without_an_installation_the_extra_is_named(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)
    assert pip_line("onnx") == "install edgedigits with its extra [onnx]"


@pytest.mark.parametrize(
    ("extra", "package"),
    [("litert", "ai-edge-litert"), ("onnx", "onnxruntime"), ("tflite", "tflite-runtime"), ("train", "tensorflow"),
     ("export", "tf2onnx"), ("check", "flatbuffers")],
)  # fmt: skip
def test_the_installed_package_names_what_each_extra_needs(extra, package):
    lines = requirements_of(extra)
    assert any(line.startswith(package) for line in lines)
    assert not any("extra" in line for line in lines)


@pytest.mark.parametrize("extra", PACKAGES)
def test_the_table_has_the_packages_that_the_installed_package_asks_for(extra):
    packages = [package.replace("_", "-") for package in PACKAGES[extra]]
    if extra == "train":
        packages[0] = "tensorflow"  # or another backend of Keras, which the environment names
    # One may be asked for twice, in other releases on other Pythons.
    assert sorted(packages) == sorted({re.match(r"[\w-]+", line)[0] for line in requirements_of(extra)})


@pytest.mark.parametrize(("extra", "package"), [("serve", "uvicorn"), ("check", "flatbuffers")])
def test_a_package_whose_private_parts_are_overridden_has_a_bound_that_this_release_keeps(extra, package):
    (wanted,) = [one for one in map(Requirement, requirements_of(extra)) if one.name == package]
    assert any(part.operator == "<" for part in wanted.specifier)
    try:
        installed = metadata.version(package)
    except metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed: the extra [{extra}] is not there")
    assert installed in wanted.specifier, (
        f"{wanted} does not let {package} {installed} in: where nothing else fails with it, the bound can rise"
    )
