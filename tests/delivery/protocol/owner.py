"""A worker's steps on one order, as streams/agents performs them: what to do, the pure code says.

Steps and Willow's answers are named as a trace shows them."""

from collections.abc import Iterator

from streams.delivery import create
from streams.delivery.answers import Answer, Failure, Operation
from tests.delivery.protocol.views import SOURCE, TICKET, Look, claim_id, identity, looks
from tests.delivery.protocol.world import (
    NOW,
    REQUEST_TIMEOUT,
    SEND_WITHIN,
    SETTLE,
    At,
    Claim,
    ClaimRecord,
    Owner,
    Put,
    Setting,
    Signal,
    World,
    may_write,
    with_group,
    with_owner,
    with_put,
)

Step = tuple[str, World]

REFUSED = Answer(Operation.PUT, 429)
NO_ANSWER = Answer(Operation.PUT, failure=Failure.NO_ANSWER)

_SOURCE = SOURCE.model_dump()


def number(claim: create.OpenClaim) -> int:
    return int(claim.claim_id[1:]) - 1


def steps(setting: Setting, world: World, who: int) -> Iterator[Step]:
    """What the worker may do next."""
    perform = _STEPS.get(world.owners[who].at)
    if perform is not None:
        yield from perform(setting, world, who)


def _looks(world: World, who: int) -> Iterator[Look]:
    """Claims and identities are read to the end as of the assignment before anything is done."""
    owner = world.owners[who]
    return looks(world, owner._replace(caught_up=(0, 0)), reached=owner.caught_up)


def _ready(setting: Setting, world: World, who: int) -> Iterator[Step]:
    for seen, owner in _looks(world, who):
        move = create.before_claim(seen)
        if isinstance(move, create.Ticketed):
            # Its GET and PATCH need a fresh lease, and so does what is written after them.
            if may_write(world, who):
                own = create.claim_for(seen, _SOURCE)
                yield "knows the ticket", with_owner(world, who, _bind(owner, own, "save"))
        elif isinstance(move, create.InDoubt):
            about = number(move.claim)
            yield (
                f"sees {move.claim.claim_id} open",
                with_owner(world, who, owner._replace(at="doubting", about=about)),
            )
        elif world.left.claims:
            yield _claim(setting, world, who, owner)


def _claim(setting: Setting, world: World, who: int, owner: Owner) -> Step:
    own = len(world.claims)
    outbox = () if setting.faults.unclaimed else (ClaimRecord(own, "open"),)
    at: At = "slot" if setting.faults.unclaimed else "claiming"
    claiming = owner._replace(at=at, claim=own, outbox=outbox, gap=False)
    left = world.left._replace(claims=world.left.claims - 1)
    return (
        f"sees nothing and claims: {claim_id(own)}",
        with_owner(world._replace(claims=(*world.claims, Claim()), left=left), who, claiming),
    )


def _claiming(setting: Setting, world: World, who: int) -> Iterator[Step]:
    owner = world.owners[who]
    if owner.outbox:
        return
    assert owner.claim is not None
    own = claim_id(owner.claim)
    if not setting.faults.no_read_back:
        late = create.after_claim(create.Seen(None, None, ()), own, read_back=False, lease_fresh=owner.fresh)
        assert isinstance(late, create.Withdraw)
        yield f"does not read {own} back in time", _withdraw(setting, world, who, owner, late)
    own_place = world.log.index(ClaimRecord(owner.claim, "open"))
    awaited = (0 if setting.faults.no_read_back else own_place + 1, 0)
    for seen, looked in looks(world, owner, reached=awaited):
        move = create.after_claim(seen, own, read_back=not looked.gap, lease_fresh=owner.fresh)
        if isinstance(move, create.MayPut):
            yield f"reads {own} back as the first open claim", with_owner(world, who, looked._replace(at="slot"))
        else:
            yield f"withdraws {own}: {move.why}", _withdraw(setting, world, who, looked, move)


def _withdraw(setting: Setting, world: World, who: int, owner: Owner, move: create.Withdraw) -> World:
    assert owner.claim is not None
    about = number(move.then.claim) if isinstance(move.then, create.InDoubt) else None
    outbox = () if setting.faults.unreleased else (ClaimRecord(owner.claim, "released"),)
    return with_owner(world, who, owner._replace(at="releasing", about=about, outbox=outbox, gap=False))


def _slot(setting: Setting, world: World, who: int) -> Iterator[Step]:
    owner = world.owners[who]
    assert owner.claim is not None
    own, age = claim_id(owner.claim), world.claims[owner.claim].age
    if create.may_send(lease_fresh=owner.fresh, claimed_for=age, send_within=SEND_WITHIN):
        yield f"may send, says the last look ({own} is {age} old)", with_owner(world, who, owner._replace(at="sending"))
    # Its slot may come too late, or the breaker open, or its partitions leave.
    yield (
        f"does not send after all ({own} is {age} old)",
        _withdraw(setting, world, who, owner, create.Withdraw("not_sent", None)),
    )


def _sending(setting: Setting, world: World, who: int) -> Iterator[Step]:
    owner = world.owners[who]
    assert owner.claim is not None
    sent = with_owner(world, who, owner._replace(at="calling"))
    yield f"PUTs under {claim_id(owner.claim)}", with_put(sent, owner.claim, Put("under way"))


