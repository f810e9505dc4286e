"""What the workers do not decide: when the broker takes their records and their views read on, what Willow does with a
request and shows in its list, the time, and the faults."""

from collections.abc import Iterator

from streams.delivery import create
from tests.delivery.protocol.owner import Step
from tests.delivery.protocol.views import claim_id
from tests.delivery.protocol.world import (
    REQUEST_TIMEOUT,
    SETTLE,
    At,
    Claim,
    ClaimRecord,
    Group,
    Owner,
    Put,
    Setting,
    Signal,
    State,
    World,
    may_write,
    owns,
    with_claim,
    with_group,
    with_owner,
    with_put,
)

CONTROL = "WO0"
"""The externalId of a ticket known to exist."""


def steps_of(setting: Setting, world: World, who: int) -> Iterator[Step]:
    """What may happen to one worker."""
    owner = world.owners[who]
    if owner.outbox:
        yield from _broker_takes_claims(world, who, owner)
    if owner.identity_sent:
        yield (
            "its identity is taken",
            with_owner(world._replace(identities=1), who, owner._replace(identity_sent=False)),
        )
        if owner.at == "dead":
            yield "its identity is lost", with_owner(world, who, owner._replace(identity_sent=False))
    if owner.at in ("spare", "dead"):
        return
    if owner.at == "done":
        return
    yield from _lease(world, who, owner)
    if world.left.kills:
        left = world.left._replace(kills=world.left.kills - 1)
        yield "is killed", _dead(world._replace(left=left), who, owner)
    elif not owns(world, who) and not owner.fresh:
        # Its drain is over; what it still waits for is given up.
        yield "gives up what it does", _dead(world, who, owner)
    if owner.at == "doubt" and owns(world, who) and world.groups[owner.group].signal is None:
        yield from _look_up(setting, world, owner.group)


def _broker_takes_claims(world: World, who: int, owner: Owner) -> Iterator[Step]:
    record, rest = owner.outbox[0], owner.outbox[1:]
    what = f"{claim_id(record.claim)} {record.state}"
    taken = world if _says_nothing_new(world, record) else world._replace(log=(*world.log, record))
    yield f"its {what} is taken as claims@{len(world.log)}", with_owner(taken, who, owner._replace(outbox=rest))
    if owner.at == "dead":
        yield f"its {what} is lost", with_owner(world, who, owner._replace(outbox=()))


def _says_nothing_new(world: World, record: ClaimRecord) -> bool:
    """A claim that is released is released again without end while a view lags; each time no reader learns a thing.
    Two times done are kept: the second lets compaction take the first."""
    if last_word(world, record.claim) is not record.state:
        return False
    return record.state == "released" or world.log.count(record) > 1


def _lease(world: World, who: int, owner: Owner) -> Iterator[Step]:
    if not owns(world, who):
        return
    if not owner.fresh:
        yield "has a heartbeat", with_owner(world, who, owner._replace(fresh=True))
    elif world.left.hiccups:
        left = world.left._replace(hiccups=world.left.hiccups - 1)
        yield "loses its lease", with_owner(world._replace(left=left), who, owner._replace(fresh=False))


def _dead(world: World, who: int, owner: Owner) -> World:
    dead = Owner(owner.group, "dead", outbox=owner.outbox, identity_sent=owner.identity_sent)
    if owner.claim is not None:
        world = with_claim(world, owner.claim, world.claims[owner.claim]._replace(orphan=True))
    return with_owner(world, who, dead)


def _look_up(setting: Setting, world: World, group: int) -> Iterator[Step]:
    about = world.groups[group].doubt
    assert about is not None
    ended_for = world.groups[group].ended_for
    age = world.claims[about].age if ended_for is None else ended_for

    def shows(*, found: bool, honoured: bool) -> World:
        shown = {CONTROL} if honoured else set[str | None]()
        counted = create.counts(CONTROL, shown, honoured=honoured)
        signal = Signal(about, found, counted, age)
        return with_group(world, group, world.groups[group]._replace(signal=signal))

    # All look-ups before `settle` has ended are worth the same.
    age = max(age, (setting.oldest if ended_for is None else SETTLE) - 1)

    if world.tickets:
        yield "a look-up finds the ticket", shows(found=True, honoured=True)
    if not world.tickets or setting.blind or not all(_settled(claim.put) for claim in world.claims):
        yield "a look-up finds nothing", shows(found=False, honoured=True)
    if setting.unfiltered:
        yield "a look-up is not honoured", shows(found=False, honoured=False)


def _settled(put: Put | None) -> bool:
    """What `settle` assumes: so long after a call has ended Willow has committed it or never will, and lists it."""
    if put is None or put.fate == "gone":
        return True
    ended = put.ended_for is not None and put.ended_for >= SETTLE
    return ended or put.sent_for >= REQUEST_TIMEOUT + SETTLE


def steps_around(setting: Setting, world: World) -> Iterator[tuple[str, Step]]:
    """What happens apart from any one worker, with the name of who does it."""
    for number, claim in enumerate(world.claims):
        if claim.put is not None and claim.put.fate == "under way" and (setting.late or not _settled(claim.put)):
            made = with_put(world, number, claim.put._replace(fate="made"))
            yield "Willow", (f"commits the PUT of {claim_id(number)}", made._replace(tickets=world.tickets + 1))
    yield from _take_over(world)
    yield from _tombstone(setting, world)
    after = _later(setting, world)
    if essence(setting, after) != world and (setting.frozen or all(owner.at != "sending" for owner in world.owners)):
        yield "the clock", ("goes on", after)


