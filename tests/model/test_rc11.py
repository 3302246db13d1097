# SPDX-License-Identifier: MIT
"""The checker of memory orders gives the known answers to the known tests."""
import itertools
import unittest

from rc11 import (ACQUIRE, ACQ_REL, PLAIN, RELAXED, RELEASE, SEQ_CST, check,
                  compare_exchange, exchange, fence, fetch_add, load, require,
                  store, update)


def allowed(threads, outcome, initial=None):
    """Can the threads return this?"""
    return check(threads, lambda seen: seen == outcome, initial).bad > 0


def writer(*accesses):
    def thread():
        for access in accesses:
            yield access
    return thread


def reader(*accesses):
    def thread():
        seen = []
        for access in accesses:
            value = yield access
            if access.kind in ('load', 'update'):
                seen.append(value)
        return seen
    return thread


def message_passing(write, read, first=None, second=None):
    one = [store('x', 1, RELAXED), store('y', 1, write)]
    two = [load('y', read), load('x', RELAXED)]
    if first:
        one.insert(1, fence(first))
    if second:
        two.insert(1, fence(second))
    return allowed([writer(*one), reader(*two)], [None, [1, 0]])


def store_buffering(write, read, first=None, second=None):
    threads = []
    for mine, other, order in ('x', 'y', first), ('y', 'x', second):
        accesses = [store(mine, 1, write), load(other, read)]
        if order:
            accesses.insert(1, fence(order))
        threads.append(reader(*accesses))
    return allowed(threads, [[0], [0]])


