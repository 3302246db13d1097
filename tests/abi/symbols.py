# SPDX-License-Identifier: MIT
"""
The functions of the public headers, the names in the version map and what the
built library exports are the same; each can be linked from C and from C++.
"""
import glob
import os
import re
import subprocess
import tempfile
import unittest

import harness

INCLUDE = os.environ['ZT_INCLUDE']
LIBRARY = os.environ['ZT_LIBRARY']
MAP = os.environ['ZT_MAP']


def in_headers():
    found = set()
    for path in glob.glob(os.path.join(INCLUDE, 'zoetrope', '*.h')):
        with open(path, encoding='utf-8') as file:
            text = re.sub(r'/\*.*?\*/', '', file.read(), flags=re.S)
        text = re.sub(r'^\s*#.*(\\\n.*)*$', '', text, flags=re.M)
        found |= set(re.findall(r'\bZT_API\b[^;(]*?\b(\w+)\s*\(', text))
    return found


def in_map():
    """{name: version} of the version map."""
    with open(MAP, encoding='utf-8') as file:
        text = re.sub(r'/\*.*?\*/', '', file.read(), flags=re.S)
    found = {}
    for version, names in re.findall(r'([\w.]+)\s*{\s*global:(.*?)(?:local:.*?)?}',
                                     text, re.S):
        found |= {name: version for name in re.findall(r'\w+', names)}
    return found


def in_library():
    """{name: version} of what the library exports."""
    listed = subprocess.run(
        ['nm', '-D', '--defined-only', '--with-symbol-versions', LIBRARY],
        check=True, capture_output=True, text=True).stdout
    symbols = [line.split()[1:] for line in listed.splitlines()]
    return {name.split('@')[0]: name.split('@')[-1]
            for kind, name in symbols if kind != 'A'}


class Symbols(unittest.TestCase):
    maxDiff = None

    def test_headers_and_map_agree(self):
        self.assertTrue(in_headers())
        self.assertEqual(in_headers(), set(in_map()))

    def test_map_and_library_agree(self):
        self.assertEqual(in_map(), in_library())

    def test_the_map_names_each_function(self):
        with open(MAP, encoding='utf-8') as file:
            self.assertEqual(re.findall(r'\w\*', file.read()), [])

    def links(self, compiler, suffix):
        uses = ',\n'.join(f'(void (*)(void))&{name}'
                          for name in sorted(in_headers()))
        code = ('#include <zoetrope/zoetrope.h>\n'
                'extern void (*const all[])(void);\n'
                f'void (*const all[])(void) = {{\n{uses}\n}};\n'
                'int main(void) { return !all[0]; }\n')
        with tempfile.TemporaryDirectory() as place:
            source = os.path.join(place, f'all.{suffix}')
            with open(source, 'w', encoding='utf-8') as file:
                file.write(code)
            # a sanitized library needs what is not linked here
            result = subprocess.run(
                [*compiler.split(), '-I', INCLUDE, source, LIBRARY,
                 '-Wl,--allow-shlib-undefined', '-o',
                 os.path.join(place, 'all')], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_every_function_links_from_c(self):
        self.links(os.environ['ZT_CC'], 'c')

    def test_every_function_links_from_cpp(self):
        self.links(os.environ['ZT_CXX'], 'cpp')


if __name__ == '__main__':
    harness.main()
