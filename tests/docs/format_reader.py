"""A reader of the journal's format, written from docs/format.md alone and sharing no code with the library."""
import dataclasses
import hashlib
import re
import struct
import subprocess

HEADER = struct.Struct("<4sHHIIIIIIqq16s32s")
DIGEST_BYTES = 32


MASK = (1 << 64) - 1


def _rotate(value, bits):
    return (value << bits | value >> (64 - bits)) & MASK


def _sip_rounds(v, count):
    for _ in range(count):
        v[0] = (v[0] + v[1]) & MASK
        v[2] = (v[2] + v[3]) & MASK
        v[1], v[3] = _rotate(v[1], 13) ^ v[0], _rotate(v[3], 16) ^ v[2]
        v[0] = (_rotate(v[0], 32) + v[3]) & MASK
        v[2] = (v[2] + v[1]) & MASK
        v[1], v[3] = _rotate(v[1], 17) ^ v[2], _rotate(v[3], 21) ^ v[0]
        v[2] = _rotate(v[2], 32)


def siphash(key, message, size=8):
    """SipHash-2-4 with an output of 8 or 16 bytes."""
    first, second = struct.unpack("<QQ", key)
    v = [first ^ 0x736f6d6570736575, second ^ 0x646f72616e646f6d, first ^ 0x6c7967656e657261, second ^ 0x7465646279746573]
    if size == 16:
        v[1] ^= 0xee
    padded = message + bytes(7 - len(message) % 8) + bytes([len(message) & 0xff])
    for word, in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        _sip_rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xee if size == 16 else 0xff
    _sip_rounds(v, 4)
    out = struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3])
    if size == 16:
        v[1] ^= 0xdd
        _sip_rounds(v, 4)
        out += struct.pack("<Q", v[0] ^ v[1] ^ v[2] ^ v[3])
    return out


def derive_id(entity, scope, key, ordinal=0):
    """The id of what a command makes."""
    out = siphash(b"libtrading/id/v1", struct.pack("<I16s16sI", entity, scope, key, ordinal), 16)
    return scope[:2] + out[2:] if entity != 1 else out


