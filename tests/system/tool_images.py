# SPDX-License-Identifier: MIT
"""
Pictures into a stream and out of it: PNG pixels stay what they are, sizes and
formats change in mid-stream under several subscribers without a lost frame,
files appear whole or not at all.
"""
import os
import subprocess

import harness
from pictures import png, png_size

# file: (width, height, channels, bits)
PICTURES = {
    'a.png': (64, 48, 3, 8),
    'b.png': (321, 200, 3, 8),
    'c.png': (3, 2, 1, 8),
    'd.png': (500, 301, 4, 8),
    'e.png': (33, 33, 1, 16),
    'f.png': (64, 48, 3, 8),
}


def pixels(name):
    width, height, channels, bits = PICTURES[name]
    return bytes((i * 7 + i // 97 + ord(name[0])) % 256
                 for i in range(width * height * channels * bits // 8))


def frame(name):
    """The pixels as a frame holds them: 16 bits are little endian."""
    data = bytearray(pixels(name))
    if PICTURES[name][3] == 16:
        data[0::2], data[1::2] = data[1::2], data[0::2]
    return bytes(data)


class Images(harness.Case):
    def setUp(self):
        super().setUp()
        built = self.zoetrope('--version').out.split()
        for part in '+jpeg', '+png', '+yuv':
            if part not in built:
                self.skipTest(f'the command was built without {part[1:]}')

    def write_pictures(self):
        for name, (width, height, channels, bits) in PICTURES.items():
            with open(name, 'wb') as file:
                file.write(png(width, height, channels, pixels(name), bits))

    def publish(self, *more, subscribers=1, status=0):
        return self.zoetrope('pub', 'cam0', *more, '--fps', 'max',
                             '--backpressure', '--wait-subscribers',
                             subscribers, status=status)

    def take(self, *sink, **options):
        return self.start_zoetrope('sub', 'cam0', '--wait', '--delivery',
                                   'lossless', *sink, **options)

    def test_pixels_of_all_sizes_to_three(self):
        self.write_pictures()
        subs = [self.take('--raw', f'{i}.raw') for i in range(3)]
        pub = self.publish('--images', *PICTURES, '--loop', '--frames', 60,
                           subscribers=3)
        self.assertIn('60 frames', pub.err)
        for i, sub in enumerate(subs):
            self.finish(sub)
            with open(f'{i}.raw', 'rb') as file:
                self.assertEqual(file.read(),
                                 b''.join(map(frame, PICTURES)) * 10)

    def test_files_come_back(self):
        self.write_pictures()
        sub = self.take('--images', 'out')
        self.publish('--images', *PICTURES)
        self.finish(sub)
        names = [f'frame-{i:08}.png' for i in range(1, len(PICTURES) + 1)]
        self.assertEqual(sorted(os.listdir('out')), names)
        for name, old in zip(names, PICTURES):
            with open(f'out/{name}', 'rb') as file:
                self.assertEqual(png_size(file.read()), PICTURES[old][:2])
        # what was written is published again: the same pixels
        sub = self.take('--raw', '-', text=False)
        self.publish('--images', *[f'out/{name}' for name in names])
        self.finish(sub)
        self.assertEqual(sub.out, b''.join(map(frame, PICTURES)))

    def test_jpeg(self):
        sub = self.take('--images', 'out', '--image-format', 'jpg')
        self.publish('--test', '320x200', '--format', 'NV12', '--frames', 3)
        self.finish(sub)
        names = sorted(os.listdir('out'))
        self.assertEqual(names, [f'frame-{i:08}.jpg' for i in (1, 2, 3)])
        sub = self.take('--null', '--json')
        self.publish('--images', *[f'out/{name}' for name in names])
        self.finish(sub)
        self.assertIn('"frames": 3', sub.out)

    def test_yuv_has_ffmpegs_colours(self):
        harness.need_program('ffmpeg')
        for fmt, theirs in (('I420', 'yuv420p'), ('NV12', 'nv12'),
                            ('YUYV', 'yuyv422'), ('I444', 'yuv444p')):
            with self.subTest(fmt):
                # smooth in time and space: chroma is up-sampled otherwise
                source = ['ffmpeg', '-v', 'error', '-f', 'lavfi', '-i',
                          'gradients=size=160x120:seed=3', '-frames:v', '1',
                          '-pix_fmt', theirs, '-f', 'rawvideo', 'in.raw',
                          '-y']
                subprocess.run(source, check=True, stdin=subprocess.DEVNULL)
                want = subprocess.run(
                    ['ffmpeg', '-v', 'error', '-f', 'rawvideo', '-s',
                     '160x120', '-pix_fmt', theirs, '-i', 'in.raw',
                     '-pix_fmt', 'rgb24', '-f', 'rawvideo', '-'], check=True,
                    capture_output=True, stdin=subprocess.DEVNULL).stdout
                sub = self.take('--images', 'out')
                self.publish('--raw', 'in.raw', '--size', '160x120',
                             '--format', fmt)
                self.finish(sub)
                sub = self.take('--raw', '-', text=False)
                self.publish('--images', 'out/frame-00000001.png')
                self.finish(sub)
                self.assertEqual(len(sub.out), len(want))
                self.assertLessEqual(
                    max(abs(a - b) for a, b in zip(sub.out, want)), 6)

    def test_only_whole_files(self):
        """Killed at some moment, then counted: each name is a whole file."""
        sub = self.take('--images', 'out')
        pub = self.start_zoetrope('pub', 'cam0', '--test', '640x480', '--fps',
                                  'max', '--backpressure')
        harness.until(lambda: os.path.isdir('out') and
                      len(os.listdir('out')) > 5, 'some pictures')
        sub.kill()
        sub.wait()
        pub.terminate()
        self.finish(pub)
        for name in os.listdir('out'):
            if not name.startswith('.'):
                with open(f'out/{name}', 'rb') as file:
                    self.assertEqual(png_size(file.read()), (640, 480))

    def test_a_full_disk_leaves_no_part(self):
        if os.geteuid() != 0:
            self.skipTest('only root can mount')
        os.mkdir('out')
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=8k', 'none',
                           'out'], check=False,
                          capture_output=True).returncode:
            self.skipTest('cannot mount here')
        self.addCleanup(subprocess.run, ['umount', 'out'], check=False)
        sub = self.take('--images', 'out')
        pub = self.start_zoetrope('pub', 'cam0', '--test', '1280x720',
                                  '--frames', '2',
                                  '--backpressure', '--wait-subscribers', '1')
        self.finish(sub, 1)
        self.finish(pub)
        self.assertIn('No space left', sub.err)
        self.assertEqual(os.listdir('out'), [])

    def test_bad_pictures(self):
        self.write_pictures()
        with open('b.png', 'rb') as file:
            whole = file.read()
        with open('cut.png', 'wb') as file:
            file.write(whole[:len(whole) // 2])
        with open('text.png', 'w', encoding='ascii') as file:
            file.write('no picture\n')
        for bad, words in (('cut.png', 'cut.png: PNG'),
                           ('text.png', 'text.png: it is neither'),
                           ('none.png', 'none.png: No such file')):
            with self.subTest(bad):
                sub = self.take('--raw', '-', text=False)
                pub = self.publish('--images', 'a.png', bad, 'c.png',
                                   status=2)
                self.finish(sub)
                self.assertIn(words, pub.err)
                self.assertEqual(sub.out, frame('a.png'))

    def test_what_has_no_picture(self):
        sub = self.take('--images', 'out')
        self.publish('--test', '16x16', '--format', 'SRGGB8', '--frames', 1)
        self.finish(sub, 1)
        self.assertIn('no picture can be made of SRGGB8', sub.err)
        self.assertEqual(os.listdir('out'), [])


if __name__ == '__main__':
    harness.main()
