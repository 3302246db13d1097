# SPDX-License-Identifier: MIT
"""
What the demo shows: lines that stay, and on a terminal below them a table
that is drawn anew.
"""
import os
import shutil
import sys

HEAD = ('reader', 'delivery', 'published', 'taken', 'dropped', 'offered',
        'latency', 'doing')
LEFT = ('reader', 'delivery', 'doing')      # the rest are numbers


def duration(ns):
    for unit, size in (('s', 1e9), ('ms', 1e6), ('us', 1e3)):
        if ns >= size:
            return f'{ns / size:.1f} {unit}'
    return f'{ns} ns'


def columns(rows):
    """Rows of cells as lines, aligned under HEAD."""
    cells = [HEAD] + [tuple(map(str, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return ['  '.join(cell.ljust(width) if name in LEFT else cell.rjust(width)
                      for name, cell, width in zip(HEAD, line, widths))
            for line in cells]


def reader_row(name, delivery, player, seen):
    """
    A line of the table: a reader, and what the publisher says of it. What it
    says is up to a quarter of a second old, so the number published is that
    of the same moment, since the reader joined. The latency is the median.
    """
    if not seen:
        return (name, delivery, *['-'] * 5,
                'waits' if player.at_work() else player.doing)
    counts = seen['taken'], seen['dropped'], seen['waiting']
    return (name, delivery, sum(counts), *counts,
            duration(seen['latency_ns']['p50']), player.doing)


def stream_line(info):
    if not info:
        return 'cam0: no publisher'
    picture = info['format'] or {'name': '-', 'width': 0, 'height': 0}
    return (f'cam0: publisher {info["epoch"]} (pid {info["pid"]}), '
            f'{picture["name"]} {picture["width"]}x{picture["height"]}, '
            f'{info["fps"]:.1f} fps, {info["slots"]} slots, '
            f'{info["memory"] / 2 ** 20:.1f} MiB')


class Screen:
    def __init__(self):
        self.live = (sys.stdout.isatty() and
                     os.environ.get('TERM', 'dumb') != 'dumb')
        self._drawn = 0

    def _erase(self):
        if self._drawn:
            sys.stdout.write(f'\033[{self._drawn}F\033[J')
        self._drawn = 0

    def say(self, text=''):
        """A line that stays."""
        self._erase()
        print(text, flush=True)

    def draw(self, lines):
        """What stands below, until the next call."""
        if not self.live:
            return
        size = shutil.get_terminal_size()
        lines = [line[:size.columns - 1] for line in lines][:size.lines - 1]
        self._erase()
        sys.stdout.write('\n'.join(lines) + '\n')
        sys.stdout.flush()
        self._drawn = len(lines)

    def clear(self):
        self._erase()
        sys.stdout.flush()
