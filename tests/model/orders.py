# SPDX-License-Identifier: MIT
"""
Every order in the C code is there for a reason: the programs of programs.py
hold with the orders that the code has, and with any one of them weakened by a
notch, one of them fails. Where none does, SPARE says why the code has it all
the same. Relaxed accesses that no program speaks of are told in RELAXED.
"""
from rc11 import Access, check
from programs import PROGRAMS
import source

WEAKER = {
    'load': {'seq_cst': ['acquire'], 'acquire': ['relaxed']},
    'store': {'seq_cst': ['release'], 'release': ['relaxed']},
    'update': {'seq_cst': ['acq_rel'], 'acq_rel': ['acquire', 'release'],
               'acquire': ['relaxed'], 'release': ['relaxed']},
    'fence': {'seq_cst': ['acq_rel'], 'acq_rel': ['acquire', 'release'],
              'acquire': [None], 'release': [None]},
}
CHANGE = {
    'store': lambda value: lambda _: value,
    'exchange': lambda value: lambda _: value,
    'fetch_or': lambda bits: lambda old: old | bits,
    'fetch_and': lambda bits: lambda old: old & bits,
    'fetch_add': lambda more: lambda old: old + more,
    'fetch_sub': lambda less: lambda old: old - less,
}

# Where the code asks for more than any program needs: the access, or the access
# and the weaker order, which must then do no harm; and why it stands.
RARE = 'rare, and off the frame path: one order for all changes of these sets'
SPARE = {
    ('zti_subscription_attach fetch_or pub->holding', 'acq_rel'): RARE,
    ('set_lossless fetch_or pub->lossless', 'acq_rel'): RARE,
    'cut_off fetch_and pub->attached': RARE,
    'cut_off fetch_and pub->holding': RARE,
    'retire_smaller fetch_and pub->usable':
        'rare, and by the frame thread itself, or before there is one',
    ('zti_evict exchange page->offered', 'acquire'): RARE,
    ('zti_evict exchange page->offered', 'release'): RARE,
    ('zti_subscription_mute exchange page->offered', 'acquire'): RARE,
    ('zti_subscription_mute exchange page->offered', 'release'): RARE,
    ('zti_subscription_remove store page->offered', 'release'): RARE,
    'cut_off fetch_or pub->to_cut': 'as to_evict, which needs it',
    'zti_peers_attend exchange pub->to_cut': 'as to_evict, which needs it',
    'zti_pick load pub->slot_size':
        'the frame thread changes it, under the lock; free where it counts',
    'zti_segments_provide store pub->slot_size':
        'the frame thread changes it, under the lock; rare',
    ('zti_segments_collect load pub->phase', 'acquire'): RARE,
    ('harvest exchange page->returned', 'acquire'):
        'an exchange is a full barrier on x86 anyway',
    ('settle store page->waiting', 'release'):
        'the fence behind it does; before a system call it costs nothing',
    ('wake store page->waiting', 'release'):
        'a system call follows, so it costs nothing',
}

# Relaxed accesses that no program speaks of.
COUNTER = 'a counter: one that looks on may be late'
OWN = 'this party is the only one that changes it, or has it handed over'
GUIDE = 'a guide to what to try: what is old costs a try'
RELAXED = {
    'replace_offer fetch_and sub->lent': OWN,
    'replace_offer fetch_add sub->withdrawn_count': COUNTER,
    'offer_retained fetch_and sub->lent': OWN,
    'offer_retained store sub->last_offered': OWN,
    'offer_retained fetch_add sub->offered_count': COUNTER,
    'retained_for load sub->slots': OWN,
    'forget_offers store page->offered': 'START, a message, orders it',
    'forget_offers store sub->lent': OWN,
    'forget_offers store sub->offered_count': COUNTER,
    'forget_offers store sub->withdrawn_count': COUNTER,
    'forget_offers store sub->last_offered': OWN,
    'zti_subscription_mute fetch_or sub->mute': OWN,
    'zti_subscription_mute fetch_add sub->withdrawn_count': COUNTER,
    'zti_connection_process load page->messages':
        'a hint: the message is in the socket all the same',
    'say fetch_add page->messages': 'the same',
    'look load page->messages': 'the same',
    'zti_connection_close load conn->held': 'too many: a BYE for nothing',
    'zt_release load taken->out': 'whoever releases was handed the frame',
    'deliver store taken->out': 'whoever releases is handed the frame',
    'deliver fetch_add conn->held': 'whoever releases is handed the frame',
    'zt_subscriber_get_stats load conn->held': COUNTER,
    'in_child store e->forked': 'the child has one thread',
    'zti_forked load entry->forked': 'the child has one thread',
    'set_up store page->waiting': 'WELCOME, a message, orders it',
    'catch_up load sub->last_offered':
        'old: it is attached anew for nothing, which looks again',
    'leave fetch_sub pub->subscribers': COUNTER,
    'zti_peer_kill fetch_sub pub->subscribers': COUNTER,
    'zti_peer_kill fetch_add pub->cut_off': COUNTER,
    'zti_peer_refuse fetch_add pub->refused': COUNTER,
    'zt_publish store board->published': COUNTER,
    'zt_publish store board->newest_ns': COUNTER,
    'fill_info load board->published': COUNTER,
    'fill_info load board->newest_ns': COUNTER,
    'zt_publisher_get_stats load board->published': COUNTER,
    'fill_info load pub->subscribers': COUNTER,
    'get load word': COUNTER,
    'fill_latency load page->latency': COUNTER,
    'fill_row load sub->mute': COUNTER,
    'count load counter': COUNTER,
    'count store counter': COUNTER,
    'zti_add load counter': COUNTER,
    'zti_add store counter': COUNTER,
    'put store word': COUNTER,
    'measure store bucket': COUNTER,
    'measure load bucket': COUNTER,
    'find_slot store board->waiting': 'set too long: a WAKE for nothing',
    'zti_loan_slowly store board->waiting': 'set too long: a WAKE for nothing',
    'zti_loan_slowly store pub->loan_waits_now': 'the same',
    'zt_publisher_wait_subscribers store pub->loan_waits_now': 'the same',
    'tell_freed load pub->retiring':
        'set by this thread; then only slots leave it, and a kick too many '
        'does no harm',
    'make_room load pub->retiring': 'the same',
    'zti_serve load pub->retiring': 'under the lock',
    'zti_segments_collect store pub->retiring': 'under the lock',
    'zti_segments_provide load pub->slot_size': 'under the lock',
    'make_room load pub->slot_size': OWN,
    'zti_loan_slowly load pub->slot_size': OWN,
    'offer_latest load page->offered': GUIDE,
    'offer_one load sub->mute': OWN,
    'zti_evict fetch_or sub->mute': OWN,
    'slots_ready load sub->lent': OWN,
    'zti_get_loaned load pub->loaned': OWN,
    'patience load sub->lent': GUIDE,
    'patience load page->offered': GUIDE,
}


