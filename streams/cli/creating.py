"""Adding entries to Willow's lists, one after the other, as a plan that was shown said."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from streams.cli.common import CliError, progress
from streams.planning.lists import fold_form
from streams.planning.suggesting import Suggestion
from streams.settings import EnumerationMode, Settings
from streams.willow import CategoryWrite, JobTypeWrite, ServiceNeededWrite, WillowClient, WillowError
from streams.words import counted


@dataclass(frozen=True, slots=True)
class Creation:
    """An entry to make for a value. ``id`` is Willow's, once it is made; with ``problem`` it can't be made."""

    setting: str
    name: str
    records: int
    id: str | None = None
    problem: str | None = None


async def _category(willow: WillowClient, name: str) -> str:
    return (await willow.ticket_metadata.put_category(CategoryWrite(name=name))).id


async def _job_type(willow: WillowClient, name: str) -> str:
    return (await willow.ticket_metadata.put_job_type(JobTypeWrite(name=name))).id


async def _service(willow: WillowClient, name: str) -> str:
    return (await willow.ticket_metadata.put_service_needed(ServiceNeededWrite(name=name))).id


_CREATORS: dict[str, tuple[int, Callable[[WillowClient, str], Awaitable[str]]]] = {
    "job_type": (500, _job_type),
    "sector": (80, _category),
    "services_needed": (500, _service),
}
"""Setting → the longest name that Willow takes (seed 001), and the call that makes an entry and returns its id."""


def plan_of(suggestions: Iterable[Suggestion], only: Sequence[str], min_records: int) -> list[Creation]:
    """What is missing in Willow: values that nothing there is named like. An inactive or an ambiguous entry is not
    mended by one more of its name; of spellings that have one form the most frequent is made, for the others lead to
    it by form then."""
    planned: list[Creation] = []
    for found in suggestions:
        setting = found.field.setting
        wanted = setting in only if only else found.present.mode is not EnumerationMode.OMIT
        if setting not in _CREATORS or not wanted:
            continue
        lacking = [item for item in found.unmatched if item.creatable and item.records >= min_records]
        first = {fold_form(item.value): item for item in reversed(lacking)}
        planned += [_planned(setting, item.value.strip(), item.records) for item in lacking if item in first.values()]
    return planned


def _planned(setting: str, name: str, records: int) -> Creation:
    longest, _ = _CREATORS[setting]
    problem = f"Willow takes names of up to {longest} characters" if len(name) > longest else None
    return Creation(setting, name, records, problem=problem)


def shown_plan(planned: Iterable[Creation], settings: Settings) -> Iterator[str]:
    told: set[str] = set()
    for item in planned:
        count = counted(item.records, "record")
        said = f"can't be created: {item.problem}" if item.problem else f"create {item.name!r}"
        yield f"{item.setting}: {said} ({count})"
        mode = getattr(settings.enumerations, item.setting).mode
        if mode in (EnumerationMode.MAP, EnumerationMode.OMIT) and item.setting not in told:
            told.add(item.setting)
            setting = f"enumerations.{item.setting}"
            yield f"    note: {setting} has mode {mode.value}; `enumerations suggest` prints what it should be then"


async def create(willow: WillowClient, planned: Sequence[Creation]) -> list[Creation]:
    """Raises CliError at the first refusal: what was made until then stays, and a second run goes on from there."""
    done: list[Creation] = []
    with progress(len(planned), "creating", unit="entry") as advance:
        for item in planned:
            if item.problem is not None:
                done.append(item)
            else:
                _, put = _CREATORS[item.setting]
                try:
                    done.append(replace(item, id=await put(willow, item.name)))
                except WillowError as error:
                    made = sum(entry.id is not None for entry in done)
                    raise CliError(
                        f"{item.setting} {item.name!r}: {error}; created before: {made}",
                        f"{error.remedy} Then run it again: what is there by then is not created twice.",
                    ) from error
            advance()
    return done
