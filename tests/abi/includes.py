# SPDX-License-Identifier: MIT
"""
Dependencies point one way: whoever stands outside the library includes its
public headers only, and inside it each directory includes only what lies
below it.
"""
import glob
import os
import re
import unittest

import harness

SOURCE = os.environ['ZT_SOURCE']
PUBLIC = r'zoetrope/'
# What of ours the files of a directory may include, as patterns.
MAY_INCLUDE = {
    'include/zoetrope': [PUBLIC],
    # error.h has the length of a reason, and no call
    'src/os': [r'os/', r'zoetrope/error\.h$'],
    'src/memory': [r'memory/', r'os/', r'layout\.h$', PUBLIC],
    'src/core': [r'core/', r'memory/', r'os/', r'layout\.h$', PUBLIC],
    'src/stage': [r'stage/', r'os/', PUBLIC],
    'src/adapters': [r'adapters/', PUBLIC],
    'tools': [PUBLIC],
    'examples': [PUBLIC],
    'bench': [PUBLIC],
    'web': [PUBLIC],
    'gst': [PUBLIC],
    'dds': [PUBLIC],
    'python': [PUBLIC],
}
OURS = re.compile(r'(zoetrope|core|os|memory|stage|adapters)/|layout\.h$')


def files(directory):
    return sorted(
        path for path in glob.glob(os.path.join(SOURCE, directory, '**'),
                                   recursive=True)
        if path.endswith(('.c', '.h', '.cpp', '.hpp')))


def included(path):
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            if found := re.match(r'\s*#\s*include\s*[<"]([^>"]+)', line):
                yield number, found[1]


def is_ours(path, name):
    """Is it one of the project's, and not beside the file itself?"""
    return (OURS.match(name) or '..' in name) and not os.path.exists(
        os.path.join(os.path.dirname(path), name))


class Includes(unittest.TestCase):
    def test_dependencies_point_one_way(self):
        wrong = []
        for directory, allowed in MAY_INCLUDE.items():
            for path in files(directory):
                wrong += [
                    f'{os.path.relpath(path, SOURCE)}:{number}: {name}'
                    for number, name in included(path)
                    if is_ours(path, name) and
                    not any(re.match(pattern, name) for pattern in allowed)]
        self.assertEqual(wrong, [])

    def test_every_directory_of_src_has_a_rule(self):
        rules = set(MAY_INCLUDE)
        found = {os.path.relpath(os.path.dirname(path), SOURCE)
                 for path in files('src')} - {'src'}
        self.assertLessEqual(found, rules)

    def test_the_layout_stands_on_the_public_headers(self):
        names = [name for _, name in
                 included(os.path.join(SOURCE, 'src/layout.h'))
                 if OURS.match(name)]
        self.assertTrue(all(name.startswith('zoetrope/') for name in names))


if __name__ == '__main__':
    harness.main()
