# SPDX-License-Identifier: MIT
"""
The memory model of C11 and C++20 in its repaired form (RC11: Lahav et al.,
2017; release sequences as in C++20), for programs of a few accesses: makes all
executions of a program that the model allows, and tells which end badly.

A program is a list of threads. A thread is a generator function without
arguments: it yields its accesses, is sent what they read, and returns what the
question is about.

    def writer():
        yield store('data', 1)                  # plain
        yield store('flag', 1, RELEASE)

    def reader():
        if (yield load('flag', ACQUIRE)):
            return (yield load('data'))

    outcome = check([writer, reader], bad=lambda seen: seen[1] == 0)

All words begin as 0, or as `initial` says. A data race is always bad. Loops
have to be bounded; `yield require(condition)` leaves out the executions where
it does not hold.
"""
import itertools
from collections import namedtuple

PLAIN, RELAXED, ACQUIRE, RELEASE, ACQ_REL, SEQ_CST = (
    'plain', 'relaxed', 'acquire', 'release', 'acq_rel', 'seq_cst')
ACQUIRES = {ACQUIRE, ACQ_REL, SEQ_CST}
RELEASES = {RELEASE, ACQ_REL, SEQ_CST}

Access = namedtuple('Access', 'kind word order change fail_order')
Event = namedtuple('Event', 'kind word order read written thread')
Outcome = namedtuple('Outcome', 'executions bad example')


def load(word, order=PLAIN):
    return Access('load', word, order, None, None)


def store(word, value, order=PLAIN):
    return Access('store', word, order, lambda _: value, None)


def update(word, change, order):
    """A read-modify-write; is sent what was there before."""
    return Access('update', word, order, change, None)


def exchange(word, value, order):
    return update(word, lambda _: value, order)


def fetch_or(word, bits, order):
    return update(word, lambda old: old | bits, order)


def fetch_and(word, bits, order):
    return update(word, lambda old: old & bits, order)


def fetch_add(word, more, order):
    return update(word, lambda old: old + more, order)


def compare_exchange(word, expected, value, order, fail_order):
    """Is sent what was there before: it succeeded where that is expected."""
    return Access('update', word, order,
                  lambda old: value if old == expected else None, fail_order)


def fence(order):
    return Access('fence', None, order, None, None)


def require(condition):
    return Access('require' if condition else 'abandon', None, None, None, None)


class Relation:
    """A relation over events: for each, the set of its successors' bits."""

    def __init__(self, size, pairs=()):
        self.rows = [0] * size
        for a, b in pairs:
            self.rows[a] |= 1 << b

    def _with(self, rows):
        other = Relation(0)
        other.rows = rows
        return other

    def __or__(self, other):
        return self._with([a | b for a, b in zip(self.rows, other.rows)])

    def __and__(self, other):
        return self._with([a & b for a, b in zip(self.rows, other.rows)])

    def then(self, other):
        rows = []
        for row in self.rows:
            reached = 0
            while row:
                low = row & -row
                reached |= other.rows[low.bit_length() - 1]
                row ^= low
            rows.append(reached)
        return self._with(rows)

    def closed(self):
        rows = list(self.rows)
        for k in range(len(rows)):
            bit, row = 1 << k, rows[k]
            for i, other in enumerate(rows):
                if other & bit:
                    rows[i] |= row
        return self._with(rows)

    def reflexive(self):
        return self._with([row | 1 << i for i, row in enumerate(self.rows)])

    def between(self, sources, targets):
        """What leads from one set of events into another (sets of bits)."""
        return self._with([row & targets if sources >> i & 1 else 0
                           for i, row in enumerate(self.rows)])

    def inverse(self):
        size = len(self.rows)
        return Relation(size, ((b, a) for a in range(size)
                               for b in range(size) if self.has(a, b)))

    def has(self, a, b):
        return self.rows[a] >> b & 1

    def loops(self):
        return any(row >> i & 1 for i, row in enumerate(self.rows))

    def cyclic(self):
        return self.closed().loops()