class Bytes:
    """Reads from front to back; running out is an IndexError."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise IndexError(f"{size} bytes at {self.at} of {len(self.data)}")
        self.at += size
        return self.data[self.at - size:self.at]

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        value, shift = 0, 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self):
        value = self.varint()
        return value >> 1 if value % 2 == 0 else -(value >> 1) - 1

    def block(self):
        return self.take(self.varint())

    def rest(self):
        return self.at < len(self.data)


# What follows kind, number, previous and address: fields by name; v: varint, s: signed, b: block, c: currency, i: id, 1: byte, o: counter order.
EVENTS = {
    1: ("ACCOUNT_OPENED", "currency:c sealed:b"),
    2: ("CONTACT_UPDATED", "sealed:b"),
    3: ("ADDRESS_UPDATED", "sealed:b"),
    4: ("FUNDS_DEPOSITED", "amount:v"),
    5: ("FUNDS_WITHDRAWN", "amount:v"),
    6: ("FUNDS_CREDITED", "amount:v"),
    7: ("FUNDS_DEBITED", "amount:v"),
    8: ("FUNDS_HELD", "order:v amount:v"),
    9: ("FUNDS_RELEASED", "order:v amount:v"),
    10: ("FUNDS_PAID", "order:v amount:v held:v"),
    11: ("FUNDS_RECEIVED", "order:v amount:v rounding:s"),
    12: ("REFUND_ACCEPTED", "amount:v order:v"),
    13: ("ACCOUNT_FROZEN", ""),
    14: ("ACCOUNT_UNFROZEN", ""),
    15: ("ACCOUNT_CLOSED", "amount:v"),
    16: ("COMMAND_REJECTED", "reason:v required:s available:s"),
    17: ("TRANSFER_SENT", "amount:v other:v"),
    18: ("TRANSFER_RECEIVED", "amount:v other:v"),
    19: ("TRANSFER_REFUSED", "amount:v reason:v other_id:i"),
    20: ("TRANSFER_SETTLED", "amount:v"),
    21: ("TRANSFER_RETURNED", "amount:v reason:v"),
    22: ("ALIAS_BOUND", "portfolio:v space:b name:b"),
    32: ("PORTFOLIO_OPENED", "account:v sealed:b"),
    33: ("SHARES_RESERVED", "order:v quantity:v"),
    34: ("SHARES_RELEASED", "order:v quantity:v"),
    35: ("LOT_ACQUIRED", "order:v quantity:v amount:v"),
    36: ("LOT_DISPOSED", "order:v lot:v quantity:v amount:v cost:v"),
    37: ("PORTFOLIO_CLOSING", ""),
    38: ("PORTFOLIO_CLOSED", ""),
    64: ("ORDER_PLACED", "portfolio:v instrument:v terms:1 quantity:v price:v"),
    65: ("ORDER_RESTED", "quantity:v"),
    66: ("ORDER_EXECUTED", "counter_order:o quantity:v price:v amount:v"),
    67: ("ORDER_CANCELED", "quantity:v"),
    68: ("ORDER_EXPIRED", "quantity:v"),
    69: ("ORDER_REJECTED", "portfolio:v instrument:v terms:1 quantity:v price:v"),
    70: ("ORDER_SENT", "id:i symbol:b currency:c terms:1 quantity:v price:v"),
    71: ("CANCEL_SENT", "id:i"),
    72: ("GUEST_PLACED", "id:i instrument:v terms:1 quantity:v price:v"),
    73: ("GUEST_EXECUTED", "id:i counter_id:i quantity:v price:v amount:v rounding:s"),
    74: ("GUEST_ENDED", "id:i quantity:v status:1 reason:v"),
    75: ("ORDER_ROUTED", "quantity:v"),
    76: ("CANCEL_ROUTED", ""),
    96: ("INSTRUMENT_LISTED", "symbol:b currency:c"),
    97: ("QUOTE_SET", ""),
    98: ("QUOTE_TAKEN", "order:v side:1 quantity:v price:v amount:v"),
    99: ("SESSION_ENDED", ""),
    100: ("WORK_PAUSED", "work:v subject:v cursor:v order:v ordinal:v"),
    101: ("TRADE_TAKEN_OVER", "order:v side:1 quantity:v price:v amount:v"),
    102: ("VENUE_TRADED", "order:v side:1 quantity:v price:v amount:v"),
    112: ("CURSOR_ACKNOWLEDGED", "cursor_position:v name:b"),
    113: ("PARTITION_SPLIT", "from:v to:v ends:b"),
}
# Kinds that may be messages to another partition.
SENT = {"TRANSFER_SENT", "TRANSFER_RECEIVED", "TRANSFER_REFUSED", "ORDER_SENT", "CANCEL_SENT", "GUEST_EXECUTED", "GUEST_ENDED"}
# What stands behind these when their field is zero.
ELSEWHERE = {"TRANSFER_SENT": ("other", "other_id:i own_id:i currency:c"), "TRANSFER_RECEIVED": ("other", "other_id:i"),
             "INSTRUMENT_LISTED": ("currency", "partition:v")}
SETTLING = 5  # a kind of work
TERMS_NAME_A_LOT = 16


def kind_names():
    return {name for name, _ in EVENTS.values()}


@dataclasses.dataclass
class Event:
    position: int
    kind: str
    number: int
    previous: int  # −1: the entity's first
    fields: dict


@dataclasses.dataclass
class Entry:
    type: int
    flags: int
    key: bytes
    account: int
    version: int
    events: list


@dataclasses.dataclass
class Commit:
    partition: int
    first_position: int
    time: int
    nonce: bytes
    previous_digest: bytes
    digest: bytes
    entries: list

    @property
    def events(self):
        return [event for entry in self.entries for event in entry.events]


def read_fields(data, layout):
    readers = {"v": data.varint, "s": data.signed, "b": data.block, "1": data.u8, "c": lambda: data.take(3).decode().strip("\0"),
               "i": lambda: data.take(16), "o": lambda: data.take(16) if (order := data.varint()) == 2**32 else order}
    return {name: readers[how]() for name, how in (field.split(":") for field in layout.split())}


def read_quote(data):
    fields = {}
    for side in ("bid", "ask"):
        fields[side] = data.varint()
        fields[f"{side}_size"] = data.varint() if fields[side] else 0
    return fields


def read_event(data, position):
    kind, number, back = data.u8(), data.varint(), data.varint()
    name, layout = EVENTS[kind]
    if name in SENT and data.varint():
        data.varint()  # how far back the message before is
    fields = read_quote(data) if name == "QUOTE_SET" else read_fields(data, layout)
    if fields.get("terms", 0) & TERMS_NAME_A_LOT:
        fields["lot"] = data.varint()
    if name in ELSEWHERE and not fields[ELSEWHERE[name][0]]:
        fields |= read_fields(data, ELSEWHERE[name][1])
    if fields.get("work") == SETTLING:
        fields |= read_fields(data, "quantity:v price:v amount:v counter_id:i")
    if name == "ORDER_REJECTED":
        fields |= read_fields(data, "reason:v required:s available:s")
    return Event(position, name, number, position - back if back else -1, fields)


def read_entry(data, position):
    kind, flags = data.u8(), data.u8()
    if flags & 8:
        key = struct.pack("<Iq4s", data.varint(), data.varint(), b"msg")
    else:
        key = data.take(16)
        data.take(0 if flags & 4 else 8)  # keyed digest of the command's body
    account = data.varint()
    data.take(16 if flags & 1 else 0)  # actor
    data.take(16 if flags & 2 else 0)  # correlation
    count, = struct.unpack("<H", data.take(2))
    events = [read_event(data, position + i) for i in range(count)]
    return Entry(kind, flags, key, account, data.varint(), events)


def read_commit(stored):
    """A commit of a store that does not compress; an AssertionError says what is wrong with it."""
    (magic, version, flags, partition, entry_count, event_count, stored_bytes, body_bytes, zero, first, time, nonce,
     previous) = HEADER.unpack_from(stored)
    assert (magic, version, flags, zero) == (b"TRCM", 1, 0, 0), (magic, version, flags, zero)
    assert stored_bytes == body_bytes == len(stored) - HEADER.size - DIGEST_BYTES
    digest = stored[-DIGEST_BYTES:]
    assert digest == hashlib.blake2b(stored[:-DIGEST_BYTES], digest_size=DIGEST_BYTES).digest()
    data, entries, position = Bytes(stored[HEADER.size:-DIGEST_BYTES]), [], first
    while data.rest():
        entries.append(read_entry(data, position))
        position += len(entries[-1].events)
    assert (len(entries), position - first) == (entry_count, event_count)
    return Commit(partition, first, time, nonce, previous, digest, entries)


def read_records(folder):
    """Keys and values of journal.mdb, in order, by LMDB's own program."""
    dump = subprocess.run(["mdb_dump", "-n", f"{folder}/journal.mdb"], check=True, capture_output=True, text=True).stdout
    lines = [line.strip() for line in dump.split("HEADER=END\n")[1].splitlines() if re.match(r" [0-9a-f]*$", line)]
    return [(bytes.fromhex(key), bytes.fromhex(value)) for key, value in zip(lines[::2], lines[1::2])]


def is_head(key, value, size):
    """Whether a value of the journal begins with a head of so many bytes: 48, or 32 in version 1."""
    return value[24:32] == siphash(bytes(16), key + value[:24] + struct.pack("<Q", len(value) - size) + value[32:size])


def read_journal(folder):
    """Every commit of the store, each held against the record that it stands in and the commit before it of its partition."""
    commits, newest = [], {}
    for key, value in read_records(folder):
        if key == b"\0":
            continue
        partition, first = struct.unpack(">IQ", key)
        nonce, count = struct.unpack("<16sQ", value[:24])
        head = 48 if is_head(key, value, 48) else 32
        assert is_head(key, value, head)
        commit = read_commit(value[head:])
        assert (commit.partition, commit.first_position, commit.nonce) == (partition, first, nonce)
        assert len(commit.events) == count
        assert commit.previous_digest == newest.get(partition, bytes(32))
        newest[partition] = commit.digest
        commits.append(commit)
    return commits