def _calling(setting: Setting, world: World, who: int) -> Iterator[Step]:
    owner = world.owners[who]
    own = owner.claim
    assert own is not None
    put = world.claims[own].put
    assert put is not None
    claim = create.OpenClaim(claim_id(own), 0, 1000 * NOW, 0.0, _SOURCE)
    if put.fate == "made":
        bound = owner._replace(kept=True, claim=None)
        bound = bound._replace(at="binding", about=own, words=create.binding(None, claim), bound_for="save")
        yield "gets its 201", with_owner(world, who, bound)
    else:
        move = create.after_failure(claim, REFUSED)
        gone = with_put(world, own, put._replace(fate="gone"))
        if isinstance(move, create.Withdraw):
            yield "is refused with 429", _withdraw(setting, gone, who, owner, move)
    move = create.after_failure(claim, NO_ANSWER)
    if isinstance(move, create.InDoubt):
        doubting = owner._replace(at="doubting", about=own, claim=None, ended_for=0)
        ended = with_put(world, own, put._replace(ended_for=0))
        yield "gets no answer", with_owner(ended, who, doubting)
    else:
        yield "gets no answer", _withdraw(setting, world, who, owner, move)


def _releasing(setting: Setting, world: World, who: int) -> Iterator[Step]:
    owner = world.owners[who]
    if owner.outbox:
        return
    # It waits for its view, but no longer than READ_BACK_SECONDS: it may go on without having read the release.
    released = owner._replace(claim=None)
    if owner.about is not None:
        yield "has released", with_owner(world, who, released._replace(at="doubting"))
    elif may_write(world, who):
        yield "has released and looks again", with_owner(world, who, released._replace(at="ready"))


def _doubting(setting: Setting, world: World, who: int) -> Iterator[Step]:
    owner = world.owners[who]
    if may_write(world, who):
        group = world.groups[owner.group]
        signal = group.signal if group.ended_for == owner.ended_for else None
        group = group._replace(doubt=owner.about, ended_for=owner.ended_for, signal=signal)
        waiting = owner._replace(at="doubt", about=None, ended_for=None)
        assert owner.about is not None
        yield (
            f"is in doubt about {claim_id(owner.about)}",
            with_group(with_owner(world, who, waiting), owner.group, group),
        )


def _doubt(setting: Setting, world: World, who: int) -> Iterator[Step]:
    """A look-up's result has come back through ``replans``."""
    group = world.groups[world.owners[who].group]
    signal, about = group.signal, group.doubt
    if signal is None or about is None or not may_write(world, who):
        return
    taken = with_group(world, world.owners[who].group, group._replace(signal=None))
    for seen, owner in _looks(world, who):
        claim, settled, at = _timed(world, about, group.ended_for, signal)
        look_up = create.LookUp([TICKET] if signal.found else [], signal.counted, at) if signal.about == about else None
        move = create.after_signal(seen, claim, look_up, settled=settled, then=setting.then)
        if isinstance(move, create.Ticketed | create.Found):
            what = "learns of the ticket"
            after = _bind(owner._replace(kept=True), claim, "again")
        elif isinstance(move, create.Freed):
            what, after = f"sees {claim.claim_id} released", owner._replace(at="ready")
        elif isinstance(move, create.CreateAgain):
            what = f"releases {claim.claim_id}: settled, and nothing found"
            outbox = () if setting.faults.unreleased else (ClaimRecord(about, "released"),)
            after = owner._replace(at="releasing", outbox=outbox)
        else:
            what, after = "learns nothing", owner
        yield what, with_owner(taken, who, after)


def _timed(world: World, about: int, ended_for: int | None, signal: Signal) -> tuple[create.OpenClaim, float, float]:
    """The claim in doubt, when it is settled, and when the look-up began, on the clock of ``settled_at``'s base."""
    since = NOW - world.claims[about].age
    claim = create.OpenClaim(
        claim_id(about), 0, 1000 * since, create.claim_deadline(SEND_WITHIN, REQUEST_TIMEOUT), _SOURCE
    )
    if ended_for is None:
        return claim, create.settled_at(claim, SETTLE, call_ended=None), since + signal.age
    ended = NOW - ended_for
    return claim, create.settled_at(claim, SETTLE, call_ended=ended), ended + signal.age


def _bind(owner: Owner, claim: create.OpenClaim | None, bound_for: str) -> Owner:
    words = create.binding(identity(owner), claim)
    about = None if claim is None else number(claim)
    return owner._replace(at="binding", about=about, words=words, bound_for="again" if bound_for == "again" else "save")


def _binding(setting: Setting, world: World, who: int) -> Iterator[Step]:
    owner = world.owners[who]
    if owner.words and not owner.identity_sent:
        word, rest = owner.words[0], owner.words[1:]
        if word == "identity":
            yield "sends the identity", with_owner(world, who, owner._replace(words=rest, identity_sent=True))
        else:
            assert owner.about is not None
            record = ClaimRecord(owner.about, "done")
            yield (
                f"sends done for {claim_id(owner.about)}",
                with_owner(world, who, owner._replace(words=rest, outbox=(*owner.outbox, record))),
            )
    elif not owner.words and not owner.identity_sent and may_write(world, who):
        if owner.bound_for == "again":
            if not owner.outbox:
                yield "goes on with the ticket", with_owner(world, who, owner._replace(at="ready", about=None))
            return
        # The state goes out together with `done`.
        group = world.groups[owner.group]._replace(ticket=True, doubt=None, ended_for=None, signal=None)
        saved = Owner(owner.group, "done", outbox=owner.outbox)
        yield "writes the order's state", with_group(with_owner(world, who, saved), owner.group, group)


_STEPS = {
    "ready": _ready,
    "claiming": _claiming,
    "slot": _slot,
    "sending": _sending,
    "calling": _calling,
    "releasing": _releasing,
    "doubting": _doubting,
    "doubt": _doubt,
    "binding": _binding,
}
