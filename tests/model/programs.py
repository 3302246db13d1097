# SPDX-License-Identifier: MIT
"""
The handoff, pair by pair: which accesses of the C code rely on each other's
order, as programs for rc11.py. Each access is named by the function it stands
in and what it does there, and has the order that it has in the code.

A program is a function that is given the code's accesses and returns threads,
the question (what must not be seen), and how the words begin.
"""
from rc11 import load, require, store

PROGRAMS = {}
PHASE_BUSY = 1
CLOSED = 1 << 31          # ZTI_HELD_CLOSED


def program(*variants):
    """Register a program, once for each variant, which it is given."""
    def register(function):
        name = function.__name__.replace('_', '-')
        for variant in variants:
            label = f'{name}/{variant.split()[0]}'
            while label in PROGRAMS:
                label += "'"
            PROGRAMS[label] = lambda code, v=variant: function(code, v)
        if not variants:
            PROGRAMS[name] = function
        return function
    return register


def enter(code):
    phase = yield code('zti_enter load pub->phase')
    yield code('zti_enter store pub->phase', phase | PHASE_BUSY)


def leave(code):
    phase = yield code('zti_leave load pub->phase')
    yield code('zti_leave store pub->phase', phase & ~PHASE_BUSY)


def offer(code, variant, bit=1, expected=0):
    """One of the offers, to the word page->offered."""
    if 'compare_exchange' in variant:
        return code(variant, expected, expected | bit, at='page->offered')
    return code(variant, bit, at='page->offered')


OFFERS = ('offer_latest exchange page->offered',
          'offer_queue fetch_or offered',
          'offer_queue compare_exchange offered',
          'offer_lossless fetch_or page->offered')
RETAINED = ('replace_offer exchange page->offered',
            'offer_retained fetch_or page->offered')


def sleepy_subscriber(code):
    """What settle() does; tells the sequence that it finds, or 0."""
    yield code('settle store page->waiting', 1)
    yield code('settle thread_fence')
    if (yield code('offered load page->offered')):
        return (yield code('sequence_of load board->slots.sequence',
                           at='sequence'))
    return 0


@program(*OFFERS)
def wake_subscriber(code, variant):
    """An offer and a subscriber that is about to sleep see one another."""
    def publisher():
        yield code('describe store desc->sequence', 1, at='sequence')
        yield offer(code, variant)
        return (yield code('wake load page->waiting'))

    return ([publisher, lambda: sleepy_subscriber(code)],
            lambda seen: seen == [0, 0])


@program(*RETAINED)
def wake_subscriber_catching_up(code, variant):
    """The same, where the service offers the newest frame."""
    def service():
        yield offer(code, variant)
        return (yield code('zti_subscription_attach exchange page->waiting',
                           0))

    return ([service, lambda: sleepy_subscriber(code)],
            lambda seen: seen == [0, 0], {'sequence': 1})


@program()
def wake_loan_by_return(code):
    """A return, and a loan that is about to sleep."""
    def subscriber():
        yield code('zti_connection_return fetch_or page->returned', 1)
        return (yield code('zti_connection_return load board->waiting'))

    def loan():
        yield code('wait_for_slot store pub->loan_waits_now', 1)
        yield code('wait_for_slot store waiting', 1, at='board->waiting')
        return (yield code('harvest load page->returned'))

    return [subscriber, loan], lambda seen: seen == [0, 0]


@program()
def wake_loan_through_service(code):
    """The service, told by a WAKE, knows that a loan waits."""
    def subscriber():
        if (yield code('zti_connection_return load board->waiting')):
            yield store('socket', 1, 'release')      # the kernel's

    def loan():
        yield code('wait_for_slot store pub->loan_waits_now', 1)
        yield code('wait_for_slot store waiting', 1, at='board->waiting')

    def service():
        yield require((yield load('socket', 'acquire')))
        return (yield code('zti_wake_loan load pub->loan_waits_now'))

    return [subscriber, loan, service], lambda seen: not seen[2]