def _trace(thread, number, answers):
    """
    Run a thread on given answers to its reads. Returns its events, the word it
    wants to read next (None: it ended), and what it returned (None, and no
    events, where the execution is to be left out).
    """
    events, answers = [], iter(answers)
    body = thread()
    try:
        access = next(body)
        while True:
            sent = None
            if access.kind == 'abandon':
                return None, None, None
            if access.kind in ('load', 'update'):
                sent = next(answers, None)
                if sent is None:
                    return events, access.word, None
            if access.kind != 'require':
                written = access.change(sent) if access.change else None
                failed = access.kind == 'update' and written is None
                events.append(Event('load' if failed else access.kind,
                                    access.word,
                                    access.fail_order if failed
                                    else access.order, sent, written, number))
            access = body.send(sent)
    except StopIteration as end:
        return events, None, end.value


def _traces(thread, number, values):
    """All complete traces, reads answered with any of the word's values."""
    pending = [[]]
    while pending:
        answers = pending.pop()
        events, word, result = _trace(thread, number, answers)
        if word is not None:
            pending += [answers + [value]
                        for value in values.get(word, (0,))]
        yield events, word is None and events is not None, result


def _all_traces(threads, initial):
    """
    The traces of each thread. What a word can hold is found in rounds, each
    from what the one before let the threads write; a value depends on no more
    writes than there are, so that many rounds do.
    """
    values = {word: {value} for word, value in initial.items()}
    rounds = 0
    while True:
        found, grown, writes = [], False, 0
        for number, thread in enumerate(threads):
            found.append([])
            longest = 0
            for events, complete, result in list(
                    _traces(thread, number, values)):
                wrote = [e for e in events or () if e.written is not None]
                longest = max(longest, len(wrote))
                for event in wrote:
                    known = values.setdefault(
                        event.word, {initial.get(event.word, 0)})
                    grown |= event.written not in known
                    known.add(event.written)
                if complete:
                    found[-1].append((events, result))
            writes += longest
        rounds += 1
        if not grown or rounds > writes:
            return found


