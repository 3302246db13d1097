# SPDX-License-Identifier: MIT
"""
The examples do what their first lines say: each runs beside its counterpart,
and what it prints is compared with what was painted.
"""
import os
import re
import signal

import harness

FRAMES = 60
LINE = re.compile(r'frame (\d+): (\w+) (\d+)x(\d+), mean ([\d.]+), '
                  r'missed (\d+), ([\d.]+) ms old')


class Examples(harness.Case):
    leaves_sockets = True

    def start_example(self, name, *arguments):
        return self.start(os.path.join(os.environ['ZT_EXAMPLES'], name),
                          *arguments)

    def sockets(self):
        return [name for name in os.listdir(self.runtime)
                if name.endswith('.sock')]

    def frames(self, *lines):
        """Lines of 02_subscribe as tuples of what is in them."""
        found = [LINE.fullmatch(line.rstrip()) for line in lines]
        self.assertTrue(all(found), lines)
        return [match.groups() for match in found]

    def watch(self, reader, count):
        """The next frames that a 02_subscribe sees."""
        return self.frames(*(reader.stdout.readline() for _ in range(count)))

    def end(self, publisher, *readers, how=signal.SIGINT):
        """Interrupt a publisher: its readers see the stream's end."""
        publisher.send_signal(how)
        self.finish(publisher)
        for reader in readers:
            self.finish(reader)

    def check_account(self, frames):
        """Sequences ascend, and what is missing was told as missed."""
        last = int(frames[0][0])
        for frame in frames[1:]:
            self.assertEqual(int(frame[0]), last + 1 + int(frame[5]))
            last = int(frame[0])

    def test_publish_and_subscribe(self):
        reader = self.start_example('02_subscribe', 'cam0')
        publisher = self.start_example('01_publish', 'cam0')
        frames = self.watch(reader, FRAMES)
        self.end(publisher, reader)
        frames += self.frames(*reader.out.splitlines())
        self.check_account(frames)
        for number, name, width, height, mean, _, age in frames:
            self.assertEqual((name, width, height), ('RGB24', '640', '480'))
            self.assertAlmostEqual(float(mean), painted(int(number)), 3)
            self.assertLess(float(age), 1000 * harness.PATIENCE)

    def test_publishes_as_many_as_told(self):
        keeper = self.start_example('02_subscribe', 'cam0')
        first = self.start_example('01_publish', 'cam0')
        self.watch(keeper, 1)
        # it waits for the next publisher of that name, and so is there
        first.kill()
        first.wait()
        self.finish(self.start_example('01_publish', 'cam0', FRAMES))
        self.finish(keeper)
        last = keeper.out.splitlines()[-1]
        self.assertEqual(int(self.frames(last)[0][0]), FRAMES)

    def test_several_subscribers(self):
        readers = [self.start_example('02_subscribe', 'cam0')
                   for _ in range(3)]
        publisher = self.start_example('01_publish', 'cam0')
        for reader in readers:
            self.watch(reader, 2)
        self.end(publisher, *readers)

    def test_interrupted_publisher_leaves_nothing(self):
        for how in (signal.SIGINT, signal.SIGTERM):
            publisher = self.start_example('01_publish', 'cam0')
            reader = self.start_example('02_subscribe', 'cam0')
            self.watch(reader, 1)
            self.end(publisher, reader, how=how)
            self.assertEqual(self.sockets(), [])

    def test_name_in_use(self):
        publisher = self.start_example('01_publish', 'cam0')
        harness.until(self.sockets)
        for name in ('01_publish', '04_no_thread'):
            second = self.finish(self.start_example(name, 'cam0', '1'), 1)
            self.assertIn('another publisher', second.err)
        self.end(publisher)

    def test_event_loop(self):
        reader = self.start_example('03_event_loop', 'cam0')
        publisher = self.start_example('01_publish', 'cam0')
        line = '0 frames, 0 missed'
        while line.startswith('0 frames'):
            line = reader.stdout.readline().rstrip()
            self.assertRegex(line, r'^\d+ frames, \d+ missed$')
        self.end(publisher, reader)
        self.assertRegex(reader.out,
                         r'cam0 ended: \d+ frames, \d+ missed\n$')

    def test_no_thread(self):
        publisher = self.start_example('04_no_thread', 'cam0', FRAMES)
        harness.until(self.sockets)
        with open(f'/proc/{publisher.pid}/status', encoding='utf-8') as file:
            self.assertIn('Threads:\t1\n', file.read())
        reader = self.start_example('02_subscribe', 'cam0')
        self.finish(reader)
        self.finish(publisher)
        frames = self.frames(*reader.out.splitlines())
        self.check_account(frames)
        self.assertEqual(int(frames[-1][0]), FRAMES)
        for number, name, width, height, mean, *_ in frames:
            self.assertEqual((name, width, height), ('GRAY8', '320', '240'))
            self.assertAlmostEqual(float(mean), int(number) % 256, 3)

    def test_no_thread_rests_while_nobody_watches(self):
        publisher = self.start_example('04_no_thread', 'cam0', FRAMES)
        harness.until(self.sockets)
        # more time than its frames take
        self.finish(self.start_example('01_publish', 'other', FRAMES))
        reader = self.start_example('02_subscribe', 'cam0')
        first = self.watch(reader, 1)[0]
        # joined before the first frame, whether or not it was missed
        self.assertEqual(int(first[0]) - int(first[5]), 1)
        self.finish(reader)
        self.finish(publisher)


def painted(number):
    """The mean of what 01_publish paints."""
    red = sum((x + number) % 256 for x in range(640)) / 640
    green = sum(y % 256 for y in range(480)) / 480
    return (red + green + number % 256) / 3


if __name__ == '__main__':
    harness.main()