CHANGES = {
    'attached': ('zti_subscription_attach fetch_or pub->attached', 1,
                 'zti_harvest_all load pub->attached', 0),
    'muted': ('zti_subscription_mute fetch_or pub->attached', 1,
              'zti_harvest_all load pub->attached', 0),
    'removed': ('zti_subscription_remove fetch_and pub->holding', 0,
                'zti_lent load pub->holding', 1),
    'lossless-gone': ('set_lossless fetch_and pub->lossless', 0,
                      'slots_ready load pub->lossless', 1),
    'usable': ('number_places fetch_or pub->usable', 1,
               'zti_pick load pub->usable', 0),
    'acknowledged':
        ('zti_segments_acknowledged store pub->subscriptions.slots', 1,
         'slots_ready load sub->slots', 0),
    'subscribers': ('start fetch_add pub->subscribers', 1,
                    'zt_publisher_wait_subscribers load pub->subscribers', 0),
}


@program(*CHANGES)
def wake_loan_by_service(code, variant):
    """Whatever the service changes, and a loan that is about to sleep."""
    change, value, look, before = CHANGES[variant]
    sleep = ('zt_publisher_wait_subscribers' if variant == 'subscribers'
             else 'wait_for_slot')

    def service():
        yield code(change, value, at='changed')
        return (yield code('zti_wake_loan load pub->loan_waits_now'))

    def loan():
        yield code(f'{sleep} store pub->loan_waits_now', 1)
        return (yield code(look, at='changed'))

    return ([service, loan], lambda seen: seen == [0, before],
            {'changed': before})


@program()
def attach_sees_publish(code):
    """A publish sees who was attached, or the attaching sees the publish."""
    def service():
        yield code('zti_subscription_attach fetch_or pub->attached', 1)
        return (yield code('get_phase load pub->phase')) >> 1

    def publish():
        yield code('zt_publish store pub->phase', 1 << 1 | PHASE_BUSY)
        return (yield code('zti_offer load pub->attached'))

    return [service, publish], lambda seen: seen == [0, 0]


USERS = ('zti_harvest_all load pub->attached',
         'zti_harvest_slot load pub->attached',
         'evict_overdue load pub->attached',
         'slots_ready load pub->attached',
         'zti_offer load pub->attached')


def quiesce(code):
    seen = yield code('get_phase load pub->phase')
    if seen & PHASE_BUSY:
        yield require((yield code('get_phase load pub->phase')) != seen)


@program(*USERS)
def detach_waits(code, variant):
    """After detaching, the frame path does not touch the subscription."""
    def frame_path():
        if variant.startswith('zti_offer'):
            yield code('zt_publish store pub->phase', 1 << 1 | PHASE_BUSY)
        else:
            yield from enter(code)
        if (yield code(variant)):
            yield store('page', (yield load('page')) + 1)
        yield from leave(code)

    def service():
        yield code('zti_subscription_detach fetch_and pub->attached', 0)
        yield from quiesce(code)
        yield store('page', 0)

    return [frame_path, service], lambda seen: False, {'pub->attached': 1}


@program()
def remove_waits(code):
    """After removing, the subscription can be set up anew."""
    def frame_path():
        yield from enter(code)
        if (yield code('zti_lent load pub->holding')):
            yield code('zti_lent load pub->subscriptions.lent', at='lent')
        yield from leave(code)

    def service():
        yield code('zti_subscription_remove fetch_and pub->holding', 0)
        yield from quiesce(code)
        yield store('lent', 0)

    return [frame_path, service], lambda seen: False, {'pub->holding': 1}


@program()
def hand_over_to_service(code):
    """Who takes a subscription out finds what the frame path has lent it."""
    def frame_path():
        yield from enter(code)
        attached = yield code('zti_offer load pub->attached')
        if attached:
            yield code('set_lent store sub->lent', 3, at='lent')
            yield code('offer_one store sub->last_offered', 2)
        yield from leave(code)
        return attached

    def service():
        yield code('zti_subscription_detach fetch_and pub->attached', 0)
        yield from quiesce(code)
        return ((yield code('retained_for load sub->lent', at='lent')),
                (yield code('retained_for load sub->last_offered')))

    return ([frame_path, service],
            lambda seen: seen[1] != ((3, 2) if seen[0] else (1, 1)),
            {'pub->attached': 1, 'lent': 1, 'sub->last_offered': 1})


