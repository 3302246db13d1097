# SPDX-License-Identifier: MIT
"""PNG files for tests, made and read with what Python has."""
import struct
import zlib

COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}      # channels: PNG's colour type


def chunk(kind, data):
    crc = zlib.crc32(kind + data)
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', crc)


def png(width, height, channels, pixels, bits=8):
    """A picture of packed samples (big endian where they have 16 bits)."""
    row = width * channels * bits // 8
    lines = b''.join(b'\0' + pixels[y * row:(y + 1) * row]
                     for y in range(height))
    return (b'\x89PNG\r\n\x1a\n' +
            chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, bits,
                                       COLOURS[channels], 0, 0, 0)) +
            chunk(b'IDAT', zlib.compress(lines)) + chunk(b'IEND', b''))


def png_size(data):
    """(width, height) of a PNG file that is whole."""
    assert data[:8] == b'\x89PNG\r\n\x1a\n' and data[-8:-4] == b'IEND'
    return struct.unpack('>II', data[16:24])
