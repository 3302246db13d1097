# SPDX-License-Identifier: MIT
"""
How `pub` and `sub` end: on a signal, when the other side ends or dies, when
their own input or output does, and what they exit with.
"""
import json
import os
import signal
import subprocess

import harness


class Ends(harness.Case):
    leaves_sockets = True       # publishers are killed here

    def publish(self, *more, source=('--test', '64x48'), **options):
        return self.start_zoetrope('pub', 'cam0', *source, *more, **options)

    def take(self, *more, sink=('--null',), **options):
        return self.start_zoetrope('sub', 'cam0', '--wait', *sink, *more,
                                   **options)

    def joined(self, count=1):
        """Wait until so many subscribers have frames."""
        def enough():
            info = self.start_zoetrope('info', 'cam0', '--json')
            out, _ = info.communicate()
            rows = json.loads(out)['subscribers'] if out else []
            return sum(row['taken'] > 0 for row in rows) >= count
        harness.until(enough, f'{count} subscribers')

    def test_signals(self):
        for number in signal.SIGINT, signal.SIGTERM:
            with self.subTest(number):
                pub, sub = self.publish(), self.take(sink=['--verify'])
                self.joined()
                sub.send_signal(number)
                self.finish(sub)
                self.assertRegex(sub.err, r'cam0: \d+ frames in ')
                self.assertIn('verified', sub.err)
                pub.send_signal(number)
                self.finish(pub)
                self.assertRegex(pub.err, r'cam0: \d+ frames in ')

    def test_signals_while_waiting(self):
        """For a stream, for subscribers, for input, for a slow reader."""
        fifo = os.path.join(self.scratch, 'fifo')
        os.mkfifo(fifo)
        hold = os.open(fifo, os.O_RDWR)
        waiting = [
            self.take(),
            self.start_zoetrope('pub', 'a', '--test', '8x8',
                                '--wait-subscribers', '1'),
            self.start_zoetrope('pub', 'b', '--y4m', fifo),
            self.start_zoetrope('pub', 'c', '--test', '8x8', '--fps',
                                '1/1000'),
            self.start_zoetrope('pub', 'd', '--test', '8x8', '--fps', 'max',
                                '--backpressure', '--evict-after', 'never'),
        ]
        slow = self.start_zoetrope('sub', 'd', '--wait', '--null',
                                   '--delivery', 'lossless')
        harness.until(lambda: 'lossless' in subprocess.run(
            [os.environ['ZOETROPE_COMMAND'], 'info', 'd'], check=False,
            capture_output=True, text=True).stdout, 'the slow reader')
        slow.send_signal(signal.SIGSTOP)
        # each sleeps in a system call by now, or soon
        for process in waiting:
            harness.until(lambda p=process: open(
                f'/proc/{p.pid}/stat', encoding='ascii').read()
                .rsplit(')', 1)[1].split()[0] == 'S', 'it to wait')
            process.send_signal(signal.SIGINT)
            self.finish(process)
        slow.send_signal(signal.SIGCONT)
        self.finish(slow)
        os.close(hold)

    def test_the_reader_of_a_pipe_goes(self):
        pub = self.publish('--fps', 'max', '--backpressure')
        sub = self.take('--delivery', 'lossless', sink=['--raw', '-'],
                        text=False)
        sub.stdout.read(100000)
        sub.stdout.close()
        sub.stdout = None
        sub.wait(harness.PATIENCE)
        self.assertEqual(sub.returncode, 1)
        self.assertIn(b'standard output: its reader is gone',
                      sub.stderr.read())
        pub.terminate()
        self.finish(pub)

    def test_a_full_device(self):
        pub = self.publish()
        for kind in '--raw', '--y4m':
            sub = self.take(sink=[kind, '/dev/full'])
            if kind == '--raw':
                self.finish(sub, 1)
                self.assertIn('/dev/full: No space left', sub.err)
            else:
                self.finish(sub, 1)
                self.assertIn('y4m cannot hold', sub.err)
        pub.terminate()
        self.finish(pub)

    def test_the_stream_ends(self):
        sub = self.take('--delivery', 'lossless', '--json')
        self.finish(self.publish('--frames', '9', '--fps', 'max',
                                 '--backpressure', '--wait-subscribers', '1'))
        self.finish(sub)
        self.assertEqual(json.loads(sub.out)['frames'], 9)

    def test_frames(self):
        pub, sub = self.publish(), self.take('--frames', '5', '--json')
        self.finish(sub)
        self.assertEqual(json.loads(sub.out)['frames'], 5)
        pub.terminate()
        self.finish(pub)

    def test_timeout(self):
        pub = self.publish('--frames', '3', '--fps', '1/1000')
        sub = self.take('--timeout', '100ms')
        self.finish(sub, 1)
        self.assertIn('no frame came for 100.0 ms', sub.err)
        pub.terminate()
        self.finish(pub)

    def test_no_stream(self):
        sub = self.zoetrope('sub', 'cam0', '--null', status=2)
        self.assertIn("there is no stream 'cam0' now", sub.err)
        self.assertIn('--wait', sub.err)

    def test_a_file_is_not_emptied_for_nothing(self):
        with open('old', 'w', encoding='ascii') as file:
            file.write('precious')
        self.zoetrope('sub', 'cam0', '--raw', 'old', status=2)
        with open('old', encoding='ascii') as file:
            self.assertEqual(file.read(), 'precious')

    def test_no_reconnect(self):
        pub, sub = self.publish(), self.take('--no-reconnect')
        self.joined()
        pub.kill()
        self.finish(sub, 1)
        self.assertRegex(sub.err, 'zoetrope sub: cam0: .+')

    def test_reconnect(self):
        """A publisher dies, the next one comes, every pixel is right."""
        pub = self.publish('--backpressure', '--fps', '200')
        sub = self.take('--delivery', 'lossless', '--json', sink=['--verify'])
        self.joined()
        pub.kill()
        pub.wait()
        self.finish(self.publish('--backpressure', '--fps', '200', '--frames',
                                 '50', '--wait-subscribers', '1'))
        self.finish(sub)
        result = json.loads(sub.out)
        self.assertEqual(result['reconnects'], 1)
        self.assertEqual(result['epoch'], 2)
        self.assertGreater(result['frames'], 50)
        self.assertIn('1 reconnect,', sub.err)

    def test_eviction(self):
        pub = self.publish('--fps', '200', '--backpressure', '--json',
                           '--evict-after', '100ms', '--frames', '400')
        sub = self.take('--delivery', 'lossless')
        self.joined()
        sub.send_signal(signal.SIGSTOP)
        self.finish(pub)
        sub.send_signal(signal.SIGCONT)
        self.finish(sub, 1)
        self.assertIn('evicted', sub.err)
        self.assertEqual(json.loads(pub.out)['evicted'], 1)
        self.assertIn('1 evicted', pub.err)

    def test_nonblock(self):
        """A stopped reader costs frames, not time."""
        pub = self.publish('--fps', '500', '--backpressure', '--nonblock',
                           '--json')
        sub = self.take('--delivery', 'lossless', '--depth', '2')
        self.joined()
        sub.send_signal(signal.SIGSTOP)
        harness.until(lambda: json.loads(self.zoetrope(
            'info', 'cam0', '--json').out)['subscribers'][0]['waiting'] == 2,
            'both places to fill')
        pub.send_signal(signal.SIGINT)
        self.finish(pub)
        result = json.loads(pub.out)
        self.assertGreater(result['dropped'], 0)
        self.assertLess(result['loan_wait_ns'], 1e9)
        sub.send_signal(signal.SIGCONT)
        self.finish(sub)

    def test_nonblock_skips_frames_of_a_file(self):
        """What is skipped is read past: the next frame is whole."""
        with open('in.raw', 'wb') as file:
            for i in range(200):
                file.write(bytes([i]) * 64)
        pub = self.publish('--fps', '1000', '--backpressure', '--nonblock',
                           '--loop', source=['--raw', 'in.raw', '--size',
                                             '8x8', '--format', 'GRAY8'])
        sub = self.take('--delivery', 'lossless', '--depth', '1',
                        sink=['--raw', 'out.raw'])
        self.joined()
        sub.send_signal(signal.SIGSTOP)
        harness.until(lambda: json.loads(self.zoetrope(
            'info', 'cam0', '--json').out)['subscribers'][0]['waiting'] == 1,
            'the one place to fill')
        sub.send_signal(signal.SIGCONT)
        self.joined()
        pub.send_signal(signal.SIGINT)
        self.finish(pub)
        self.finish(sub)
        with open('out.raw', 'rb') as file:
            data = file.read()
        self.assertEqual(len(data) % 64, 0)
        for at in range(0, len(data), 64):
            self.assertEqual(len(set(data[at:at + 64])), 1)

    def test_two_publishers(self):
        pub = self.publish()
        sub = self.take('--frames', '1')
        self.finish(sub)
        other = self.publish()
        self.finish(other, 2)
        self.assertRegex(other.err, 'zoetrope pub: cam0: .+')
        pub.terminate()
        self.finish(pub)

    def test_lossless_needs_backpressure(self):
        pub = self.publish()
        self.finish(self.take('--frames', '1'))
        sub = self.take('--delivery', 'lossless')
        self.finish(sub, 2)
        self.assertIn('no lossless subscribers', sub.err)
        pub.terminate()
        self.finish(pub)


if __name__ == '__main__':
    harness.main()
