# SPDX-License-Identifier: MIT
"""
`zoetrope sub --verify` passes what is right, in every format and delivery, and
fails for a wrong pixel, a missing frame, a strange stream and no stream.
"""
import json

import harness

FORMATS = ('RGB24 BGR24 RGBA BGRA RGBX BGRX GRAY8 GRAY16 YUYV UYVY NV12 NV21 '
           'NV16 I420 YV12 I422 I444 P010 SRGGB8 SGBRG10 SBGGR12 SGRBG16 '
           'GRAYF32').split()


class Verify(harness.Case):
    def verify(self, delivery='lossless', *more):
        return self.start_zoetrope('sub', 's', '--wait', '--verify', '--json',
                                   '--delivery', delivery, *more)

    def publish(self, *source, frames=20, status=0):
        return self.zoetrope('pub', 's', *source, '--fps', 'max', '--frames',
                             frames, '--backpressure', '--wait-subscribers',
                             1, status=status)

    def found(self, sub):
        return json.loads(sub.out)['verify']

    def test_every_format(self):
        for fmt in FORMATS:
            with self.subTest(fmt):
                sub = self.verify()
                self.publish('--test', '333x101', '--format', fmt)
                self.finish(sub)
                self.assertEqual(self.found(sub), {
                    'frames': 20, 'wrong': 0, 'gaps': 0, 'disorders': 0})

    def test_every_delivery(self):
        for delivery in 'latest', 'queue':
            with self.subTest(delivery):
                sub = self.verify(delivery)
                self.publish('--test', '640x480', frames=500)
                self.finish(sub)
                result = json.loads(sub.out)
                self.assertEqual(result['verify']['wrong'], 0)
                self.assertEqual(result['frames'] + result['dropped'], 500)

    def record(self, frames):
        """The test picture as bytes: 64x48 is too small for numbers."""
        sub = self.start_zoetrope('sub', 's', '--wait', '--delivery',
                                  'lossless', '--raw', '-', text=False)
        self.publish('--test', '64x48', frames=frames)
        self.finish(sub)
        return bytearray(sub.out)

    def replay(self, data):
        with open('in.raw', 'wb') as file:
            file.write(data)
        sub = self.verify()
        self.publish('--raw', 'in.raw', '--size', '64x48', '--format',
                     'RGB24')
        return sub

    def test_a_recording_is_right(self):
        sub = self.replay(self.record(10))
        self.finish(sub)
        self.assertEqual(self.found(sub)['frames'], 10)

    def test_a_wrong_pixel(self):
        data = self.record(10)
        size = 64 * 48 * 3
        at = 6 * size + (31 * 64 + 17) * 3 + 2
        was = data[at]
        data[at] ^= 1
        sub = self.replay(data)
        self.finish(sub, 1)
        self.assertIn('frame 7 is wrong: plane 0 at 17,31 should be '
                      f'{was} and is {was ^ 1}', sub.err)
        self.assertEqual(self.found(sub)['wrong'], 1)
        self.assertIn('1 of 10 frames are wrong', sub.err)

    def test_a_torn_frame(self):
        data = self.record(10)
        size = 64 * 48 * 3
        data[4 * size + 100:5 * size] = data[3 * size + 100:4 * size]
        sub = self.replay(data)
        self.finish(sub, 1)
        self.assertIn('frame 5 is wrong', sub.err)

    def test_a_frame_too_few(self):
        data = self.record(10)
        size = 64 * 48 * 3
        del data[4 * size:5 * size]
        sub = self.replay(data)
        self.finish(sub, 1)
        self.assertIn('frame 5 is wrong', sub.err)
        self.assertEqual(self.found(sub)['wrong'], 5)

    def test_another_stream(self):
        sub = self.replay(b'nonsense' * (64 * 48 * 3 * 2 // 8))
        self.finish(sub, 1)
        self.assertIn("does the stream come from 'zoetrope pub --test'?",
                      sub.err)

    def test_nothing_came(self):
        sub = self.zoetrope('sub', 's', '--wait', '--verify', '--timeout',
                            '50ms', status=1)
        self.assertIn('nothing was verified', sub.err)

    def test_the_promise(self):
        """A lossless reader at full speed beside four that only look."""
        others = [self.verify('latest') for _ in range(4)]
        sub = self.verify()
        pub = self.zoetrope('pub', 's', '--test', '1280x720', '--fps', 'max',
                            '--frames', 500, '--backpressure',
                            '--wait-subscribers', 5)
        self.assertIn('500 frames', pub.err)
        self.finish(sub)
        self.assertEqual(self.found(sub)['frames'], 500)
        for other in others:
            self.finish(other)
            result = json.loads(other.out)
            self.assertLessEqual(result['frames'] + result['dropped'], 500)


if __name__ == '__main__':
    harness.main()
