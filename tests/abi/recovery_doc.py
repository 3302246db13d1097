# SPDX-License-Identifier: MIT
"""
The messages that zoetrope-recovery(7) explains are messages of the library,
word for word.
"""
import glob
import os
import re
import unittest

import harness

SOURCE = os.environ['ZT_SOURCE']
PAGE = os.path.join(SOURCE, 'docs/man/zoetrope-recovery.7')
STRING = r'"(?:\\.|[^"\\])*"'
ANYTHING = '…'


def explained():
    """The messages of the page, ANYTHING for what it has in capitals."""
    with open(PAGE, encoding='utf-8') as file:
        page = file.read()
    diagnostics = page[page.index('.Sh DIAGNOSTICS'):]
    return [re.sub(r'\b(NAME|PATH|REASON|LIMIT|REMEDY|(0x)?N)\b', ANYTHING,
                   text)
            for text in re.findall(r'^\.It "(.*)"$', diagnostics, re.M)]


def spoken():
    """The strings of the library, ANYTHING for a conversion."""
    found = set()
    for path in glob.glob(os.path.join(SOURCE, 'src/**/*.c'), recursive=True):
        with open(path, encoding='utf-8') as file:
            text = re.sub(r'/\*.*?\*/', '', file.read(), flags=re.S)
        for run in re.findall(rf'(?:{STRING}\s*)+', text):
            whole = ''.join(part[1:-1] for part in re.findall(STRING, run))
            found.add(re.sub(r'(0x)?%[-0-9.]*(ll|z)?[a-z]', ANYTHING, whole))
    return found


class Recovery(unittest.TestCase):
    def test_every_message_explained_is_one(self):
        messages = explained()
        self.assertGreater(len(messages), 20)
        self.assertEqual([text for text in messages if text not in spoken()],
                         [])


if __name__ == '__main__':
    harness.main()
