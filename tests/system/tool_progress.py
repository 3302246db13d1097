# SPDX-License-Identifier: MIT
"""
On a terminal there is a line that lives and then gives way to the summary; in
a file there is the summary alone; quiet is quiet.
"""
import json
import os
import re
import signal
import subprocess

import harness

# frames, time, drops, rates, latency, processor time
SUMMARY = (r'zoetrope sub: cam0: \d+ frames in \d+\.\d\d s, \d+ dropped, '
           r'\d+\.\d fps, \d+\.\d{3} GB/s, latency p50 \S+ \ws p99 \S+ \ws '
           r'max \S+ \ws, CPU \d+\.\d\d s')


class Progress(harness.Case):
    def setUp(self):
        super().setUp()
        self.pub = self.start_zoetrope('pub', 'cam0', '--test', '64x48',
                                       '--fps', '100', '-q')
        harness.until(lambda: 'cam0.sock' in os.listdir(self.runtime),
                      'the stream')

    def finish_pub(self):
        self.pub.terminate()
        self.finish(self.pub)
        self.assertEqual(self.pub.err, '')

    def on_terminal(self, *arguments):
        """What a terminal that is standard error shows."""
        ours, theirs = os.openpty()
        process = subprocess.Popen(
            [os.environ['ZOETROPE_COMMAND'], *arguments], stderr=theirs,
            stdout=subprocess.DEVNULL)
        os.close(theirs)
        shown = b''
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(ours)
        self.assertEqual(process.wait(harness.PATIENCE), 0)
        return shown.decode()

    def test_on_a_terminal(self):
        shown = self.on_terminal('sub', 'cam0', '--wait', '--null',
                                 '--frames', '80')
        lines = shown.split('\r\033[K')
        self.assertGreater(len(lines), 3)
        self.assertRegex(lines[2], r'^cam0: \d+ frames  \d+\.\d fps  \d+ '
                                   r'dropped  latency p50 .* p99 ')
        self.assertRegex(lines[-1], '^' + SUMMARY + '\r\n$')
        self.finish_pub()

    def test_waiting_for_a_reader(self):
        """The line says so, and waiting in parts still evicts."""
        sub = self.start_zoetrope('sub', 'cam1', '--wait', '--null',
                                  '--delivery', 'lossless')
        frames = self.start_zoetrope('sub', 'cam1', '--wait', '--null',
                                     '--frames', '1')
        # with its first frame, the other one has the slow one stopped
        stop = self.start('sh', '-c', f'read line; kill -STOP {sub.pid}',
                          stdin=frames.stderr)
        shown = self.on_terminal('pub', 'cam1', '--test', '64x48', '--fps',
                                 '100', '--frames', '100', '--backpressure',
                                 '--wait-subscribers', '2', '--evict-after',
                                 '1s')
        self.assertIn('waiting for subscribers', shown)
        self.assertIn('waiting for a lossless subscriber', shown)
        self.assertIn('1 evicted', shown)
        frames.wait()
        self.finish(stop)
        sub.send_signal(signal.SIGCONT)
        self.finish(sub, 1)
        self.finish_pub()

    def test_in_a_file(self):
        sub = self.zoetrope('sub', 'cam0', '--wait', '--null', '--frames',
                            '30')
        self.assertRegex(sub.err, '^' + SUMMARY + '\n$')
        self.assertEqual(sub.out, '')
        self.finish_pub()

    def test_quiet(self):
        self.assertEqual(self.on_terminal('sub', 'cam0', '--wait', '--null',
                                          '--frames', '30', '-q'), '')
        self.finish_pub()

    def test_json(self):
        sub = self.zoetrope('sub', 'cam0', '--wait', '--null', '--frames',
                            '30', '--json', '-q')
        self.assertEqual(sub.err, '')
        result = json.loads(sub.out)
        self.assertEqual(result['stream'], 'cam0')
        self.assertEqual(result['frames'], 30)
        for key in ('dropped', 'bytes', 'seconds', 'fps', 'bytes_per_second',
                    'cpu_seconds', 'wakes', 'reconnects', 'epoch'):
            self.assertGreaterEqual(result[key], 0)
        latency = result['latency_ns']
        self.assertTrue(0 < latency['p50'] <= latency['p99'] <=
                        latency['max'])
        self.finish_pub()

    def test_json_beside_frames(self):
        """Frames have standard output for themselves."""
        sub = self.start_zoetrope('sub', 'cam0', '--wait', '--raw', '-',
                                  '--frames', '3', '--json', '-q', text=False)
        self.finish(sub)
        self.assertEqual(len(sub.out), 3 * 64 * 48 * 3)
        self.assertEqual(json.loads(sub.err)['frames'], 3)
        self.finish_pub()

    def test_log(self):
        sub = self.zoetrope('sub', 'cam0', '--wait', '--null', '--frames',
                            '3', '-vv')
        self.assertTrue(all(re.match('zoetrope sub: ', line)
                            for line in sub.err.splitlines()))
        self.finish_pub()

    def test_frames_do_not_go_to_a_terminal(self):
        ours, theirs = os.openpty()
        sub = self.zoetrope('sub', 'cam0', '--wait', '--raw', '-',
                            stdout=theirs, status=2)
        self.assertIn('terminal', sub.err)
        os.close(ours)
        os.close(theirs)
        self.finish_pub()


if __name__ == '__main__':
    harness.main()
