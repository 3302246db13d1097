# SPDX-License-Identifier: MIT
"""
What is refused is refused in one line that says what was wrong, and with
status 2; help is given with status 0.
"""
import os
import re

import harness

MAN = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                   '../../docs/man')
VERBS = 'pub', 'sub', 'ls', 'info', 'plan'

REFUSED = [
    # command line, what the line must tell
    ('bogus', "no verb 'bogus'"),
    ('help bogus', "no verb 'bogus'"),
    ('pub', 'name'),
    ('pub a', 'source'),
    ('pub a --test 8x8 --bogus', '--bogus'),
    ('pub a --test 8x8 -x', '-x'),
    ('pub a --test 8x8 b', "'b'"),
    ('pub a --test 8x8 --fps', '--fps'),
    ('pub a --test 8x8 --fps quick', "'quick'"),
    ('pub a --test 8', "'8'"),
    ('pub a --test 8x8 --format RGB565', "'RGB565'"),
    ('pub a --test 8x8 --slots 65', '64'),
    ('pub a --test 8x8 --metadata-size 2M', '1 MiB'),
    ('pub a --test 640x480 --max-memory 10K', '10240'),
    ('pub a --test 65536x65536 --format GRAYF32', 'GiB'),
    ('pub a --test 8x8 --group nosuchgroup', "'nosuchgroup'"),
    ('pub a --test 8x8 --mode 8', "'8'"),
    ('pub ../a --test 8x8', 'A-Z a-z 0-9'),
    ('pub .a --test 8x8', 'dot'),
    ('pub a --y4m none.y4m', 'none.y4m: No such file'),
    ('pub a --y4m .', '.: it is a directory'),
    ('pub a --y4m empty', 'empty: it is empty'),
    ('pub a --y4m text', 'text: it is not y4m'),
    ('pub a --y4m -', 'standard input: it is empty'),
    ('pub a --y4m deep.y4m', 'C420p10'),
    ('pub a --y4m huge.y4m', '1 GiB'),
    ('pub a --y4m broken.y4m', 'no line FRAME'),
    ('pub a --raw text --size 8x8', '--format'),
    ('pub a --raw text --size 8x8 --format MJPG', 'MJPG'),
    ('pub a --images text', 'text: it is neither JPEG nor PNG'),
    ('pub a --images', '--images'),
    ('sub', 'name'),
    ('sub a', 'sink'),
    ('sub a --null', "no stream 'a'"),
    ('sub a --null --depth 4', '--held'),
    ('sub a/b --null', 'A-Z a-z 0-9'),
    ('sub a --null --timeout soon', "'soon'"),
    ('info', 'name'),
    ('info a', 'a: start one'),
    ('info a b', "'b'"),
    ('ls a', 'zoetrope info a'),
    ('plan', '--size'),
    ('plan --size 8x8 --subscribers all', "'all'"),
    ('plan --size 8x8 --format H264', 'H264'),
    ('plan --size 8x8 --subscribers lossless/1 --loans 2', '--loans 2'),
]

FILES = {
    'empty': b'',
    'text': b'some text\nand more\n',
    'deep.y4m': b'YUV4MPEG2 W8 H8 F25:1 C420p10\n',
    'huge.y4m': b'YUV4MPEG2 W65536 H65536 F25:1\nFRAME\n',
    'broken.y4m': b'YUV4MPEG2 W8 H8 F25:1\nFRAMES\n',
}


class Messages(harness.Case):
    def run_line(self, line, status):
        with open('/dev/null', encoding='ascii') as nothing:
            return self.zoetrope(*line.split(), status=status, stdin=nothing)

    def test_refused(self):
        for name, data in FILES.items():
            with open(name, 'wb') as file:
                file.write(data)
        for line, words in REFUSED:
            with self.subTest(line):
                done = self.run_line(line, 2)
                self.assertEqual(done.out, '')
                self.assertIn(words, done.err)
                self.assertEqual(done.err.count('\n'), 1)
                verb = line.split()[0]
                self.assertTrue(done.err.startswith(
                    'zoetrope: ' if 'bogus' in line.split()[0:2] else
                    f'zoetrope {verb}: '), done.err)

    def test_help(self):
        for verb in VERBS:
            with self.subTest(verb):
                first = self.run_line(f'{verb} --help', 0)
                self.assertTrue(first.out.startswith(
                    f'Usage: zoetrope {verb} '))
                self.assertEqual(self.run_line(f'{verb} -h', 0).out,
                                 first.out)
                self.assertEqual(self.run_line(f'help {verb}', 0).out,
                                 first.out)
                self.assertLessEqual(max(map(len, first.out.splitlines())),
                                     80)
                self.assertIn(f'  {verb} ', self.run_line('--help', 0).out)

    def test_man_pages(self):
        """Every option of the help stands in the verb's page, or in all's."""
        pages = {}
        for name in 'zoetrope', *(f'zoetrope-{verb}' for verb in VERBS):
            with open(os.path.join(MAN, f'{name}.1'),
                      encoding='utf-8') as file:
                pages[name] = file.read()
        for verb in VERBS:
            help_text = self.run_line(f'{verb} --help', 0).out
            for option in re.findall(r'^  (?:-\w,|   ) --([\w-]+)', help_text,
                                     re.M):
                with self.subTest(verb, option=option):
                    self.assertRegex(
                        pages[f'zoetrope-{verb}'] + pages['zoetrope'],
                        rf'(?m)^\.It Fl (\w , Fl )?-{option}( |$)')
            self.assertIn(f'.Xr zoetrope-{verb} 1', pages['zoetrope'])

    def test_version(self):
        self.assertRegex(self.run_line('--version', 0).out,
                         r'^zoetrope \d+\.\d+\.\d+( \+\w+)*\n$')

    def test_nothing_said(self):
        done = self.run_line('', 2)
        self.assertEqual(done.out, '')
        self.assertIn('Usage:', done.err)

    def test_output_that_fails(self):
        with open('/dev/full', 'w', encoding='ascii') as full:
            plan = self.zoetrope('plan', '--size', '8x8', '--json', status=1,
                                 stdout=full)
        self.assertIn('standard output', plan.err)


if __name__ == '__main__':
    harness.main()
