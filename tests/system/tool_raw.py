# SPDX-License-Identifier: MIT
"""
Bytes without headers through a stream come out as they went in, in every
format that has pixels, also where rows are padded inside; a file that does not
end where a frame does is told.
"""
import harness

# name: bytes of a 7x5 frame
FORMATS = {
    'RGB24': 105, 'BGR24': 105, 'RGBA': 140, 'BGRX': 140, 'GRAY8': 35,
    'GRAY16': 70, 'YUYV': 80, 'UYVY': 80, 'NV12': 35 + 24, 'NV21': 35 + 24,
    'NV16': 35 + 40, 'I420': 35 + 24, 'YV12': 35 + 24, 'I422': 35 + 40,
    'I444': 105, 'P010': 2 * (35 + 24), 'SRGGB8': 35, 'SBGGR12': 70,
    'GRAYF32': 140,
}


class Raw(harness.Case):
    def write(self, data):
        with open('in.raw', 'wb') as file:
            file.write(data)

    def publish(self, fmt, *more, path='in.raw', status=0, stdin=None):
        return self.zoetrope('pub', 'cam0', '--raw', path, '--size', '7x5',
                             '--format', fmt, '--fps', 'max',
                             '--backpressure', '--wait-subscribers', 1, *more,
                             status=status, stdin=stdin)

    def take(self):
        return self.start_zoetrope('sub', 'cam0', '--wait', '--delivery',
                                   'lossless', '--raw', '-', text=False)

    def test_every_format(self):
        for fmt, size in FORMATS.items():
            with self.subTest(fmt):
                data = bytes(i * 73 % 256 for i in range(4 * size))
                self.write(data)
                sub = self.take()
                pub = self.publish(fmt)
                self.finish(sub)
                self.assertIn('4 frames', pub.err)
                self.assertEqual(sub.out, data)

    def test_standard_input(self):
        data = bytes(range(105)) * 3
        self.write(data)
        sub = self.take()
        cat = self.start('cat', 'in.raw', text=False)
        self.publish('RGB24', path='-', stdin=cat.stdout)
        self.finish(sub)
        self.assertEqual(sub.out, data)

    def test_a_part_of_a_frame_is_told(self):
        self.write(bytes(range(105)) * 2 + b'more')
        sub = self.take()
        pub = self.publish('RGB24', status=2)
        self.finish(sub)
        self.assertIn('ends at byte 214, in the middle of frame 3', pub.err)
        self.assertIn('--size and --format', pub.err)
        self.assertEqual(sub.out, bytes(range(105)) * 2)

    def test_loop(self):
        self.write(bytes(range(105)))
        sub = self.take()
        self.publish('RGB24', '--loop', '--frames', 5)
        self.finish(sub)
        self.assertEqual(sub.out, bytes(range(105)) * 5)

    def test_an_empty_file_does_not_loop_for_ever(self):
        self.write(b'')
        sub = self.take()
        self.publish('RGB24', '--loop')
        self.finish(sub)
        self.assertEqual(sub.out, b'')


if __name__ == '__main__':
    harness.main()
