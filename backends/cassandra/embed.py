#!/usr/bin/env python3
"""Writes a text file as a C string: embed.py FILE NAME > HEADER."""
import sys

with open(sys.argv[1], encoding='utf-8') as file:
    print(f'static const char {sys.argv[2]}[] =')
    for line in file:
        escaped = line.rstrip('\n').replace('\\', '\\\\').replace('"', '\\"')
        print(f'    "{escaped}\\n"')
    print('    ;')