@program()
def hand_over_to_frame_path(code):
    """And the other way."""
    def service():
        yield code('zti_subscription_mute fetch_and sub->lent', 0, at='lent')
        yield code('zti_subscription_mute fetch_or pub->attached', 1)

    def frame_path():
        yield require((yield code('zti_offer load pub->attached')))
        return (yield code('get_lent load sub->lent', at='lent'))

    return [service, frame_path], lambda seen: seen[1], {'lent': 1}


@program()
def catch_up_sees_publish(code):
    """
    A frame in new memory is offered to a subscriber that has acknowledged it,
    or the service, which hears that, offers it.
    """
    def publish():
        yield code('zt_publish store pub->phase', 1 << 1 | PHASE_BUSY)
        return (yield code('offer_one load sub->slots', at='slots'))

    def service():
        yield code('zti_segments_acknowledged store pub->subscriptions.slots',
                   1, at='slots')
        return (yield code('catch_up load pub->phase')) >> 1

    return [publish, service], lambda seen: seen == [0, 0]


@program()
def leaver_not_evicted(code):
    """One that has left is not put out for being slow."""
    def frame_path():
        yield from enter(code)
        lossless = yield code('evict_overdue load pub->lossless')
        attached = yield code('evict_overdue load pub->attached')
        yield from leave(code)
        return lossless and attached == 2

    def service():
        yield code('zti_subscription_detach fetch_and pub->attached', 0)
        yield code('set_lossless fetch_and pub->lossless', 0)
        yield from quiesce(code)
        yield code('zti_subscription_mute fetch_or pub->attached', 2)

    return ([frame_path, service], lambda seen: seen[0],
            {'pub->attached': 1, 'pub->lossless': 1})


WITHDRAWALS = ('zti_evict exchange page->offered',
               'zti_subscription_mute exchange page->offered',
               'offer_latest exchange page->offered')


@program(*WITHDRAWALS)
def withdraw(code, variant):
    """Who withdraws a frame may write there, since nobody has taken it."""
    def publisher():
        if (yield code(variant, 0)) & 1:
            yield store('pixels', 2)

    def subscriber():
        if (yield code('win fetch_and page->offered', 0)) & 1:
            yield load('pixels')

    return [publisher, subscriber], lambda seen: False, {'page->offered': 1}


@program()
def cut_off_takes_nothing(code):
    """Who is cut off and sees the hang-up finds nothing offered."""
    def service():
        yield code('zti_subscription_remove store page->offered', 0)
        yield store('socket', 1, 'release')      # the kernel's

    def subscriber():
        yield require((yield load('socket', 'acquire')))
        return (yield code('win fetch_and page->offered', 0))

    return [service, subscriber], lambda seen: seen[1], {'page->offered': 1}


@program()
def wake_twice(code):
    """A subscriber that was woken once does not miss the next frame."""
    def publisher():
        yield code('offer_latest exchange page->offered', 1)
        yield require((yield code('wake load page->waiting')))
        yield code('wake store page->waiting', 0)
        yield store('socket', 1, 'release')      # the kernel's
        yield code('offer_latest exchange page->offered', 2)
        return (yield code('wake load page->waiting'))

    def subscriber():
        yield require((yield load('socket', 'acquire')))
        yield code('settle store page->waiting', 1)
        yield code('settle thread_fence')
        return (yield code('offered load page->offered')) & 2

    return ([publisher, subscriber], lambda seen: seen == [0, 0],
            {'page->waiting': 1})