def _take_over(world: World) -> Iterator[tuple[str, Step]]:
    for number, group in enumerate(world.groups):
        spare = next((n for n, o in enumerate(world.owners) if o.group == number and o.at == "spare"), None)
        if spare is None or group.owner is None or world.owners[group.owner].at == "done":
            continue
        former = world.owners[group.owner]
        left = world.left
        if former.at != "dead":
            if not left.takeovers:
                continue
            left = left._replace(takeovers=left.takeovers - 1)
        at: At = "done" if group.ticket else "ready" if group.doubt is None else "doubt"
        fresh = Owner(number, at, caught_up=(len(world.log), world.identities), kept=group.ticket)
        after = with_owner(world._replace(left=left), group.owner, former._replace(fresh=False))
        after = with_group(with_owner(after, spare, fresh), number, group._replace(owner=spare))
        yield f"worker {'ABCDE'[spare]}", ("takes the partition over", after)


def _tombstone(setting: Setting, world: World) -> Iterator[tuple[str, Step]]:
    if not world.left.tombstones:
        return
    left = world.left._replace(tombstones=world.left.tombstones - 1)
    for number in range(len(world.claims)):
        if last_word(world, number) in setting.faults.tombstoned:
            record = ClaimRecord(number, None)
            after = world._replace(log=(*world.log, record), left=left)
            yield "a clean-up", (f"tombstones {claim_id(number)} as claims@{len(world.log)}", after)


def last_word(world: World, number: int) -> State | None:
    return next((record.state for record in reversed(world.log) if record.claim == number), None)


def _later(setting: Setting, world: World) -> World:
    waiting = {record.claim for owner in world.owners for record in owner.outbox if record.state == "open"}
    claims = tuple(claim if n in waiting else _older(setting, claim) for n, claim in enumerate(world.claims))
    groups = tuple(group._replace(ended_for=_count(group.ended_for)) for group in world.groups)
    owners = tuple(owner._replace(ended_for=_count(owner.ended_for)) for owner in world.owners)
    return world._replace(claims=claims, groups=groups, owners=owners)


def _older(setting: Setting, claim: Claim) -> Claim:
    put = claim.put
    if put is not None:
        put = put._replace(sent_for=put.sent_for + 1, ended_for=_count(put.ended_for))
    return claim._replace(age=min(claim.age + 1, setting.oldest), put=put)


def _count(ended_for: int | None) -> int | None:
    return None if ended_for is None else min(ended_for + 1, SETTLE)


def essence(setting: Setting, world: World) -> World:
    """The state without what can no longer matter: two states that differ in that alone are one."""
    claims = tuple(_claim_essence(setting, world, number) for number in range(len(world.claims)))
    owners = tuple(_owner_essence(setting, world, number) for number in range(len(world.owners)))
    groups = tuple(_group_essence(setting, world, number) for number in range(len(world.groups)))
    return world._replace(claims=claims, owners=owners, groups=groups)


def _claim_essence(setting: Setting, world: World, number: int) -> Claim:
    age, orphan, put = world.claims[number]
    called = any(owner.claim == number and owner.at == "calling" for owner in world.owners)
    if put is not None and setting.then == "hold":
        put = Put(put.fate)
    elif put is not None and _settled(put):
        # Too late to be committed, or listed for sure.
        fate = put.fate if put.fate == "made" or setting.late else "gone"
        put = Put(fate, REQUEST_TIMEOUT + SETTLE)
    if last_word(world, number) in ("released", "done") and not called:
        orphan = False
        if put is not None and put.fate != "under way" and (setting.then == "hold" or _settled(put)):
            put = None
    if setting.then == "hold":
        # Nothing is ever settled: an age matters until the PUT.
        held = any(owner.claim == number and owner.at in ("claiming", "slot") for owner in world.owners)
        age = min(age, REQUEST_TIMEOUT + 1) if held else 0
    return Claim(age, orphan, put)


def _owner_essence(setting: Setting, world: World, number: int) -> Owner:
    owner = world.owners[number]
    if owner.identity_sent and world.identities:
        owner = owner._replace(identity_sent=False)
    if setting.then == "hold" and owner.ended_for is not None:
        owner = owner._replace(ended_for=None)
    if owner.at == "releasing" and not owner.outbox and owner.about is None and may_write(world, number):
        # Nothing that others do makes a difference before it looks again.
        owner = owner._replace(at="ready", claim=None)
    return owner


def _group_essence(setting: Setting, world: World, number: int) -> Group:
    group = world.groups[number]
    if setting.then == "hold":
        group = group._replace(ended_for=None, signal=group.signal and group.signal._replace(age=0))
    at = "dead" if group.owner is None else world.owners[group.owner].at
    if at != "doubt" and all(owner.group != number or owner.at != "spare" for owner in world.owners):
        # Nobody will read the doubt any more; a result that still comes says no more than the next one.
        group = group._replace(doubt=None, ended_for=None, signal=None)
    return group