class Candidate:
    """The events of one trace per thread, and what depends on them alone."""

    def __init__(self, traces, initial):
        words = sorted({e.word for t in traces for e in t if e.word})
        self.events = [Event('store', word, PLAIN, None, initial.get(word, 0),
                             None) for word in words]
        before = (1 << len(words)) - 1
        self.size = len(words) + sum(map(len, traces))
        self.sb = Relation(self.size)
        for trace in traces:
            mine = 0
            for event in trace:
                index = len(self.events)
                self.events.append(event)
                for i in range(index):
                    if (before | mine) >> i & 1:
                        self.sb.rows[i] |= 1 << index
                mine |= 1 << index
        of_word = {word: self.all(lambda e, w=word: e.word == w)
                   for word in words}
        self.same_word = Relation(self.size)
        self.same_word.rows = [of_word.get(e.word, 0) for e in self.events]
        self.fences = self.all(lambda e: e.kind == 'fence')
        self.seq_cst = self.all(lambda e: e.order == SEQ_CST)
        self.everything = (1 << self.size) - 1
        self.writes_of = {word: [i for i, e in enumerate(self.events)
                                 if e.word == word and e.written is not None]
                          for word in words}
        self.reads = [i for i, e in enumerate(self.events)
                      if e.read is not None]

    @staticmethod
    def possible(traces, initial):
        """Is everything that is read written, or there in the beginning?"""
        events = [event for trace in traces for event in trace]
        written = {(e.word, e.written) for e in events
                   if e.written is not None}
        return all(e.read is None or (e.word, e.read) in written or
                   e.read == initial.get(e.word, 0) for e in events)

    def all(self, condition):
        return sum(1 << i for i, e in enumerate(self.events) if condition(e))

    def sources(self):
        """Every way in which each read can have a write to read from."""
        choices = []
        for read in self.reads:
            event = self.events[read]
            choices.append([w for w in self.writes_of[event.word]
                            if w != read and not self.sb.has(read, w) and
                            self.events[w].written == event.read])
        for chosen in itertools.product(*choices):
            updated = [w for r, w in zip(self.reads, chosen)
                       if self.events[r].kind == 'update']
            if len(set(updated)) == len(updated):   # no two update one value
                yield Relation(self.size, zip(chosen, self.reads))

    def happens_before(self, rf):
        updates = self.all(lambda e: e.kind == 'update')
        chain = rf.between(self.everything, updates).closed().reflexive()
        release = self.all(lambda e: e.order in RELEASES)
        acquire = self.all(lambda e: e.order in ACQUIRES)
        atomic_w = self.all(lambda e: e.written is not None and
                            e.order != PLAIN)
        atomic_r = self.all(lambda e: e.read is not None and
                            e.order != PLAIN)
        none = Relation(self.size).reflexive()
        head = none | self.sb.between(self.fences, self.everything)
        tail = none | self.sb.between(self.everything, self.fences)
        sw = (head.between(release, atomic_w).then(chain).then(rf)
              .between(release, atomic_r).then(tail).between(release, acquire))
        return (self.sb | sw).closed()

    def orders(self, rf, hb):
        """Every coherent order of the writes, as relations (mo, rb)."""
        per_word = []
        for word, writes in self.writes_of.items():
            good = []
            for order in itertools.permutations(writes[1:]):
                pair = self._coherent(word, [writes[0], *order], rf, hb)
                if pair:
                    good.append(pair)
            per_word.append(good)
        for choice in itertools.product(*per_word):
            mo = rb = Relation(self.size)
            for one_mo, one_rb in choice:
                mo, rb = mo | one_mo, rb | one_rb
            yield mo, rb

    def _coherent(self, word, order, rf, hb):
        place = {write: i for i, write in enumerate(order)}
        mo = Relation(self.size, itertools.combinations(order, 2))
        rb, mine = [], Relation(self.size)
        for write in order:
            for read in self.reads:
                if not rf.has(write, read):
                    continue
                mine.rows[write] |= 1 << read
                # an update stands right behind what it read
                if (self.events[read].kind == 'update' and
                        place[read] != place[write] + 1):
                    return None
                rb += [(read, later) for later in order[place[write] + 1:]
                       if later != read]
        rb = Relation(self.size, rb)
        eco = (mine | mo | rb).closed()
        if hb.then(eco.reflexive()).loops():
            return None
        return mo, rb

    def sequentially_consistent(self, hb, mo, rb):
        if not self.seq_cst:
            return True
        away = Relation(self.size)
        away.rows = [row & ~same for row, same in
                     zip(self.sb.rows, self.same_word.rows)]
        scb = (self.sb | away.then(hb).then(away) |
               (hb & self.same_word) | mo | rb)
        sc_fences = self.fences & self.seq_cst
        none = Relation(self.size).reflexive()
        head = (none.between(self.seq_cst, self.seq_cst) |
                hb.reflexive().between(sc_fences, self.everything))
        tail = (none.between(self.seq_cst, self.seq_cst) |
                hb.reflexive().between(self.everything, sc_fences))
        eco = (self.rf | mo | rb).closed()
        fenced = (hb | hb.then(eco).then(hb)).between(sc_fences, sc_fences)
        return not (head.then(scb).then(tail) | fenced).cyclic()

    def races(self, hb):
        for a, b in itertools.combinations(range(self.size), 2):
            x, y = self.events[a], self.events[b]
            if (x.word and x.word == y.word and x.thread != y.thread and
                    PLAIN in (x.order, y.order) and
                    (x.written is not None or y.written is not None) and
                    not hb.has(a, b) and not hb.has(b, a)):
                return f'a data race on {x.word}'
        return None

    def executions(self):
        """What the model allows: (hb, the final values)."""
        for rf in self.sources():
            if (self.sb | rf).cyclic():
                continue
            hb = self.happens_before(rf)
            if hb.loops():
                continue
            self.rf = rf
            for mo, rb in self.orders(rf, hb):
                if self.sequentially_consistent(hb, mo, rb):
                    last = {word: next(self.events[w].written for w in writes
                                       if not mo.rows[w])
                            for word, writes in self.writes_of.items()}
                    yield hb, last


def check(threads, bad=lambda seen: False, initial=None):
    """
    All executions of a program. `bad` is given what the threads returned, and,
    where it takes a second argument, the final values of the words.
    """
    initial = initial or {}
    wants_last = bad.__code__.co_argcount > 1
    count = found = 0
    example = None
    for chosen in itertools.product(*_all_traces(threads, initial)):
        traces = [events for events, _ in chosen]
        if not Candidate.possible(traces, initial):
            continue
        candidate = Candidate(traces, initial)
        results = [result for _, result in chosen]
        for hb, last in candidate.executions():
            count += 1
            fault = candidate.races(hb)
            if not fault and (bad(results, last) if wants_last
                              else bad(results)):
                fault = f'the threads saw {results}'
            if fault:
                found += 1
                example = example or fault
    return Outcome(count, found, example)
