"""Each deliberate fault is caught: a guarantee that nothing can break would prove nothing."""

import pytest

from tests.simulation.seeded import FAULTS, Seeded


def test_there_are_enough_of_them() -> None:
    assert len(FAULTS) >= 20
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_seeded_fault_is_caught(fault: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    fault.patch(monkeypatch)
    count = 0
    for result in fault.runs():
        count += 1
        if any(problem.startswith(fault.breaks) for problem in result.problems):
            return
    pytest.fail(f"{count} runs found no problem of {fault.breaks}: {fault.name}")


@pytest.mark.acceptance
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_without_the_fault_nothing_is_wrong(fault: Seeded) -> None:
    assert next(iter(fault.runs())).problems == []
