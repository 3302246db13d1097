# SPDX-License-Identifier: MIT
"""
The play: who is started, killed and stopped when, and the table that is shown
meanwhile.
"""
import os
import subprocess
import time

import screen
import video
from account import READERS
from players import PATIENCE, Failed, Player, Watch

STREAM = 'cam0'
SIZE, RATE = '1280x720', '30'


class Stage:
    def __init__(self, options, place):
        self.options, self.place = options, place
        self.screen = screen.Screen()
        self.watch = Watch(options.command, STREAM)
        self.cast = {}              # reader: its Player now
        self.all = []               # all that was started
        self.publishers = []
        self.feeds = []             # video: what went into each publisher
        self.tap = None             # video: what came out
        self.seen = 0               # frames of the publisher that was killed
        self.began = time.monotonic()

    # -- who is on stage ---------------------------------------------------

    def start(self, name, *arguments, doing='', **options):
        player = Player(name, [self.options.command, *arguments, '--json',
                               '--quiet'], self.place, doing, **options)
        self.all.append(player)
        return player

    def start_publisher(self):
        name = f'publisher-{len(self.publishers) + 1}'
        usual = ('--backpressure', '--wait-subscribers', str(len(READERS)))
        if self.options.video:
            player = self.start(name, 'pub', STREAM, '--y4m', '-', *usual,
                                stdin=subprocess.PIPE)
            decoder, frames = video.feed(self.options.video,
                                         player.process.stdin)
            self.all.append(decoder)
            self.feeds.append(frames)
        else:
            player = self.start(name, 'pub', STREAM, '--test', SIZE, '--fps',
                                RATE, *usual)
        self.publishers.append(player)

    def start_reader(self, name, *sink, doing, **options):
        self.cast[name] = self.start(
            name, 'sub', STREAM, '--wait', '--delivery', READERS[name], *sink,
            doing=doing, **options)

    def start_fast(self):
        if not self.options.video:
            self.start_reader('fast', '--verify', doing='checks pixels')
            return
        self.start_reader('fast', '--y4m', '-', stdout=subprocess.PIPE,
                          doing='compares bytes')
        self.tap = video.Frames(self.cast['fast'].process.stdout)
        self.tap.start()

    def start_slow(self):
        self.start_reader('slow', '--images', self.pictures('slow'),
                          doing='writes PNG')

    def start_mortal(self, life):
        self.start_reader('mortal', '--images', self.pictures(life),
                          '--image-format', 'jpg', doing='writes JPEG')

    def pictures(self, name):
        return os.path.join(self.options.out, name)

    # -- the play: each act yields seconds to let pass, or a condition to ----
    # -- wait for and what to call it ----------------------------------------

    def play(self):
        seconds = self.options.seconds
        yield from self.a_reader_dies(seconds)
        yield from self.a_reader_stops(seconds)
        yield from self.the_publisher_dies(seconds)

    def a_reader_dies(self, seconds):
        self.say('the publisher starts, and three readers')
        self.start_publisher()
        self.start_fast()
        self.start_slow()
        self.start_mortal('mortal-1')
        yield lambda: self.flowing(1), 'the first frame'
        yield seconds * 0.2
        self.say('kill -9 of the reader mortal')
        self.cast['mortal'].kill()
        yield (self.from_now_on(lambda info: len(info['subscribers']) == 2),
               'the publisher to see the death')
        self.say('the publisher has noticed; the others go on')
        yield seconds * 0.1
        self.say('mortal starts again')
        self.start_mortal('mortal-2')
        yield seconds * 0.1

    def a_reader_stops(self, seconds):
        self.say('the reader slow is stopped (kill -STOP)')
        before = self.published()
        self.cast['slow'].pause()
        yield seconds * 0.15
        self.say(f'{self.published() - before} frames went by meanwhile; slow '
                 'goes on with the newest')
        self.cast['slow'].resume()
        yield seconds * 0.1

    def the_publisher_dies(self, seconds):
        self.say('kill -9 of the publisher')
        self.seen = self.published()
        self.publishers[0].kill()
        yield seconds * 0.05
        self.say('the next publisher of cam0 starts; the readers are waiting')
        self.start_publisher()
        yield lambda: self.flowing(2), 'the readers to come back'
        self.say('they are back')
        yield seconds * 0.25
        self.say('the publisher ends the stream')
        self.publishers[1].finish()
        yield lambda: not self.playing(), 'the readers to see the end'

    # -- what can be seen of it ----------------------------------------------

    def published(self):
        info = self.watch.info
        return info['published'] if info else 0

    def flowing(self, epoch):
        """Has this publisher published?"""
        info = self.watch.info
        return info and info['epoch'] == epoch and info['published'] > 0

    def from_now_on(self, condition):
        """A condition on what the watch has begun to look at after now."""
        before = self.watch.looks
        return lambda: (self.watch.looks >= before + 2 and self.watch.info and
                        condition(self.watch.info))

    def playing(self):
        return any(player.running() for player in
                   [*self.cast.values(), self.publishers[-1]])

    def lines(self):
        rows = [screen.reader_row(name, READERS[name], player,
                                  self.watch.row(player.pid))
                for name, player in self.cast.items()]
        return ['', screen.stream_line(self.watch.info), '',
                *screen.columns(rows)]

    def say(self, text):
        self.screen.say(f'{time.monotonic() - self.began:6.1f} s  {text}')

    # -- running it ----------------------------------------------------------

    def run(self):
        self.watch.start()
        for wait in self.play():
            if isinstance(wait, tuple):
                self.wait_for(*wait)
            else:
                self.let_pass(wait)
        self.watch.end()
        self.screen.clear()

    def let_pass(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.tick()

    def wait_for(self, condition, what):
        until = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > until:
                raise Failed(f'waited {PATIENCE} s in vain for {what}')
            self.tick()

    def tick(self):
        """Has anybody ended who should not have? Show how it stands."""
        for player in self.publishers + list(self.cast.values()):
            player.check()
        first = self.publishers[0]
        if not first.killed and not first.running():
            raise Failed('the source ended before the demo did')
        self.screen.draw(self.lines())
        time.sleep(0.05)

    def put_away(self):
        """End all that was started, whatever it is doing."""
        if self.watch.is_alive():
            self.watch.end()
        self.screen.clear()
        for started in self.all:
            if isinstance(started, Player):
                started.put_away()
            else:
                started.kill()
                started.wait()

    # -- after it ------------------------------------------------------------

    def summaries(self):
        said = {name: player.summary() for name, player in self.cast.items()}
        return {**said, 'publisher': self.publishers[1].summary()}

    def faults(self, taken):
        """
        What is wrong with what fast took, or with what is left behind; taken:
        how many frames it took of each publisher.
        """
        if self.options.video:
            self.tap.join()
            went_in = [digest for feed, count in zip(self.feeds, taken)
                       for digest in feed.digests[:count]]
            if self.tap.digests != went_in:
                yield 'what fast got is not what went in'
        else:
            found = self.cast['fast'].summary()['verify']
            if found['wrong'] or found['gaps'] or found['disorders']:
                yield f'fast found faults: {found}'
        left = sorted(os.listdir(os.environ['ZOETROPE_DIR']))
        if left != [f'{STREAM}.lock']:
            yield f'the runtime directory holds {", ".join(left)}'