class KnownAnswers(unittest.TestCase):
    def test_message_passing(self):
        for write, read in itertools.product((RELAXED, RELEASE, SEQ_CST),
                                             (RELAXED, ACQUIRE, SEQ_CST)):
            self.assertEqual(message_passing(write, read),
                             RELAXED in (write, read), (write, read))

    def test_message_passing_with_fences(self):
        for first, second, expected in (
                (RELEASE, ACQUIRE, False), (ACQ_REL, ACQ_REL, False),
                (SEQ_CST, SEQ_CST, False), (RELEASE, None, True),
                (None, ACQUIRE, True), (ACQUIRE, ACQUIRE, True),
                (RELEASE, RELEASE, True)):
            self.assertEqual(message_passing(RELAXED, RELAXED, first, second),
                             expected, (first, second))
        self.assertFalse(message_passing(RELEASE, RELAXED, None, ACQUIRE))
        self.assertFalse(message_passing(RELAXED, ACQUIRE, RELEASE, None))

    def test_store_buffering(self):
        self.assertFalse(store_buffering(SEQ_CST, SEQ_CST))
        for write, read in itertools.product((RELAXED, RELEASE, SEQ_CST),
                                             (RELAXED, ACQUIRE, SEQ_CST)):
            self.assertEqual(store_buffering(write, read),
                             not write == read == SEQ_CST, (write, read))

    def test_store_buffering_with_fences(self):
        self.assertFalse(store_buffering(RELAXED, RELAXED, SEQ_CST, SEQ_CST))
        self.assertTrue(store_buffering(RELAXED, RELAXED, ACQ_REL, SEQ_CST))
        self.assertTrue(store_buffering(RELAXED, RELAXED, None, SEQ_CST))
        # one side with a fence, the other seq_cst throughout
        self.assertFalse(store_buffering(SEQ_CST, SEQ_CST, SEQ_CST, None))

    def test_one_side_fence_other_seq_cst(self):
        def one(write, read):
            return allowed([reader(store('x', 1, RELAXED), fence(SEQ_CST),
                                   load('y', RELAXED)),
                            reader(store('y', 1, write), load('x', read))],
                           [[0], [0]])
        self.assertFalse(one(SEQ_CST, SEQ_CST))
        self.assertTrue(one(RELEASE, SEQ_CST))
        self.assertTrue(one(SEQ_CST, ACQUIRE))

    def test_store_buffering_with_updates(self):
        """An update that is not seq_cst does not order what follows it."""
        for order, expected in ((SEQ_CST, False), (ACQ_REL, True)):
            threads = [reader(exchange(mine, 1, order), load(other, SEQ_CST))
                       for mine, other in (('x', 'y'), ('y', 'x'))]
            self.assertEqual(allowed(threads, [[0, 0], [0, 0]]), expected)

    def test_load_buffering(self):
        """RC11 forbids it in all orders (the price of no thin air)."""
        for read, write in itertools.product((RELAXED, ACQUIRE),
                                             (RELAXED, RELEASE)):
            threads = [reader(load('x', read), store('y', 1, write)),
                       reader(load('y', read), store('x', 1, write))]
            self.assertFalse(allowed(threads, [[1], [1]]))

    def test_coherence(self):
        """Reads of one word do not go back; writes of it have one order."""
        one = writer(store('x', 1, RELAXED))
        two = writer(store('x', 2, RELAXED))
        pair = reader(load('x', RELAXED), load('x', RELAXED))
        self.assertFalse(allowed([one, pair], [None, [1, 0]]))
        self.assertTrue(allowed([one, pair], [None, [0, 1]]))
        self.assertFalse(allowed([one, two, pair, pair],
                                 [None, None, [1, 2], [2, 1]]))
        self.assertFalse(allowed(
            [reader(load('x', RELAXED), store('x', 1, RELAXED))], [[1]]))
        self.assertFalse(allowed(
            [reader(store('x', 1, RELAXED), load('x', RELAXED))], [[0]]))

    def test_independent_reads(self):
        """IRIW: only seq_cst gives all readers one order of two writers."""
        for order, expected in ((ACQUIRE, True), (SEQ_CST, False)):
            write = SEQ_CST if order == SEQ_CST else RELEASE
            self.assertEqual(allowed(
                [writer(store('x', 1, write)), writer(store('y', 1, write)),
                 reader(load('x', order), load('y', order)),
                 reader(load('y', order), load('x', order))],
                [None, None, [1, 0], [1, 0]]), expected, order)
        self.assertFalse(allowed(
            [writer(store('x', 1, RELAXED)), writer(store('y', 1, RELAXED)),
             reader(load('x', RELAXED), fence(SEQ_CST), load('y', RELAXED)),
             reader(load('y', RELAXED), fence(SEQ_CST), load('x', RELAXED))],
            [None, None, [1, 0], [1, 0]]))

    def test_two_writes_each(self):
        """2+2W, and with fences."""
        def both_first(order, with_fence=False):
            def thread(mine, other):
                accesses = [store(mine, 1, order), store(other, 2, order)]
                if with_fence:
                    accesses.insert(1, fence(SEQ_CST))
                return writer(*accesses)
            return check([thread('x', 'y'), thread('y', 'x')],
                         lambda _, last: last == {'x': 1, 'y': 1}).bad > 0
        self.assertTrue(both_first(RELAXED))
        self.assertTrue(both_first(RELEASE))
        self.assertFalse(both_first(SEQ_CST))
        self.assertFalse(both_first(RELAXED, True))

    def test_causality(self):
        """WRC and ISA2: happens-before passes on through a third thread."""
        for order, expected in (((RELEASE, ACQUIRE), False),
                                ((RELAXED, ACQUIRE), True),
                                ((RELEASE, RELAXED), True)):
            write, read = order
            self.assertEqual(allowed(
                [writer(store('x', 1, RELEASE)),
                 reader(load('x', ACQUIRE), store('y', 1, write)),
                 reader(load('y', read), load('x', RELAXED))],
                [None, [1], [1, 0]]), expected, order)

    def test_release_sequence(self):
        """It passes through updates, of others too, not through stores."""
        def through(*middle, mine=()):
            return allowed(
                [writer(store('x', 1, RELAXED), store('y', 1, RELEASE), *mine),
                 *middle, reader(load('y', ACQUIRE), load('x', RELAXED))],
                [None, *([None] * len(middle)), [2, 0]])
        self.assertFalse(through(writer(
            update('y', lambda old: old * 2, RELAXED))))
        self.assertTrue(through(writer(store('y', 2, RELAXED))))
        # C++20: nor through a later store of the same thread
        self.assertTrue(through(mine=(store('y', 2, RELAXED),)))

    def test_atomicity(self):
        threads = [writer(fetch_add('x', 1, RELAXED)) for _ in range(3)]
        outcome = check(threads, lambda _, last: last['x'] != 3)
        self.assertEqual((outcome.executions, outcome.bad), (6, 0))

        def attempt(me):
            def thread():
                return (yield compare_exchange('x', 0, me, ACQ_REL,
                                               RELAXED)) == 0
            return thread
        outcome = check([attempt(1), attempt(2)],
                        lambda seen: seen.count(True) != 1)
        self.assertEqual((outcome.executions, outcome.bad), (2, 0))

    def test_lock(self):
        """A spin lock that is taken once by each of two."""
        def user(take, leave):
            def thread():
                yield require((yield exchange('lock', 1, take)) == 0)
                yield store('data', (yield load('data')) + 1)
                yield store('lock', 0, leave)
            return thread
        for take, leave, good in ((ACQUIRE, RELEASE, True),
                                  (RELAXED, RELEASE, False),
                                  (ACQUIRE, RELAXED, False)):
            outcome = check([user(take, leave)] * 2,
                            lambda _, last: last['data'] != 2)
            self.assertTrue(outcome.executions)
            self.assertEqual(outcome.bad == 0, good, outcome)

    def test_races(self):
        def publish(order):
            def thread():
                yield store('data', 1, PLAIN)
                yield store('flag', 1, order)
            return thread

        def consume():
            if (yield load('flag', ACQUIRE)):
                return (yield load('data'))
            return None
        self.assertEqual(check([publish(RELEASE), consume],
                               lambda seen: seen[1] == 0).bad, 0)
        outcome = check([publish(RELAXED), consume])
        self.assertEqual(outcome.example, 'a data race on data')

    def test_sequence_lock(self):
        def write(first, last):
            def thread():
                yield store('serial', 1, RELAXED)
                if first:
                    yield fence(RELEASE)
                yield store('a', 1, RELAXED)
                yield store('b', 1, RELAXED)
                yield store('serial', 2, last)
            return thread

        def read(first, last):
            def thread():
                before = yield load('serial', first)
                yield require(not before & 1)
                seen = (yield load('a', RELAXED)), (yield load('b', RELAXED))
                if last:
                    yield fence(ACQUIRE)
                yield require((yield load('serial', RELAXED)) == before)
                return seen
            return thread
        for first, last, begin, end in itertools.product(
                (True, False), (RELEASE, RELAXED), (ACQUIRE, RELAXED),
                (True, False)):
            outcome = check([write(first, last), read(begin, end)],
                            lambda seen: seen[1] not in ((0, 0), (1, 1)))
            good = (first and end and last == RELEASE and begin == ACQUIRE)
            self.assertEqual(outcome.bad == 0, good, (first, last, begin, end))


if __name__ == '__main__':
    unittest.main()
