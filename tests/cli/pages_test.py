#!/usr/bin/env python3
"""docs/json-lines.md: every example answers as the page says, every op and reason is on it.

The blocks marked json are one session of `trading run`, in order: a request a line, after it its answer, over as many lines as are
legible. In an answer's strings … stands for any text; other members than those shown are an error.
"""
import json
import re
import unittest

from program import TOP, Case

PAGE = (TOP / "docs/json-lines.md").read_text(encoding="utf-8")


def values_of(text):
    """The JSON values of a block one after another, each with its text."""
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        yield value, text[:end]
        text = text[end:]


def matches(shown, answer):
    if isinstance(shown, str) and isinstance(answer, str):
        return re.fullmatch(".*".join(re.escape(part) for part in shown.split("…")), answer)
    if isinstance(shown, list) and isinstance(answer, list):
        return len(shown) == len(answer) and all(map(matches, shown, answer))
    if isinstance(shown, dict) and isinstance(answer, dict):
        return list(shown) == list(answer) and all(matches(shown[name], answer[name]) for name in shown)
    return shown == answer and isinstance(shown, bool) == isinstance(answer, bool)


class Page(Case):
    def test_examples(self):
        running = self.lines()
        asked = 0
        for block in re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
            values = list(values_of(block))
            for (_, request), (shown, _) in zip(values[::2], values[1::2], strict=True):
                answer = running.ask(request.encode())
                self.assertTrue(matches(shown, answer), f"\nasked    {request}\nshown    {shown}\nanswered {json.dumps(answer)}")
                asked += 1
        self.assertGreater(asked, 30)

    def test_every_op_is_there(self):
        source = (TOP / "examples/cli/request.c").read_text(encoding="utf-8")
        ops = re.findall(r'^    \{"([a-z_]+)", OP_', source, re.MULTILINE)
        self.assertGreater(len(ops), 30)
        for op in ops:
            self.assertIn(f"`{op}`", PAGE)
            self.assertIn(f'"op":"{op}"', PAGE)

    def test_every_reason_is_there(self):
        header = (TOP / "include/trading/command.h").read_text(encoding="utf-8")
        reasons = set(re.findall(r"#define TRADING_REASON_(\w+) ", header)) - {"NONE"}
        self.assertGreater(len(reasons), 25)
        for reason in reasons | {"KEY_REUSED", "VERSION_CONFLICT", "UNKNOWN_SYMBOL"}:
            self.assertIn(f"`{reason}`", PAGE)


if __name__ == "__main__":
    unittest.main()
