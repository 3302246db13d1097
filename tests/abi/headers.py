# SPDX-License-Identifier: MIT
"""
Each public header compiles alone, and twice over, as strict C11 and as C++17,
without a feature macro and without a warning.
"""
import os
import subprocess
import unittest

import harness

INCLUDE = os.environ['ZT_INCLUDE']
WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Wundef',
            '-Werror']
LANGUAGES = {
    'c11': [*os.environ['ZT_CC'].split(), '-x', 'c', '-std=c11',
            '-Wshadow', '-Wstrict-prototypes'],
    'cpp17': [*os.environ['ZT_CXX'].split(), '-x', 'c++', '-std=c++17',
              '-Wold-style-cast'],
}


class Header(unittest.TestCase):
    def compiles(self, header, language):
        code = f'#include <zoetrope/{header}>\n' * 2
        result = subprocess.run(
            [*LANGUAGES[language], *WARNINGS, '-I', INCLUDE, '-fsyntax-only',
             '-'], input=code, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)


def test_of(header, language):
    return lambda self: self.compiles(header, language)


for name in sorted(os.listdir(os.path.join(INCLUDE, 'zoetrope'))):
    for tongue in LANGUAGES:
        if name.endswith('.hpp') and tongue == 'c11':
            continue
        setattr(Header, f'test_{name.replace(".", "_")}_{tongue}',
                test_of(name, tongue))

if __name__ == '__main__':
    harness.main()
