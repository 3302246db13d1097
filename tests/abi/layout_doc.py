# SPDX-License-Identifier: MIT
"""
docs/layout.md is what src/layout.h is: each table there that begins with
`offset | size | field` tells every byte of the struct that its heading names,
and each that begins with `constant | value` tells the truth.
"""
import os
import re
import subprocess
import tempfile
import unittest

import harness

SOURCE = os.environ['ZT_SOURCE']
PAGE = os.path.join(SOURCE, 'docs', 'layout.md')
HEADER = os.path.join(SOURCE, 'src', 'layout.h')


def tables():
    """(struct named last in a heading, header cells, rows) of each table."""
    struct, head, rows = None, None, []
    with open(PAGE, encoding='utf-8') as file:
        lines = file.read().split('\n')
    for line in lines + ['']:
        if line.startswith('#'):
            named = re.search(r'`struct (\w+)`', line)
            struct = named and named[1]
        if not line.startswith('|'):
            if head:
                yield struct, head, rows
            head, rows = None, []
            continue
        cells = [cell.strip().replace('\\|', '|') for cell in
                 re.split(r'(?<!\\)\|', line)[1:-1]]
        if not head:
            head = cells
        elif not set(line) <= set('|- '):
            rows.append(cells)


def documented_structs():
    """{struct: [(field, offset, size)]}"""
    return {struct: [(row[2].strip('`'), int(row[0]), int(row[1]))
                     for row in rows]
            for struct, head, rows in tables()
            if head[:3] == ['offset', 'size', 'field']}


def documented_constants():
    """{name: value}"""
    return {row[0].strip('`'): int(row[1], 0)
            for _, head, rows in tables() if head[:2] == ['constant', 'value']
            for row in rows}


def without_comments(path):
    with open(path, encoding='utf-8') as file:
        return re.sub(r'/\*.*?\*/', '', file.read(), flags=re.S)


def evaluate(expressions):
    """What C expressions over the header come to."""
    prints = ''.join(f'\tprintf("%lld\\n", (long long)({text}));\n'
                     for text in expressions)
    code = ('#include <stdio.h>\n#include "layout.h"\n'
            f'int main(void)\n{{\n{prints}\treturn 0;\n}}\n')
    with tempfile.TemporaryDirectory() as place:
        program = os.path.join(place, 'values')
        built = subprocess.run(
            [*os.environ['ZT_CC'].split(), '-x', 'c', '-',
             '-I', os.environ['ZT_INCLUDE'], '-I', os.path.dirname(HEADER),
             '-o', program], input=code, capture_output=True, text=True)
        if built.returncode:
            raise AssertionError(built.stderr)
        ran = subprocess.run([program], check=True, capture_output=True,
                             text=True)
    return [int(line) for line in ran.stdout.split()]


class LayoutDoc(unittest.TestCase):
    maxDiff = None

    def test_every_struct_of_the_header_has_a_table(self):
        structs = set(re.findall(r'^struct (zti_\w+) \{\n',
                                 without_comments(HEADER), re.M))
        self.assertTrue(structs)
        self.assertLessEqual(structs, set(documented_structs()))

    def test_fields_stand_where_the_page_says(self):
        said = [(struct, *field) for struct, fields in
                documented_structs().items() for field in fields]
        found = evaluate(part for struct, field, _, _ in said for part in
                         (f'offsetof(struct {struct}, {field})',
                          f'sizeof(((struct {struct} *)0)->{field})'))
        self.assertEqual(said, [
            (struct, field, *found[2 * i:2 * i + 2])
            for i, (struct, field, _, _) in enumerate(said)])

    def test_no_byte_of_a_struct_is_left_out(self):
        structs = documented_structs()
        sizes = evaluate(f'sizeof(struct {struct})' for struct in structs)
        for (struct, fields), size in zip(structs.items(), sizes):
            with self.subTest(struct=struct):
                at = 0
                for field, offset, length in fields:
                    self.assertEqual(offset, at, f'before {field}')
                    at += length
                self.assertEqual(at, size)

    def test_constants_have_the_values_that_the_page_says(self):
        constants = documented_constants()
        found = evaluate(f'(unsigned long long)({name})'
                         for name in constants)
        self.assertEqual(constants, dict(zip(constants, found)))

    def test_every_constant_of_the_header_is_on_the_page(self):
        text = without_comments(HEADER)
        names = set(re.findall(r'^#define (ZTI_\w+)[ \t]+\S', text, re.M))
        for body in re.findall(r'^enum zti_message_type \{(.*?)\}', text,
                               re.M | re.S):
            names |= set(re.findall(r'ZTI_\w+', body))
        self.assertLessEqual(names, set(documented_constants()))


if __name__ == '__main__':
    harness.main()