@program()
def retained_seen_by_loan(code):
    """
    The newest frame, lent by the service: either it sees that a later one was
    published, or the loan after that sees it lent.
    """
    def service():
        yield code('offer_retained fetch_or sub->lent', 1, at='lent')
        return (yield code('get_phase load pub->phase')) >> 1

    def frame_path():
        yield code('zt_publish store pub->phase', 1 << 1 | PHASE_BUSY)
        yield from leave(code)
        yield from enter(code)
        return (yield code('zti_lent load pub->subscriptions.lent',
                           at='lent'))

    return [service, frame_path], lambda seen: seen == [0, 0]


@program()
def joiner_seen_by_loan(code):
    """Who is seen to hold is seen with what it has lent."""
    def service():
        yield code('offer_retained fetch_or sub->lent', 1, at='lent')
        yield code('zti_subscription_attach fetch_or pub->holding', 1)

    def loan():
        yield require((yield code('zti_lent load pub->holding')))
        return (yield code('zti_lent load pub->subscriptions.lent',
                           at='lent'))

    return [service, loan], lambda seen: not seen[1]


@program(*OFFERS)
def pixels(code, variant):
    """What is taken was written: one frame, and then another beside it."""
    def publisher():
        for frame in 1, 2:
            yield store(f'pixels {frame}', frame)
            yield code('describe store desc->sequence', frame,
                       at=f'sequence {frame}')
            if 'compare_exchange' in variant:
                old = yield code('offer_queue load offered',
                                 at='page->offered')
                yield offer(code, variant, frame, old)
            else:
                yield offer(code, variant, frame)

    def subscriber():
        seen = yield code('offered load page->offered')
        # the later one first, so that the other is read in a word that
        # this thread has changed itself
        for frame in 2, 1:
            if not seen & frame:
                continue
            if (yield code('win fetch_and page->offered', ~frame)) & frame:
                got = yield load(f'pixels {frame}')
                told = yield code('sequence_of load board->slots.sequence',
                                  at=f'sequence {frame}')
                if got != frame or told != frame:
                    return 'torn'
        return None

    return [publisher, subscriber], lambda seen: seen[1] == 'torn'


@program(*RETAINED)
def retained_pixels(code, variant):
    """The same, where the frame path wrote it and the service offers it."""
    def frame_path():
        yield store('pixels', 1)
        yield code('zt_publish store pub->phase', 1 << 1 | PHASE_BUSY)
        yield from leave(code)

    def service():
        phase = yield code('get_phase load pub->phase')
        yield require(phase == 1 << 1)
        yield offer(code, variant)

    def subscriber():
        if (yield code('win fetch_and page->offered', 0)):
            return (yield load('pixels'))
        return 1

    return [frame_path, service, subscriber], lambda seen: not seen[2]


@program()
def recycle(code):
    """The publisher writes again only when all reading is over."""
    def reader(frame):
        def thread():
            yield load(f'pixels {frame}')
            yield code('zti_connection_return fetch_or page->returned', frame)
        return thread

    def publisher():
        yield require((yield code('harvest load page->returned')))
        back = yield code('harvest exchange page->returned', 0)
        for frame in 1, 2:
            if back & frame:
                yield store(f'pixels {frame}', 9)

    return [reader(1), reader(2), publisher], lambda seen: False


COUNTS = ('offer_latest exchange page->offered', 'offer_queue load offered')


@program(*COUNTS)
def count(code, variant):
    """
    One frame may be held. It is given back on one thread, the next is taken on
    another: who sees that taken sees the first returned.
    """
    def releaser():
        yield code('zti_connection_return fetch_or page->returned', 1)
        yield code('zt_release fetch_sub conn->held', 1)

    def taker():
        yield require(not (yield code('zti_connection_next load conn->held')))
        yield code('win fetch_and page->offered', ~2)

    def publisher():
        if 'exchange' in variant:
            was = yield offer(code, variant, 4)
        else:
            was = yield code(variant, at='page->offered')
        yield require(not was & 2)
        return (yield code('harvest load page->returned'))

    return ([releaser, taker, publisher], lambda seen: not seen[2],
            {'conn->held': 1, 'page->offered': 2})


