# SPDX-License-Identifier: MIT
"""
The processes of the demo: each a `zoetrope pub` or `zoetrope sub` with a
name, its output kept in files so that what it said can be told when it fails.
"""
import json
import os
import shutil
import signal
import subprocess
import threading

# End when the demo does, even where that was killed.
MORTALLY = (['setpriv', '--pdeathsig', 'TERM', '--']
            if shutil.which('setpriv') else [])
PATIENCE = 10       # seconds; only ever reached when something is wrong


class Failed(Exception):
    """The run did not do what it was to do."""


class Player:
    """One process. `doing` is what the table says of it."""

    def __init__(self, name, argv, place, doing, **options):
        self.name, self.doing = name, doing
        self.usual = doing
        self.killed = False
        self._out = os.path.join(place, f'{name}.out')
        self._err = os.path.join(place, f'{name}.err')
        with open(self._out, 'wb') as out, open(self._err, 'wb') as err:
            options = {'stdin': subprocess.DEVNULL, 'stdout': out,
                       'stderr': err, **options}
            self.process = subprocess.Popen(MORTALLY + argv, **options)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def at_work(self):
        return self.running() and self.doing == self.usual

    def kill(self):
        """kill -9, and wait until it is gone."""
        self.killed = True
        self.process.kill()
        self.process.wait()
        self.doing = 'killed'

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        self.doing = 'stopped'

    def resume(self):
        self.process.send_signal(signal.SIGCONT)
        self.doing = self.usual

    def finish(self):
        """Ask it to end."""
        self.process.terminate()

    def check(self):
        """Raise Failed where it ended, and not well."""
        status = self.process.poll()
        if status is None or self.killed or status == 0:
            return
        raise Failed(f'{self.name} ended with status {status}: '
                     f'{self.complaint()}')

    def complaint(self):
        with open(self._err, encoding='utf-8', errors='replace') as file:
            lines = [line for line in file.read().splitlines()
                     if line.startswith('zoetrope')]
        return lines[-1] if lines else 'it said nothing'

    def summary(self):
        """What --json printed at its end."""
        for path in (self._out, self._err):
            with open(path, encoding='utf-8', errors='replace') as file:
                text = file.read()
            if '{' in text:
                try:
                    return json.loads(text[text.index('{'):])
                except ValueError:
                    break
        raise Failed(f'{self.name} printed no summary: {self.complaint()}')

    def put_away(self):
        """End it whatever it is doing."""
        if self.running():
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:
                    pass


class Watch(threading.Thread):
    """
    Looks at the stream with `zoetrope info --json` again and again. `info` is
    what it saw last, None where there is no publisher; `looks` counts.
    """

    def __init__(self, command, stream):
        super().__init__(daemon=True)
        self._argv = [command, 'info', stream, '--json', '--quiet']
        self._over = threading.Event()
        self.info, self.looks = None, 0

    def run(self):
        while not self._over.wait(0.05):
            seen = subprocess.run(self._argv, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True)
            try:
                self.info = json.loads(seen.stdout)
            except ValueError:
                self.info = None
            self.looks += 1

    def end(self):
        self._over.set()
        self.join()

    def row(self, pid):
        """What it saw of a subscriber, or None."""
        rows = self.info['subscribers'] if self.info else []
        return next((row for row in rows if row['pid'] == pid), None)
