# SPDX-License-Identifier: MIT
"""
Adding up what became of every frame. For each reader, of each publisher:

    published = taken + dropped + away + still offered

`taken` is counted where it ended up (pictures on the disk, frames that were
checked), `dropped` are the numbers that are missing in between, and both are
compared with what the reader says of itself. `away` passed while the reader
was dead. `still offered` is what nobody took to the end: none.
"""
import os
import re
from dataclasses import asdict, dataclass

READERS = {'fast': 'lossless', 'slow': 'latest', 'mortal': 'queue'}
PICTURE = re.compile(r'frame-(?:e(\d+)-)?(\d{8})\.(?:png|jpg)$')


def pictures(directory):
    """{epoch: [numbers of frames]}; epoch 0 is the first that was seen."""
    found = {}
    for name in os.listdir(directory):
        if match := PICTURE.match(name):
            found.setdefault(int(match[1] or 0), []).append(int(match[2]))
    return {epoch: sorted(numbers) for epoch, numbers in found.items()}


@dataclass
class Life:
    """What one process took of one publisher."""
    numbers: list       # of frames, rising
    lost: int = 0       # dropped between its join and the first of them

    def dropped(self):
        if not self.numbers:
            return 0
        span = self.numbers[-1] - self.numbers[0] + 1
        return self.lost + span - len(self.numbers)


def life_from_start(numbers):
    """A life that had begun before the first frame."""
    return Life(numbers, numbers[0] - 1 if numbers else 0)


@dataclass
class Row:
    reader: str
    delivery: str
    publisher: int          # 1, 2
    published: int
    taken: int
    dropped: int
    away: int
    offered: int            # still, when all was over

    def adds_up(self):
        counts = (self.taken, self.dropped, self.away, self.offered)
        return sum(counts) == self.published and min(counts) >= 0


def make_row(reader, publisher, published, lives):
    """The account of a reader's lives under one publisher."""
    away = last = 0
    for life in lives:
        if life.numbers:
            away += life.numbers[0] - last - 1 - life.lost
            last = life.numbers[-1]
    return Row(reader, READERS[reader], publisher, published,
               sum(len(life.numbers) for life in lives),
               sum(life.dropped() for life in lives), away, published - last)


def disagreement(name, summary, lives):
    """What a process says of itself and is not so, in words; or None."""
    said = summary['frames'], summary['dropped']
    counted = (sum(len(life.numbers) for life in lives),
               sum(life.dropped() for life in lives))
    if said == counted:
        return None
    return (f'{name} says that it took {said[0]} frames and lost {said[1]}, '
            f'and it is {counted[0]} and {counted[1]}')


class Account:
    """
    Of a demo that is over. `out` is where its pictures are, `summaries` what
    fast, slow, mortal (its second life) and the second publisher said at
    their end. The first publisher said nothing, it was killed: it published
    what anybody got of it.
    """

    def __init__(self, out, summaries):
        slow, first, again = (pictures(os.path.join(out, name)) for name in
                              ('slow', 'mortal-1', 'mortal-2'))
        ended = summaries['publisher']['frames']
        killed = summaries['fast']['frames'] - ended
        late, after = Life(again.get(0, [])), life_from_start(again.get(2, []))
        late.lost = max(0, summaries['mortal']['dropped'] - late.dropped() -
                        after.dropped())
        self._summaries = summaries
        self._lives = {
            'fast': {1: [Life(list(range(1, killed + 1)))],
                     2: [Life(list(range(1, ended + 1)))]},
            'slow': {1: [life_from_start(slow.get(0, []))],
                     2: [life_from_start(slow.get(2, []))]},
            'mortal': {1: [life_from_start(first.get(0, [])), late],
                       2: [after]},
        }
        published = {1: max(life.numbers[-1] for lives in self._lives.values()
                            for life in lives[1] if life.numbers), 2: ended}
        self.rows = [make_row(reader, number, published[number], lives[number])
                     for reader, lives in self._lives.items()
                     for number in published]

    def taken(self, reader, publisher):
        return next(row.taken for row in self.rows
                    if (row.reader, row.publisher) == (reader, publisher))

    def faults(self, seen):
        """
        What does not add up, in words. Of the first publisher `seen` frames
        were seen before it was killed.
        """
        for row in self.rows:
            # who dies while it offers a frame may have offered it to some
            allowed = 1 if row.publisher == 1 else 0
            if not row.adds_up() or row.offered > allowed:
                yield (f'{row.reader} of publisher {row.publisher} does not '
                       'add up')
        if self.rows[0].published < seen:
            yield f'the first publisher had published at least {seen} frames'
        if self._summaries['fast']['dropped']:
            yield f'fast lost {self._summaries["fast"]["dropped"]} frames'
        for reader in 'slow', 'mortal':
            lives = self._lives[reader]
            fault = disagreement(reader, self._summaries[reader],
                                 [lives[1][-1], lives[2][0]])
            if fault:
                yield fault

    def table(self):
        """The account as lines."""
        head = ('reader', 'delivery', 'publisher', 'published', 'taken',
                'dropped', 'away', 'still offered')
        cells = [head] + [tuple(str(cell) for cell in asdict(row).values())
                          for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*cells)]
        return ['  '.join(cell.ljust(width) if i < 2 else cell.rjust(width)
                          for i, (cell, width) in enumerate(zip(line, widths)))
                for line in cells]
