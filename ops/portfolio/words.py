"""People, groups and what they write; the faults themselves are data in ``faults.yml``."""

from dataclasses import dataclass
from importlib.resources import files
from random import Random
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Fault:
    """``{thing}`` and ``{place}`` are filled in. ``exact_type`` is what it happens to; None: a place."""

    exact_type: str | None
    sector: str
    job_type: str
    summary: str
    description: str
    problem: str
    resolution: str


FAULTS = tuple(Fault(**entry) for entry in yaml.safe_load(files(__package__).joinpath("faults.yml").read_text("utf-8")))

PEOPLE = (
    ("Ana Ruiz", "ana.ruiz@example.com", "+34 600 100 201"),
    ("Ben Oak", "ben.oak@example.com", "+44 20 7946 0112"),
    ("Chiara Neri", "chiara.neri@example.com", None),
    ("Dörte Hansen", "doerte.hansen@example.com", "+49 40 5550 143"),
    ("Émile Roux", "emile.roux@example.com", None),
    ("Farah Siddiqui", "farah.siddiqui@example.com", "+44 20 7946 0178"),
    ("佐藤 健", "ken.sato@example.com", "+81 3 5550 0199"),
    ("Joana Faria", None, "+351 21 555 0133"),
    ("Łukasz Wrona", "lukasz.wrona@example.com", None),
    ("Sanne de Wit", "sanne.dewit@example.com", "+31 20 555 0144"),
)
GROUPS = ("HVAC night crew", "Aufzugsdienst Nord", "Mantenimiento GVA", "House electricians", "Soft services")

NOTES = (
    "Technician on site, access granted.",
    "Ersatzteil bestellt, Lieferung in drei Tagen.",
    "Tenant asked for a visit before 10:00.",
    "El técnico vuelve mañana con la pieza.",
    "Second visit needed.",
    "Photos attached in the source system.",
)


def person(random: Random) -> dict[str, Any]:
    name, email, phone = random.choice(PEOPLE)
    return {
        "name": name,
        "emails": [{"address": email}] if email else [],
        "phones": [phone] if phone else [],
    }


def group(random: Random) -> dict[str, Any]:
    members = random.sample(PEOPLE, 2)
    return {"name": random.choice(GROUPS), "hasMember": [{"name": name} for name, _, _ in members]}


def inspection_log(random: Random, words: int = 700) -> str:
    """A text too large for a table page: updates that do not touch it arrive without it."""
    readings = (
        f"{random.randint(10, 99)}.{random.randint(0, 9)} °C {random.choice('ABCDEF')}{n}" for n in range(words)
    )
    return "Log of the last visit: " + "; ".join(readings)
