# SPDX-License-Identifier: MIT
"""
What `make install` installs is enough: a program builds with what pkg-config
says of it, runs, and finds the version that the package claims.
"""
import os

import harness

PREFIX = os.environ['ZT_PREFIX']
PROGRAM = '''
#include <stdio.h>
#include <zoetrope/zoetrope.h>

int main(void)
{
	return printf("%s\\n", zt_version()) < 0;
}
'''


class Installed(harness.Case):
    def test_a_program_builds_and_runs(self):
        place = os.path.join(self.scratch, 'root')
        self.finish(self.start(
            *os.environ['ZT_MESON'].split(), 'install', '--no-rebuild',
            '--quiet', '-C', os.environ['ZT_BUILD'], '--destdir', place))
        lib = f'{place}{PREFIX}/{os.environ["ZT_LIBDIR"]}'
        pkg_config = {**os.environ, 'PKG_CONFIG_PATH': f'{lib}/pkgconfig',
                      'PKG_CONFIG_SYSROOT_DIR': place}

        flags = self.finish(self.start(
            'pkg-config', '--cflags', '--libs', 'zoetrope',
            env=pkg_config)).out.split()
        with open('program.c', 'w', encoding='utf-8') as file:
            file.write(PROGRAM)
        self.finish(self.start(*os.environ['ZT_CC'].split(), 'program.c',
                               '-o', 'program', *flags))
        ran = self.finish(self.start(
            './program', env={**os.environ, 'LD_LIBRARY_PATH': lib}))
        claimed = self.finish(self.start(
            'pkg-config', '--modversion', 'zoetrope', env=pkg_config))
        self.assertEqual(ran.out, claimed.out)


if __name__ == '__main__':
    harness.main()
