# SPDX-License-Identifier: MIT
"""
The atomic accesses of the C sources, as they stand there: which function does
what to which word with which order. What the models say about the code is
checked against this, so that the two cannot come apart.
"""
import glob
import os
import re
from collections import namedtuple

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

# Counters, and what is of no account to the handoff.
PASSED_OVER = {'count', 'zti_add', 'get', 'put', 'measure', 'zti_forked',
               'zti_peer_refuse'}

Site = namedtuple('Site', 'file function operation word orders')

FUNCTION = re.compile(r'^(?:[a-z_][\w *]*?[ *])?([a-z_]\w*)\([^;{}]*?\)\s*\{$',
                      re.M | re.S)
ATOMIC = re.compile(r'\batomic_(\w+)\s*\(')
ORDER = re.compile(r'memory_order_(\w+)$')


def without_comments(text):
    """Comments, strings and attributes become blanks; the length stays."""
    def blank(match):
        return re.sub(r'[^\n]', ' ', match[0])
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text,
                  flags=re.S)
    return re.sub(r'__attribute__\s*\(\(.*?\)\)+', blank, text)


def closing(text, start):
    """The end of the bracket that opens at `start`."""
    depth = 0
    for i in range(start, len(text)):
        depth += text[i] in '({['
        depth -= text[i] in ')}]'
        if not depth:
            return i
    raise ValueError('a bracket is not closed')


def arguments(text):
    parts, depth, part = [], 0, ''
    for c in text:
        depth += c in '({['
        depth -= c in ')}]'
        if c == ',' and not depth:
            parts.append(part)
            part = ''
        else:
            part += c
    return [re.sub(r'\s+', ' ', p).strip() for p in parts + [part]]


def word_of(argument):
    """`&sub->page->offered.word` is `page->offered`."""
    argument = re.sub(r'\[[^\]]*\]', '', argument.lstrip('&* '))
    argument = re.sub(r'\.word$', '', argument)
    return '->'.join(argument.split('->')[-2:])


def sites_of(body, callees):
    """(operation, word, orders), calls of others that have some included."""
    called = '|'.join(map(re.escape, sorted(callees)))
    pattern = f'{ATOMIC.pattern}|(?<!>)\\b({called})\\('
    for match in re.finditer(pattern, body):
        if match[2]:
            yield 'call', match[2], ()
            continue
        operation = re.sub(r'(_strong|_weak)?(_explicit)?$', '', match[1])
        inside = arguments(body[match.end():closing(body, match.end() - 1)])
        orders = tuple(order[1] for order in map(ORDER.match, inside) if order)
        if not match[1].endswith('_explicit') and 'fence' not in operation:
            orders = ('default',)
        word = '' if 'fence' in operation else word_of(inside[0])
        yield operation, word, orders


def functions_of(text):
    """(name, body) of each function defined in a source."""
    text = without_comments(text)
    for match in FUNCTION.finditer(text):
        yield match[1], text[match.end() - 1:closing(text, match.end() - 1)]


def paths(root=ROOT):
    return sorted(path for pattern in ('*.h', '*/*.[ch]')
                  for path in glob.glob(os.path.join(root, 'src', pattern)))


def read(root=ROOT):
    """All sites, in the order of the code."""
    bodies = []
    for path in paths(root):
        with open(path, encoding='utf-8') as file:
            text = file.read()
        bodies += [(os.path.relpath(path, root), *function)
                   for function in functions_of(text)]
    direct = {(path, name) for path, name, body in bodies
              if ATOMIC.search(body) and name not in PASSED_OVER}
    sites = []
    for path, name, body in bodies:
        callees = {other for where, other in direct
                   if where == path or other.startswith('zt')}
        sites += [Site(path, name, *site)
                  for site in sites_of(body, callees - {name})]
    return sites


def count_atomics(root=ROOT):
    """How often an atomic operation is named at all: none may be missed."""
    total = 0
    for path in paths(root):
        with open(path, encoding='utf-8') as file:
            total += len(ATOMIC.findall(without_comments(file.read())))
    return total


def outline(sites):
    """The sites as text, a line for each function."""
    lines = {}
    for site in sites:
        if site.function not in PASSED_OVER:
            lines.setdefault((site.file, site.function), []).append(' '.join(
                part for part in (site.operation, site.word, *site.orders)
                if part))
    return ''.join(f'{function}: {"; ".join(parts)}\n'
                   for (_, function), parts in sorted(
                       lines.items(), key=lambda item: item[0][1]))
