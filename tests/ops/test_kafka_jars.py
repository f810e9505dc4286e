import pytest

from ops.kafka.jars import KAFKA_VERSION, Jar, parse_lock, pinned_jars


def test_the_pinned_list_is_whole() -> None:
    jars = pinned_jars()
    names = {jar.artifact for jar in jars}
    assert {"kafka_2.13", "kafka-clients", "scala-library", "log4j-core", "log4j-slf4j-impl"} <= names
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {KAFKA_VERSION}


def test_a_line_gives_the_path_in_a_repository() -> None:
    (jar,) = parse_lock(f"# comment\n\norg.slf4j:slf4j-api:1.7.36 41125 {'ab' * 32}\n")
    assert jar == Jar("org.slf4j", "slf4j-api", "1.7.36", 41125, "ab" * 32)
    assert jar.path == "org/slf4j/slf4j-api/1.7.36/slf4j-api-1.7.36.jar"


@pytest.mark.parametrize(
    "line",
    ["org.slf4j:slf4j-api:1.7.36", "a:b:1 5 nothex", f"../a:b:1 5 {'ab' * 32}", f"a:b/c:1 5 {'ab' * 32}"],
)
def test_a_line_of_another_form_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="expected 'group:artifact:version size sha256'"):
        parse_lock(line)