def kind_of(operation):
    if operation == 'thread_fence':
        return 'fence'
    return operation if operation in ('load', 'store') else 'update'


class Code:
    """The accesses of the code, for programs; one of them may be weakened."""

    def __init__(self, sites, weak=None):
        self.sites = sites
        self.weak = weak            # (site, order)
        self.used = set()

    def find(self, name, nth=0):
        """A site by `function operation word`."""
        found = [site for site in self.sites
                 if f'{site.function} {site.operation} {site.word}'.strip() ==
                 name]
        if nth >= len(found):
            raise LookupError(f'the code has no such access: {name}')
        return found[nth]

    def in_order(self, function):
        """What a function does, calls too, as `operation word`."""
        return [f'{site.operation} {site.word}' for site in self.sites
                if site.function == function]

    def __call__(self, name, *values, at=None, nth=0):
        site = self.find(name, nth)
        self.used.add(site)
        order = site.orders[0]
        if self.weak and self.weak[0] == site:
            order = self.weak[1]
        kind = kind_of(site.operation)
        if kind == 'fence':
            # no fence at all orders nothing, as a relaxed one
            return Access('fence', None, order or 'relaxed', None, None)
        word = at or site.word
        if site.operation == 'compare_exchange':
            expected, wanted = values
            return Access('update', word, order,
                          lambda old: wanted if old == expected else None,
                          site.orders[1])
        change = (CHANGE[site.operation](*values)
                  if kind != 'load' else None)
        return Access(kind, word, order, change, None)


def run(name, code):
    threads, bad, *initial = PROGRAMS[name](code)
    return check(threads, bad, *initial)


def title(site):
    return f'{site.function} {site.operation} {site.word}'.strip()


def check_programs(sites):
    """(passed, line) of each program; and which program uses which site."""
    results, users = [], {}
    for name in PROGRAMS:
        code = Code(sites)
        try:
            outcome = run(name, code)
        except LookupError as error:
            results.append((False, f'order {name}: {error.args[0]}'))
            continue
        good = outcome.executions and not outcome.bad
        results.append((good, f'order {name}: {outcome.executions} executions'
                        + ('' if good else f', {outcome.bad} bad: '
                           f'{outcome.example}')))
        for site in code.used:
            users.setdefault(site, []).append(name)
    return results, users


def fails_with(site, order, sites, programs):
    """The first program that does not hold with this order; and executions."""
    executions = 0
    for name in programs:
        outcome = run(name, Code(sites, (site, order)))
        executions += outcome.executions
        if outcome.bad:
            return name, executions
    return None, executions


def check_weaker(sites, users):
    """(passed, line) of each order, weakened."""
    results = []
    for site in sites:
        notches = WEAKER.get(kind_of(site.operation), {}).get(
            site.orders[0] if site.orders else None, [])
        for order in notches if site in users else ():
            name, executions = fails_with(site, order, sites, users[site])
            what = (f'order {title(site)}, {site.orders[0]} → '
                    f'{order or "none"}: {executions} executions, ')
            spare = (title(site), order) in SPARE
            if name:
                results.append((not spare, what + f'fails in {name}' +
                                (', but is listed as spare' if spare else '')))
            else:
                results.append((spare, what + (
                    f'holds: {SPARE[title(site), order]}' if spare else
                    'holds, so the code could have that')))
    return results


def check_covered(sites, users):
    """Each atomic access is in a program, or is relaxed for a stated reason."""
    results = []
    for site in sites:
        name = title(site)
        if (site.operation == 'call' or name in
                {title(user) for user in users}):
            continue
        why = SPARE.get(name) or (RELAXED.get(name) if
                                  set(site.orders) == {'relaxed'} else None)
        if not why:
            results.append((False, f'order {site.file}: {name} '
                            f'({", ".join(site.orders)}) is in no program'))
    names = {title(site) for site in sites}
    for name in [*RELAXED, *(n if isinstance(n, str) else n[0]
                             for n in SPARE)]:
        if name not in names:
            results.append((False, f'order {name}: listed, but not there'))
    return results or [(True, f'order: all {len(sites)} accesses of the code '
                        'are accounted for')]


def main():
    sites = source.read()
    results, users = check_programs(sites)
    results += check_weaker(sites, users)
    results += check_covered(sites, users)
    for good, line in results:
        print(('ok   ' if good else 'FAIL ') + line)


if __name__ == '__main__':
    main()
