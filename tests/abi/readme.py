# SPDX-License-Identifier: MIT
"""
The programs in README.md build without a warning and do what they are there
for; what README.md and CONTRIBUTING.md point to is there.
"""
import os
import re

import harness

SOURCE = os.environ['ZT_SOURCE']
LIBRARY = os.environ['ZT_LIBRARY']


def read(name):
    with open(os.path.join(SOURCE, name), encoding='utf-8') as file:
        return file.read()


class Readme(harness.Case):
    leaves_sockets = True

    def build(self, name, code):
        with open(f'{name}.c', 'w', encoding='utf-8') as file:
            file.write(code)
        self.finish(self.start(
            *os.environ['ZT_CC'].split(), '-std=c11', '-Wall', '-Wextra',
            '-Wpedantic', '-Werror', '-I', os.environ['ZT_INCLUDE'],
            f'{name}.c', '-o', name, LIBRARY,
            f'-Wl,-rpath,{os.path.dirname(LIBRARY)}'))

    def test_its_programs_pass_frames(self):
        programs = re.findall(r'```c\n(.*?)```', read('README.md'), re.S)
        self.assertEqual(len(programs), 2)
        for name, code in zip(('publisher', 'subscriber'), programs):
            self.build(name, code)
        publisher = self.start('./publisher')
        socket = os.path.join(self.runtime, 'cam0.sock')
        harness.until(lambda: os.path.exists(socket), 'the stream')
        subscriber = self.start('./subscriber')
        numbers = [int(re.fullmatch(r'frame (\d+), first byte 128\n',
                                    subscriber.stdout.readline())[1])
                   for _ in range(100)]
        self.assertEqual(numbers, sorted(set(numbers)))
        publisher.kill()
        subscriber.kill()

    def test_what_the_pages_point_to_is_there(self):
        missing = []
        for page in 'README.md', 'CONTRIBUTING.md':
            text = re.sub(r'```.*?```', '', read(page), flags=re.S)
            named = re.findall(r'\]\(([^)#]+)\)', text)
            # paths in `quotes`, such as have a directory
            named += re.findall(r'`((?:[\w.-]+/)+[\w.-]*)`', text)
            missing += [f'{page}: {name}' for name in named
                        if name != 'demo-out/' and name != 'build/' and
                        '://' not in name and
                        not os.path.exists(os.path.join(SOURCE, name))]
        self.assertEqual(missing, [])


if __name__ == '__main__':
    harness.main()
