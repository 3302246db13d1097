# SPDX-License-Identifier: MIT
"""
`zoetrope ls`, `info` and `plan`: what they say is what is there, for people
and for machines, of one stream and of two hundred.
"""
import json
import os
import signal
import time

import harness


class Listing(harness.Case):
    limit = 120

    def publish(self, name, *more, test='64x48'):
        pub = self.start_zoetrope('pub', name, '--test', test, *more)
        harness.until(lambda: os.path.exists(f'{self.runtime}/{name}.sock'),
                      f'the stream {name}')
        return pub

    def stop(self, *processes):
        for process in processes:
            process.send_signal(signal.SIGINT)
        for process in processes:
            self.finish(process)

    def listed(self):
        return json.loads(self.zoetrope('ls', '--json').out)

    def info(self, name):
        return json.loads(self.zoetrope('info', name, '--json').out)

    def test_nothing(self):
        ls = self.zoetrope('ls')
        self.assertEqual(ls.out, '')
        self.assertIn('there are no streams', ls.err)
        self.assertEqual(self.zoetrope('ls', '-q').err, '')
        self.assertEqual(self.listed(), [])

    def test_streams(self):
        first = self.publish('cam0', '--format', 'NV12', '--fps', '50')
        second = self.publish('cam1', '--fps', '10', '--backpressure')
        found = {stream['name']: stream for stream in self.listed()}
        self.assertEqual(sorted(found), ['cam0', 'cam1'])
        self.assertEqual(found['cam0']['format']['name'], 'NV12')
        self.assertEqual(found['cam0']['format']['frame_rate'], [50, 1])
        self.assertEqual(found['cam0']['pid'], first.pid)
        self.assertEqual(found['cam0']['uid'], os.getuid())
        self.assertEqual(found['cam0']['directory'], self.runtime)
        self.assertFalse(found['cam0']['backpressure'])
        self.assertTrue(found['cam1']['backpressure'])
        # at its rate, or below where the machine is busy
        self.assertTrue(0 < found['cam0']['fps'] < 55)
        self.assertTrue(0 < found['cam1']['fps'] < 11)
        text = self.zoetrope('ls').out.splitlines()
        self.assertEqual(text[0].split(), ['NAME', 'FORMAT', 'SIZE', 'FPS',
                                           'SLOTS', 'MEMORY', 'SUBSCRIBERS',
                                           'EPOCH', 'PID'])
        self.assertEqual(len(set(map(len, text))), 1)
        self.assertEqual(text[1].split()[:3], ['cam0', 'NV12', '64x48'])
        self.stop(first, second)

    def test_epochs(self):
        for epoch in 1, 2:
            pub = self.publish('cam0')
            self.assertEqual(self.info('cam0')['epoch'], epoch)
            self.stop(pub)

    def test_subscribers(self):
        pub = self.publish('cam0', '--backpressure', '--fps', '100')
        wanted = {
            'latest': ['--held', '2'],
            'queue': ['--depth', '5'],
            'lossless': ['--depth', '3'],
        }
        subs = {delivery: self.start_zoetrope(
            'sub', 'cam0', '--null', '--delivery', delivery, *more)
                for delivery, more in wanted.items()}

        def joined():
            rows = self.info('cam0')['subscribers']
            return (len(rows) == 3 and
                    all(row['taken'] > 10 for row in rows) and rows)

        for row in harness.until(joined, 'three subscribers'):
            self.assertEqual(row['pid'], subs[row['delivery']].pid)
            self.assertEqual(row['depth'], int(wanted[row['delivery']][1]))
            self.assertEqual(row['uid'], os.getuid())
            self.assertFalse(row['evicted'])
            self.assertLessEqual(row['held'], row['depth'])
            self.assertGreater(row['latency_ns']['p99'], 0)
            self.assertLessEqual(row['latency_ns']['p50'],
                                 row['latency_ns']['p99'])
        text = self.zoetrope('info', 'cam0').out
        for delivery in subs:
            self.assertIn(f' {delivery} ', text)
        self.assertEqual(self.listed()[0]['slots'], 1 + 1 + 2 + 5 + 3)
        self.stop(pub)
        for sub in subs.values():
            self.finish(sub)

    def test_a_stopped_publisher_is_named(self):
        first = self.publish('cam0')
        second = self.publish('cam1')
        first.send_signal(signal.SIGSTOP)
        ls = self.zoetrope('ls')
        self.assertIn('cam1', ls.out)
        self.assertNotIn('cam0', ls.out)
        self.assertIn('cam0 does not answer: it may be stopped', ls.err)
        info = self.zoetrope('info', 'cam0', status=2)
        self.assertIn('it may be stopped', info.err)
        self.assertIn('it may be stopped', self.listed()[0]['error'])
        first.send_signal(signal.SIGCONT)
        self.stop(first, second)

    def test_two_hundred_streams(self):
        names = [f's{i:03}' for i in range(200)]
        pubs = [self.start_zoetrope('pub', name, '--test', '16x16', '--fps',
                                    '4', '-q') for name in names]
        harness.until(lambda: len([n for n in os.listdir(self.runtime)
                                   if n.endswith('.sock')]) == 200,
                      'two hundred streams')
        begin = time.monotonic()
        lines = self.zoetrope('ls').out.splitlines()
        took = time.monotonic() - begin
        self.assertEqual([line.split()[0] for line in lines[1:]], names)
        self.assertLess(took, 5 * harness.SCALE)
        self.stop(*pubs)

    def test_plan(self):
        plan = json.loads(self.zoetrope(
            'plan', '--size', '640x480', '--format', 'GRAY8', '--loans', '2',
            '--subscribers', 'latest:2,queue/4,lossless/8:3', '--json').out)
        self.assertEqual(plan['slots'], 2 + 1 + 2 + 4 + 24)
        self.assertEqual(plan['slot_size'], 640 * 480)
        self.assertGreaterEqual(plan['needed'],
                                plan['slots'] * plan['slot_size'])
        self.assertTrue(plan['fits'])
        self.assertIn('fits', self.zoetrope('plan', '--size', '64x48').out)

    def test_what_is_planned_is_taken(self):
        plan = json.loads(self.zoetrope('plan', '--size', '640x480',
                                        '--subscribers', 'latest',
                                        '--json').out)
        pub = self.publish('cam0', test='640x480')
        sub = self.start_zoetrope('sub', 'cam0', '--null')
        info = harness.until(
            lambda: (found := self.info('cam0'))['subscribers'] and found,
            'the subscriber')
        self.assertEqual(info['slots'], plan['slots'])
        self.assertLessEqual(info['memory'], plan['needed'])
        self.stop(pub)
        self.finish(sub)

    def test_a_plan_that_does_not_fit(self):
        plan = self.zoetrope('plan', '--size', '65536x65536', '--format',
                             'RGBA', '--subscribers', 'queue/60', status=2)
        self.assertIn('does not fit', plan.out)
        self.assertIn('smaller frames', plan.err)
        plan = self.zoetrope('plan', '--size', '64x64', '--subscribers',
                             'latest:63', status=2)
        self.assertIn('65 slots', plan.err)


if __name__ == '__main__':
    harness.main()