@program()
def free_connection(code):
    """Closing and the last release: one of them frees, after the other."""
    def releaser():
        yield load('connection')
        if (yield code('zt_release fetch_sub conn->held', 1)) == CLOSED | 1:
            yield store('connection', 'freed')

    def closer():
        yield load('connection')
        if not (yield code('zti_connection_close fetch_or conn->held',
                           CLOSED)):
            yield store('connection', 'freed')

    return ([releaser, closer],
            lambda seen, last: last['connection'] != 'freed',
            {'conn->held': 1})


@program()
def free_connection_by_release(code):
    """Two releases after the close: the last one frees."""
    def releaser():
        yield load('connection')
        if (yield code('zt_release fetch_sub conn->held', 1)) == CLOSED | 1:
            yield store('connection', 'freed')

    return ([releaser, releaser],
            lambda seen, last: last['connection'] != 'freed',
            {'conn->held': CLOSED | 2})


@program()
def abandon(code):
    """
    A connection is hung up only when no reading goes on: the publisher, which
    sees that, writes.
    """
    def releaser():
        yield load('pixels')
        yield code('zt_release fetch_sub conn->held', 1)

    def taker():
        if not (yield code('zti_connection_abandon load conn->held')):
            yield store('pixels', 1)    # on the publisher's part

    return [releaser, taker], lambda seen: False, {'conn->held': 1}


@program()
def unmap(code):
    """A segment is unmapped only when no reading of it goes on."""
    def releaser():
        yield load('mapping')
        yield code('zt_release store taken->out', 0)

    def taker():
        if not (yield code('in_use load taken->out')):
            yield store('mapping', 'gone')

    return [releaser, taker], lambda seen: False, {'taken->out': 1}


@program()
def collect(code):
    """
    A slot goes loaned, newest, lent: whoever looks in the code's order finds
    it in one of the three. Here it is lent already when it is no longer the
    newest.
    """
    looks = [site for site in code.in_order('zti_segments_collect')
             if site in ('load pub->loaned', 'load pub->phase',
                         'call zti_lent')]

    def frame_path():
        yield code('zt_publish store pub->phase', 1 << 1 | PHASE_BUSY)
        yield code('set_lent store sub->lent', 1, at='lent')
        yield from leave(code)
        yield code('zti_set_loaned store pub->loaned', 0)
        yield code('zt_publish store pub->phase', 2 << 1 | PHASE_BUSY)
        yield from leave(code)

    def service():
        found = False
        for look in looks:
            if look == 'call zti_lent':
                found |= bool((yield code(
                    'zti_lent load pub->subscriptions.lent', at='lent')))
            elif 'loaned' in look:
                found |= bool((yield code(f'zti_segments_collect {look}')))
            else:
                found |= (yield code(f'zti_segments_collect {look}')) >> 1 == 1
        return found

    return ([frame_path, service],
            lambda seen: len(looks) != 3 or not seen[1], {'pub->loaned': 1})


@program()
def number_place(code):
    """A slot is used only with the place that its number was given."""
    def service():
        yield store('place', 1)
        yield code('number_places fetch_or pub->usable', 1)

    def loan():
        if (yield code('zti_pick load pub->usable')):
            return (yield load('place'))
        return 1

    return [service, loan], lambda seen: not seen[1]


@program()
def passed_number(code):
    """
    A number that passed to a place unknown to a subscriber is not offered to
    it: who sees it usable sees it taken out of the subscriber's slots.
    """
    def service():
        yield code('zti_segments_acknowledged store pub->subscriptions.slots',
                   0, at='slots')
        yield code('number_places fetch_or pub->usable', 1)

    def frame_path():
        yield require((yield code('zti_pick load pub->usable')))
        return (yield code('offer_one load sub->slots', at='slots'))

    return [service, frame_path], lambda seen: seen[1], {'slots': 1}


