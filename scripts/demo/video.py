# SPDX-License-Identifier: MIT
"""
A video through the stream, with the frames counted and compared on the way:
Feed passes what ffmpeg decodes on to a publisher, Tap takes what comes out of
a subscriber, and both keep a digest of each frame.
"""
import hashlib
import subprocess
import threading

WIDEST = 1280


def why_not(video):
    """None where ffmpeg can decode the video, else what it says."""
    probe = subprocess.run(
        ['ffmpeg', '-nostdin', '-v', 'error', '-i', video, '-map', '0:v:0',
         '-frames:v', '1', '-f', 'null', '-'],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if probe.returncode == 0:
        return None
    lines = probe.stderr.strip().splitlines()
    return lines[-1] if lines else 'ffmpeg cannot read it'


def decoder(video):
    """ffmpeg's arguments: the video over and over, as y4m."""
    return ['ffmpeg', '-nostdin', '-v', 'error', '-stream_loop', '-1',
            '-i', video, '-map', '0:v:0',
            '-vf', f"scale='min({WIDEST},iw)':-2", '-pix_fmt', 'yuv420p',
            '-f', 'yuv4mpegpipe', '-']


def frame_size(header):
    """Bytes of a frame of this y4m header, 8 bits and 4:2:0."""
    fields = {word[:1]: word[1:] for word in header.split()[1:]}
    width, height = int(fields[b'W']), int(fields[b'H'])
    return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)


class Frames(threading.Thread):
    """Reads y4m from `source`, and writes it to `sink` where there is one."""

    def __init__(self, source, sink=None):
        super().__init__(daemon=True)
        self._source, self._sink = source, sink
        self.digests = []       # of frames that were read whole

    def run(self):
        try:
            self._pass_on()
        except (OSError, ValueError):
            pass                # either end is gone: it was killed
        finally:
            for end in (self._source, self._sink):
                try:
                    if end:
                        end.close()
                except OSError:
                    pass

    def _write(self, data):
        if self._sink:
            self._sink.write(data)
            self._sink.flush()

    def _pass_on(self):
        header = self._source.readline()
        self._write(header)
        frame = bytearray(frame_size(header))
        while mark := self._source.readline():
            if self._source.readinto(frame) < len(frame):
                return
            self.digests.append(hashlib.blake2b(frame).digest())
            self._write(mark)
            self._write(frame)


def feed(video, sink):
    """Begin to write the video into a pipe; the decoder and its Frames."""
    process = subprocess.Popen(decoder(video), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    frames = Frames(process.stdout, sink)
    frames.start()
    return process, frames
