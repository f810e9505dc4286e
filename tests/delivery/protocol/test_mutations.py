"""Each rule of the protocol, taken away: the explorer finds two tickets, or a state that nothing leads out of.

Which rule prevents what stands here as a table. A row that ends well shows a rule that others back up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pytest

from streams.delivery import create as protocol
from streams.delivery.create import MayPut, Seen, Withdraw
from tests.delivery.protocol.conftest import Patch
from tests.delivery.protocol.explorer import explore
from tests.delivery.protocol.test_exactly_one import create, hold, named
from tests.delivery.protocol.world import WHOLE, Faults, Setting

#: As they are, for those that take one rule out of them.
REAL = {name: getattr(protocol, name) for name in ("after_claim", "may_send", "after_look_up")}


def own_claim_taken_for_granted(seen: Seen, own: str, **_: bool) -> MayPut | Withdraw:
    others = [claim for claim in seen.open if claim.claim_id != own]
    return Withdraw("lost", protocol.InDoubt(others[0])) if others else MayPut()


def any_open_claim_will_do(seen: Seen, own: str, **known: bool) -> MayPut | Withdraw:
    own_first = sorted(seen.open, key=lambda claim: claim.claim_id != own)
    found: MayPut | Withdraw = REAL["after_claim"](Seen(seen.identity, seen.done, own_first), own, **known)
    return found


def ticket_not_looked_for_again(seen: Seen, own: str, **known: bool) -> MayPut | Withdraw:
    found: MayPut | Withdraw = REAL["after_claim"](Seen(None, None, seen.open), own, **known)
    return found


def gaps_read_over(seen: Seen, own: str, *, read_back: bool, lease_fresh: bool) -> MayPut | Withdraw:
    found: MayPut | Withdraw = REAL["after_claim"](seen, own, read_back=True, lease_fresh=lease_fresh)
    return found


def claimed_with_any_lease(seen: Seen, own: str, *, read_back: bool, lease_fresh: bool) -> MayPut | Withdraw:
    found: MayPut | Withdraw = REAL["after_claim"](seen, own, read_back=read_back, lease_fresh=True)
    return found


def sent_with_any_lease(*, lease_fresh: bool, claimed_for: float, send_within: float) -> bool:
    return bool(REAL["may_send"](lease_fresh=True, claimed_for=claimed_for, send_within=send_within))


def sent_at_any_age(*, lease_fresh: bool, claimed_for: float, send_within: float) -> bool:
    return lease_fresh


def one_call_long(send_within: float, request_timeout: float) -> float:
    return request_timeout


def no_answer_taken_for_a_refusal(own: protocol.OpenClaim, answer: object) -> Withdraw:
    return Withdraw("not_sent", None)


def settled_with_the_call(claim: protocol.OpenClaim, settle: float, *, call_ended: float | None) -> float:
    return claim.call_ended_by if call_ended is None else call_ended


def settled_from_the_claim(claim: protocol.OpenClaim, settle: float, *, call_ended: float | None) -> float:
    return (claim.since_ms / 1000 if call_ended is None else call_ended) + settle


def hold_not_held(look_up: protocol.LookUp, claim: protocol.OpenClaim, *, settled: float, then: str) -> object:
    return REAL["after_look_up"](look_up, claim, settled=look_up.at, then="create")


def every_zero_counts(control: str | None, shown: object, *, honoured: bool) -> bool:
    return True


def done_passed_over(order: str, claims: protocol.Claims, identities: protocol.Identities, *, kept: str | None) -> Seen:
    still_open = claims.open_claims(order)
    claims.done_ticket(order)
    return Seen(identities.ticket_of(order) or kept, None, still_open)


def open_claims_last(order: str, claims: protocol.Claims, identities: protocol.Identities, *, kept: str | None) -> Seen:
    identity, done = identities.ticket_of(order) or kept, claims.done_ticket(order)
    return Seen(identity, done, claims.open_claims(order))


@dataclass(frozen=True)
class Mutation:
    name: str
    setting: Setting
    comes_to: Literal["two tickets", "stuck", "no harm"]
    patched: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    faults: Faults = WHOLE


MUTATIONS = (
    Mutation("no claim", hold(1, 1), "two tickets", faults=Faults(unclaimed=True)),
    Mutation(
        "claim not read back",
        hold(1, 1),
        "two tickets",
        {"after_claim": own_claim_taken_for_granted},
        Faults(no_read_back=True),
    ),
    Mutation("any open claim may send", hold(1, 1), "two tickets", {"after_claim": any_open_claim_will_do}),
    Mutation(
        "no look for a ticket once claimed", hold(1, 1), "two tickets", {"after_claim": ticket_not_looked_for_again}
    ),
    Mutation("gap read over", hold(1, 1), "two tickets", {"after_claim": gaps_read_over}),
    Mutation("done passed over while the identity lags", hold(1, 1), "two tickets", {"look": done_passed_over}),
    Mutation("open claims looked at last", hold(1, 1), "two tickets", {"look": open_claims_last}),
    Mutation(
        "done tombstoned",
        hold(1, 1, tombstones=1),
        "two tickets",
        faults=Faults(tombstoned=("released", "done")),
    ),
    Mutation("no answer releases the claim", hold(1), "two tickets", {"after_failure": no_answer_taken_for_a_refusal}),
    Mutation("no release", hold(1, hiccups=1), "stuck", faults=Faults(unreleased=True)),
    Mutation("hold not held", hold(1), "two tickets", {"after_look_up": hold_not_held}),
    Mutation("settle not waited for", create(1), "two tickets", {"settled_at": settled_with_the_call}),
    Mutation(
        "settle counted from the claim, not from its deadline",
        create(2, kills=1),
        "two tickets",
        {"settled_at": settled_from_the_claim},
    ),
    Mutation("zero counted without a control", create(1), "two tickets", {"counts": every_zero_counts}),
    # The claim protects all the same: whoever took over sees it open. Without its age, too, it would not (above).
    Mutation(
        "lease not looked at",
        hold(2, takeovers=1),
        "no harm",
        {"after_claim": claimed_with_any_lease, "may_send": sent_with_any_lease},
    ),
)

#: A minute each; `test_traces` shows the same in a moment.
SLOW = (
    Mutation(
        "sent under a claim of any age",
        create(1, 1),
        "two tickets",
        {"may_send": sent_at_any_age},
    ),
    Mutation("deadline of the call alone", create(1, 1), "two tickets", {"claim_deadline": one_call_long}),
)


def comes_to(case: Mutation) -> None:
    found = explore(replace(case.setting, faults=case.faults), at_most=2_000_000)
    came_to = "two tickets" if found.duplicate else "stuck" if found.stuck else "no harm"
    assert came_to == case.comes_to, str(found.duplicate or found.stuck)


@pytest.mark.parametrize("case", MUTATIONS, ids=named)
def test_without_a_rule(case: Mutation, patched: Patch) -> None:
    patched(case.patched)
    comes_to(case)


@pytest.mark.acceptance
@pytest.mark.parametrize("case", SLOW, ids=named)
def test_without_a_rule_of_time(case: Mutation, patched: Patch) -> None:
    patched(case.patched)
    comes_to(case)