@program()
def ready_for_joiner(code):
    """
    Memory made after a lossless subscriber joined: who sees its slots usable
    waits for that subscriber.
    """
    looks = [site for site in code.in_order('zti_pick')
             if site in ('load pub->usable', 'call slots_ready')]

    def service():
        yield code('set_lossless fetch_or pub->lossless', 1)
        yield code('zti_subscription_attach fetch_or pub->attached', 1)
        yield code('number_places fetch_or pub->usable', 1)

    def loan():
        seen = {}
        for look in looks:
            if look == 'call slots_ready':
                seen['attached'] = yield code('slots_ready load pub->attached')
                seen['lossless'] = yield code('slots_ready load pub->lossless')
            else:
                seen['usable'] = yield code('zti_pick load pub->usable')
        return (seen['usable'] and
                not (seen['attached'] and seen['lossless']))

    return [service, loan], lambda seen: seen[1]


@program()
def told_who_is_evicted(code):
    """Joiners who wait for an evicted subscriber are seen to after it."""
    def frame_path():
        yield code('zti_evict fetch_and pub->lossless', 0)
        yield code('zti_evict fetch_or pub->to_evict', 1)

    def service():
        yield require((yield code('zti_peers_attend exchange pub->to_evict',
                                  0)))
        return (yield code('settled load pub->lossless'))

    return [frame_path, service], lambda seen: seen[1], {'pub->lossless': 1}


@program()
def count_subscribers(code):
    """Who was counted is offered what is published after."""
    def service():
        yield code('zti_subscription_attach fetch_or pub->attached', 1)
        yield code('start fetch_add pub->subscribers', 1)

    def program_thread():
        yield require((yield code(
            'zt_publisher_subscribers load pub->subscribers')))
        return (yield code('zti_offer load pub->attached'))

    return [service, program_thread], lambda seen: not seen[1]


@program()
def monitor(code):
    """A monitor's copy of the board is of one moment."""
    def service():
        yield code('zti_rows_write store info->serial', 1, at='serial')
        yield code('zti_rows_write thread_fence')
        for word in 'info', 'row':
            yield store(word, 1, 'relaxed')
        yield code('zti_rows_write store info->serial', 2, at='serial', nth=1)

    def reader():
        before = yield code('copy_board load board->info.serial', at='serial')
        info = yield code('copy_words load shared', at='info')
        row = yield code('copy_words load shared', at='row')
        yield code('copy_board thread_fence')
        after = yield code('copy_board load board->info.serial', at='serial',
                           nth=1)
        yield require(not before & 1 and before == after)
        return info, row

    return [service, reader], lambda seen: seen[1] not in ((0, 0), (1, 1))


@program()
def monitor_twice(code):
    """The same, between the end of one writing and the next."""
    def service():
        for n in 1, 3:
            yield code('zti_rows_write store info->serial', n, at='serial')
            yield code('zti_rows_write thread_fence')
            yield store('info', n, 'relaxed')
            yield code('zti_rows_write store info->serial', n + 1,
                       at='serial', nth=1)

    def reader():
        before = yield code('copy_board load board->info.serial', at='serial')
        info = yield code('copy_words load shared', at='info')
        yield code('copy_board thread_fence')
        after = yield code('copy_board load board->info.serial', at='serial',
                           nth=1)
        yield require(not before & 1 and before == after)
        return before, info

    return ([service, reader],
            lambda seen: seen[1] not in ((0, 0), (2, 1), (4, 3)))


@program()
def newest_format(code):
    """The format shown to monitors is that of a frame that was published."""
    def frame_path():
        yield store('format', 1, 'relaxed')
        yield code('zt_publish store pub->phase', 1 << 1 | PHASE_BUSY)
        yield from leave(code)

    def service():
        yield require((yield code('fill_info load pub->phase')) >> 1)
        return (yield load('format', 'relaxed'))

    return [frame_path, service], lambda seen: not seen[1]


@program()
def end_service(code):
    """The service ends when it is told to."""
    def program_thread():
        yield store('over', 1, 'relaxed')
        yield code('zti_serve_stop store pub->stop', 1)

    def service():
        yield require((yield code('run load pub->stop')))
        return (yield load('over', 'relaxed'))

    return [program_thread, service], lambda seen: not seen[1]
