# SPDX-License-Identifier: MIT
"""
y4m through a stream comes out as it went in, byte for byte and header for
header, under several subscribers at once; a file that is cut gives its whole
frames and then an error; what y4m cannot hold is refused.
"""
import json
import subprocess

import harness
from pictures import png

HEADERS = [
    'W33 H17 F30000:1001 Ip A1:1 C420jpeg XYSCSS=420JPEG XCOLORRANGE=LIMITED',
    'W64 H4 F25:1 It A4:3 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=LIMITED',
    'W5 H3 F25:1 Ib A0:0 C420paldv XYSCSS=420PALDV',
    'W6 H6 F24:1 Im A1:1 C420',
    'W7 H5 F0:0 I? A0:0 C422 XYSCSS=422 XCOLORRANGE=FULL',
    'W7 H5 F60:1 Ip A1:1 C444 XYSCSS=444',
    'W9 H2 F60:1 Ip A1:1 Cmono XCOLORRANGE=FULL',
    'W9 H2 F60:1 Ip A1:1 Cmono16',
]


def frame_bytes(header):
    words = {word[0]: word[1:] for word in header.split()[:6]}
    w, h, chroma = int(words['W']), int(words['H']), words['C']
    half = (w + 1) // 2
    return {'420': w * h + 2 * half * ((h + 1) // 2),
            '422': w * h + 2 * half * h,
            '444': 3 * w * h,
            'mono': w * h,
            'mono16': 2 * w * h}.get(chroma) or \
        w * h + 2 * half * ((h + 1) // 2)


def video(header, frames):
    size = frame_bytes(header)
    data = f'YUV4MPEG2 {header}\n'.encode()
    for i in range(frames):
        data += b'FRAME\n' + bytes((i * 31 + j * 7 + j // 251) % 256
                                   for j in range(size))
    return data


class Y4m(harness.Case):
    def lossless(self, path, **options):
        return self.start_zoetrope('sub', 'cam0', '--wait', '--delivery',
                                   'lossless', '--y4m', path, **options)

    def publish(self, path, *more, status=0, subscribers=1, stdin=None):
        return self.zoetrope('pub', 'cam0', '--y4m', path, '--backpressure',
                             '--wait-subscribers', subscribers, *more,
                             status=status, stdin=stdin)

    def read(self, path):
        with open(path, 'rb') as file:
            return file.read()

    def write(self, path, data):
        with open(path, 'wb') as file:
            file.write(data)

    def test_ffmpeg_to_three_files(self):
        harness.need_program('ffmpeg')
        make = ['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i',
                'testsrc2=size=318x178:rate=30000/1001', '-frames:v', '60',
                '-pix_fmt', 'yuv420p', '-f', 'yuv4mpegpipe', '-']
        expected = subprocess.run(make, check=True, capture_output=True,
                                  stdin=subprocess.DEVNULL).stdout
        subs = [self.lossless(f'{i}.y4m') for i in range(3)]
        source = self.start(*make, text=False, stdin=subprocess.DEVNULL)
        pub = self.publish('-', '--fps', 'max', subscribers=3,
                           stdin=source.stdout)
        self.assertIn('60 frames', pub.err)
        for i, sub in enumerate(subs):
            self.finish(sub)
            self.assertEqual(self.read(f'{i}.y4m'), expected)

    def test_every_header(self):
        for header in HEADERS:
            with self.subTest(header):
                data = video(header, 5)
                self.write('in.y4m', data)
                sub = self.lossless('out.y4m')
                self.publish('in.y4m', '--fps', 'max')
                self.finish(sub)
                self.assertEqual(self.read('out.y4m'), data)

    def test_standard_output(self):
        data = video(HEADERS[0], 40)
        self.write('in.y4m', data)
        sub = self.lossless('-', text=False)
        self.publish('in.y4m', '--fps', 'max')
        self.finish(sub)
        self.assertEqual(sub.out, data)

    def test_loop_and_frames(self):
        data = video(HEADERS[0], 3)
        self.write('in.y4m', data)
        sub = self.lossless('out.y4m')
        pub = self.publish('in.y4m', '--fps', 'max', '--loop', '--frames', 7)
        self.finish(sub)
        self.assertIn('7 frames', pub.err)
        head = data.index(b'FRAME')
        frame = (len(data) - head) // 3
        self.assertEqual(self.read('out.y4m'),
                         data + data[head:] + data[head:head + frame])

    def test_a_pipe_cannot_loop(self):
        self.write('in.y4m', video(HEADERS[0], 1))
        source = self.start('cat', 'in.y4m', text=False)
        pub = self.publish('-', '--loop', status=2, stdin=source.stdout)
        self.assertIn('--loop needs a file', pub.err)

    def test_cut_in_a_frame(self):
        data = video(HEADERS[0], 4)
        cut = len(data) - 100
        self.write('in.y4m', data[:cut])
        sub = self.lossless('out.y4m')
        pub = self.publish('in.y4m', '--fps', 'max', status=2)
        self.finish(sub)
        self.assertIn(f'in.y4m: it ends at byte {cut}, in the middle of '
                      'frame 4', pub.err)
        whole = len(data) - frame_bytes(HEADERS[0]) - len(b'FRAME\n')
        self.assertEqual(self.read('out.y4m'), data[:whole])

    def test_the_rate_is_the_files(self):
        self.write('in.y4m', video(HEADERS[1], 6))     # 25 a second
        pub = self.zoetrope('pub', 'cam0', '--y4m', 'in.y4m', '--json')
        self.assertGreater(json.loads(pub.out)['seconds'], 0.19)

    def test_another_size_ends_it(self):
        if '+png' not in self.zoetrope('--version').out:
            self.skipTest('the command was built without PNG')
        self.write('1.png', png(16, 16, 1, bytes(16 * 16)))
        self.write('2.png', png(32, 16, 1, bytes(32 * 16)))
        sub = self.lossless('out.y4m')
        self.zoetrope('pub', 'cam0', '--images', '1.png', '2.png',
                      '--backpressure', '--wait-subscribers', 1,
                      '--fps', 'max')
        self.finish(sub, 1)
        self.assertIn('frame 2 is 32x16', sub.err)
        self.assertTrue(self.read('out.y4m').startswith(
            b'YUV4MPEG2 W16 H16 F30:1 Ip A1:1 Cmono XCOLORRANGE=FULL\n'))

    def test_rgb_is_refused(self):
        sub = self.lossless('out.y4m')
        self.zoetrope('pub', 'cam0', '--test', '16x16', '--backpressure',
                      '--wait-subscribers', 1, '--frames', 1)
        self.finish(sub, 1)
        self.assertIn('y4m cannot hold RGB24', sub.err)

    def test_yv12_is_written_as_420(self):
        y, u, v = b'y' * 64, b'u' * 16, b'v' * 16
        self.write('in.raw', y + v + u)
        sub = self.lossless('out.y4m')
        self.zoetrope('pub', 'cam0', '--raw', 'in.raw', '--size', '8x8',
                      '--format', 'YV12', '--backpressure',
                      '--wait-subscribers', 1)
        self.finish(sub)
        self.assertTrue(self.read('out.y4m').endswith(b'FRAME\n' + y + u + v))


if __name__ == '__main__':
    harness.main()
