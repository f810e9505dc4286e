"""Scenarios by the thousand, each from its seed: ``python -m tests.simulation --seed N`` prints what happened."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.chances import random_scenario
from tests.simulation.run import simulate

ROOT = Path(__file__).parents[2]


def _check(seeds: range) -> None:
    problems, kills = [], 0
    for seed in seeds:
        result = simulate(random_scenario(seed))
        kills += result.kills
        problems += [f"seed {seed}: {problem}" for problem in result.problems]
    assert not problems, "\n".join([*problems, "see: python -m tests.simulation --seed N"])
    assert kills > len(seeds) / 4, "the scenarios have become harmless"


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_a_hundred_seeds(first: int) -> None:
    _check(range(first, first + 25))


@pytest.mark.acceptance
@pytest.mark.parametrize("first", range(100, 2500, 200))
def test_seeds_by_the_thousand(first: int) -> None:
    _check(range(first, first + 200))


def test_a_seed_tells_the_same_story_in_every_process() -> None:
    """Whatever the hashes of strings and the addresses of tasks are: else a failure could not be looked at."""
    stories = []
    for hash_seed in ("1", "2"):
        command = [sys.executable, "-m", "tests.simulation", "--seed", "1"]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        stories.append(subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True))
    lines = [[_without_ids(line) for line in story.stdout.splitlines()] for story in stories]
    assert len(lines[0]) > 100
    assert lines[0] == lines[1]


def _without_ids(line: str) -> str:
    """Claims have random ids, and the marker of a take-over the machine's own time."""
    line = re.sub(r'"at":"[^"]*"', "", line)
    head, found, tail = line.partition("'claimId': '")
    line = head + found + tail[32:]
    if "create-claims" in line:
        words = line.split(" ")
        at = next(number for number, word in enumerate(words) if "create-claims" in word)
        line = " ".join([*words[: at + 2], *words[at + 3 :]])
    return line
