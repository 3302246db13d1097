# SPDX-License-Identifier: MIT
"""
The demo, played briefly: its account adds up and is right, it notices when
something is not, and it leaves nothing but its pictures.
"""
import glob
import json
import os
import shutil
import signal
import sys
import unittest

import harness

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    '../../scripts/demo')
SECONDS = '2'
sys.dont_write_bytecode = True
sys.path.insert(0, DEMO)
import account      # noqa: E402, pylint: disable=wrong-import-position


class Demo(harness.Case):
    limit = 120

    def setUp(self):
        super().setUp()
        self.out = os.path.join(self.scratch, 'demo-out')
        # what the demo makes for a while goes here too, and is looked at
        self.temporary = os.path.join(self.scratch, 'tmp')
        os.mkdir(self.temporary)

    def start_demo(self, *arguments, command=None):
        return self.start(
            sys.executable, '-B', DEMO, '--command',
            command or os.environ['ZOETROPE_COMMAND'], '--out', self.out,
            '--seconds', SECONDS, *arguments,
            env={**os.environ, 'TMPDIR': self.temporary})

    def run_demo(self, *arguments, status=0, **options):
        demo = self.start_demo(*arguments, **options)
        demo.out, demo.err = demo.communicate(timeout=3 * harness.PATIENCE)
        self.assertEqual(demo.returncode, status, demo.out + demo.err)
        self.assertEqual(os.listdir(self.temporary), [])
        return demo

    def account(self):
        with open(os.path.join(self.out, 'account.json'),
                  encoding='utf-8') as file:
            return json.load(file)

    def rows(self):
        return {(row['reader'], row['publisher']): row
                for row in self.account()['rows']}

    def make_video(self):
        harness.need_program('ffmpeg')
        self.finish(self.start(
            'ffmpeg', '-nostdin', '-v', 'error', '-f', 'lavfi', '-i',
            'testsrc2=size=322x182:rate=25:duration=1', 'video.mkv'))
        return 'video.mkv'

    def wrap_command(self, pattern, then):
        """A command that spoils what those do whose arguments match."""
        with open('spoiled', 'w', encoding='utf-8') as file:
            file.write('#!/bin/sh\ncommand=$ZOETROPE_COMMAND\n'
                       f'case "$*" in {pattern})\n{then}\n;;\nesac\n'
                       'exec "$command" "$@"\n')
        os.chmod('spoiled', 0o755)
        return os.path.abspath('spoiled')

    def check_rows(self):
        rows = self.rows()
        self.assertEqual(len(rows), 6)
        for (reader, publisher), row in rows.items():
            self.assertEqual(
                row['published'],
                row['taken'] + row['dropped'] + row['away'] + row['offered'])
            self.assertEqual(row['published'],
                             rows['fast', publisher]['published'])
            if reader != 'mortal' or publisher == 2:
                self.assertEqual(row['away'], 0)
            self.assertGreater(row['taken'], 0)
        self.assertEqual(rows['fast', 1]['dropped'], 0)
        self.assertEqual(rows['fast', 2]['dropped'], 0)
        self.assertGreater(rows['slow', 1]['dropped'], 0)
        self.assertGreater(rows['mortal', 1]['away'], 0)

    def test_every_frame_is_accounted_for(self):
        demo = self.run_demo()
        self.check_rows()
        self.assertIn('Every frame is accounted for', demo.out)
        self.assertIn('right in every pixel', demo.out)
        # no terminal: nothing is drawn over
        self.assertNotIn('\033', demo.out)
        self.assertEqual(demo.err, '')

    def test_whole_pictures_are_left(self):
        self.run_demo()
        for kind, head, tail in (('png', b'\x89PNG\r\n', b'IEND\xaeB`\x82'),
                                 ('jpg', b'\xff\xd8', b'\xff\xd9')):
            found = glob.glob(f'{self.out}/*/*.{kind}')
            self.assertTrue(found)
            for path in found:
                with open(path, 'rb') as file:
                    data = file.read()
                self.assertTrue(data.startswith(head) and
                                data.endswith(tail), path)
        self.assertEqual(glob.glob(f'{self.out}/*/.*'), [])

    def test_a_video_comes_out_as_it_went_in(self):
        demo = self.run_demo(self.make_video())
        self.check_rows()
        self.assertIn('byte for byte', demo.out)

    def test_a_byte_that_changes_on_the_way_is_noticed(self):
        with open('flip.py', 'w', encoding='utf-8') as file:
            file.write('import sys\n'
                       'data = bytearray(sys.stdin.buffer.read(400000))\n'
                       'data[300000] ^= 1\n'
                       'while data:\n'
                       '    sys.stdout.buffer.write(data)\n'
                       '    data = sys.stdin.buffer.read1()\n')
        command = self.wrap_command(
            '*lossless*', f'"$command" "$@" | {sys.executable} flip.py; exit')
        demo = self.run_demo(self.make_video(), command=command, status=1)
        self.assertIn('WRONG: what fast got is not what went in', demo.out)

    def test_a_picture_that_is_missing_is_noticed(self):
        command = self.wrap_command(
            '*latest*', '"$command" "$@"; status=$?\n'
            f'set -- {self.out}/slow/frame-000*.png\nrm "$2"\nexit $status')
        demo = self.run_demo(command=command, status=1)
        self.assertIn('WRONG: slow says', demo.out)
        self.assertTrue(self.account()['faults'])

    def test_a_reader_that_fails_ends_it(self):
        command = self.wrap_command(
            '*lossless*', 'echo "zoetrope sub: no such thing" >&2; exit 2')
        demo = self.run_demo(command=command, status=1)
        self.assertEqual(demo.err, 'run_demo.sh: fast ended with status 2: '
                         'zoetrope sub: no such thing\n')

    def test_what_cannot_be_had_is_told(self):
        demo = self.run_demo('none.mkv', status=2)
        self.assertEqual(demo.err,
                         'run_demo.sh: there is no file none.mkv\n')
        harness.need_program('ffmpeg')
        with open('text.mkv', 'w', encoding='utf-8') as file:
            file.write('no video')
        demo = self.run_demo('text.mkv', status=2)
        self.assertIn('run_demo.sh: ffmpeg cannot read text.mkv: ', demo.err)

    def test_a_signal_ends_it_and_all_that_it_started(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(signal=number):
                shutil.rmtree(self.out, ignore_errors=True)
                demo = self.start_demo()
                harness.until(lambda: glob.glob(
                    f'{self.out}/slow/frame-*.png'), 'the first picture')
                demo.send_signal(number)
                demo.communicate(timeout=harness.PATIENCE)
                # those of a demo that was killed come to us, to be waited for
                harness.until(self.no_children, 'all to end')
                if number != signal.SIGKILL:
                    self.assertEqual(demo.returncode, 1)
                    self.assertEqual(os.listdir(self.temporary), [])

    @staticmethod
    def no_children():
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        return False


class Account(unittest.TestCase):
    """The adding up, where the demo's own runs give no occasion."""

    def counts(self, published, *lives):
        row = account.make_row('mortal', 1, published, lives)
        self.assertTrue(row.adds_up())
        return row.taken, row.dropped, row.away, row.offered

    def test_gaps_are_dropped(self):
        self.assertEqual(self.counts(9, account.life_from_start([2, 3, 5, 9])),
                         (4, 5, 0, 0))

    def test_what_passes_between_two_lives_is_away(self):
        self.assertEqual(self.counts(9, account.Life([1, 2]),
                                     account.Life([6, 9])), (4, 2, 3, 0))

    def test_what_is_lost_after_a_late_join_is_dropped(self):
        self.assertEqual(self.counts(9, account.Life([1, 2]),
                                     account.Life([6, 9], 1)), (4, 3, 2, 0))

    def test_what_nobody_took_is_still_offered(self):
        self.assertEqual(self.counts(9, account.Life([1, 2])), (2, 0, 0, 7))

    def test_lives_that_overlap_do_not_add_up(self):
        lives = [account.Life([1, 2, 7]), account.Life([6, 9])]
        self.assertFalse(account.make_row('mortal', 1, 9, lives).adds_up())

    def test_a_reader_that_says_otherwise_is_noticed(self):
        says = {'frames': 3, 'dropped': 2}
        lives = [account.Life([4]), account.Life([2, 5])]
        self.assertIsNone(account.disagreement('slow', says, lives))
        lives[0].lost = 1
        self.assertEqual(account.disagreement('slow', says, lives),
                         'slow says that it took 3 frames and lost 2, and it '
                         'is 3 and 3')


if __name__ == '__main__':
    harness.main()
