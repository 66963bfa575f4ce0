"""Values between Python and libtrading: errors, decimals, ids, times, and C structs as named tuples."""
import collections
import ctypes
import decimal
import os

import _layout as c

library = c.load(os.environ.get("TRADING_LIBRARY", "libtrading.so.0"))


class Error(Exception):
    """The machinery failed: `name` is the code without its prefix, such as "NO_SPACE"."""

    def __init__(self, code, flags=0, native_code=0, message=""):
        self.code, self.flags, self.native_code = code, flags, native_code
        self.name = library.trading_error_name(code).decode()
        super().__init__(f"{self.name}: {message}" if message else self.name)

    @property
    def retryable(self):
        return bool(self.flags & c.ERROR_RETRYABLE)

    @property
    def fatal(self):
        return bool(self.flags & c.ERROR_FATAL)

    @property
    def outcome_unknown(self):
        return bool(self.flags & c.ERROR_OUTCOME_UNKNOWN)


class Rejected(Exception):
    """The domain refused a command; `result` says by which rule, what it required and what was available."""

    def __init__(self, result):
        self.result = result
        super().__init__(f"{result.status} {result.reason}: {library.trading_reason_text(result.reason_code).decode()}")


def check(function, *arguments, answers=()):
    """Calls a function that ends with an error; returns its code when that is OK or in `answers`, else raises."""
    error = c.Error()
    code = getattr(library, function)(*arguments, ctypes.byref(error))
    if code != c.OK and code not in answers:
        raise Error(code, error.flags, error.native_code, error.message.decode("utf-8", "replace"))
    return code


def open_handle(function, *arguments):
    handle = ctypes.c_void_p()
    check(function, ctypes.byref(handle), *arguments)
    return handle


# ---- Plain values, in and out ----


def to_decimal(value):
    """A Decimal, an int or text as the library counts it: exactly, or not at all."""
    if isinstance(value, decimal.Decimal):
        value = format(value, "f")
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    elif not isinstance(value, str):
        raise TypeError(f"a decimal is a Decimal, an int or text, not {type(value).__name__}: {value!r}")
    text, count = value.encode(), ctypes.c_int64()
    code = library.trading_decimal_parse(text, len(text), ctypes.byref(count))
    if code != c.OK:
        raise Error(code, message=f"{value!r} is not a decimal of at most six places within the library's range")
    return count.value


def from_decimal(count):
    buffer = ctypes.create_string_buffer(c.DECIMAL_TEXT)
    library.trading_decimal_format(count, 2, buffer)
    return decimal.Decimal(buffer.value.decode())


def to_id(entity, text):
    identifier = c.Id()
    if text:
        raw = text.encode()
        code = library.trading_id_parse(entity, raw, len(raw), ctypes.byref(identifier))
        if code != c.OK:
            raise Error(code, message=f"{text!r} is not the id of {_ENTITY_WORDS[entity]}")
    return identifier


def from_id(entity, identifier):
    """The id as text; None when it is zero."""
    if not any(identifier.bytes):
        return None
    buffer = ctypes.create_string_buffer(c.ID_TEXT)
    library.trading_id_format(entity, ctypes.byref(identifier), buffer)
    return buffer.value.decode()


def to_key(text):
    """The idempotency key that any text of the caller's stands for; no text gives the zero key, "none"."""
    key, raw = c.Id(), (text or "").encode()
    library.trading_key_from_text(raw, len(raw), ctypes.byref(key))
    return key


def to_time(text):
    raw, time = text.encode(), ctypes.c_int64()
    code = library.trading_time_parse(raw, len(raw), ctypes.byref(time))
    if code != c.OK:
        raise Error(code, message=f"{text!r} is not a time: write 2013-03-01T14:30:00Z or 2013-03-01")
    return time.value


def time_text(time):
    buffer = ctypes.create_string_buffer(c.TIME_TEXT)
    library.trading_time_format(time, buffer)
    return buffer.value.decode()


def text(value):
    raw = value.encode()
    return c.Text(raw, len(raw))


def fixed(struct, value):
    """A symbol or a currency; one that is too long stays wrong, so that the library refuses it and nothing is cut."""
    raw = value.encode()
    room = ctypes.sizeof(struct)
    return struct(raw if len(raw) < room else b"?" * room)


_ENTITY_WORDS = {c.ENTITY_ACCOUNT: "an account", c.ENTITY_PORTFOLIO: "a portfolio", c.ENTITY_ORDER: "an order"}


def constant(table, what, word):
    if word not in table:
        raise ValueError(f"{what} is one of {', '.join(str(key) for key in table)}, not {word!r}")
    return table[word]


# ---- Records: C structs as named tuples ----

_ID_FIELDS = {"account": c.ENTITY_ACCOUNT, "portfolio": c.ENTITY_PORTFOLIO, "order": c.ENTITY_ORDER, "lot": c.ENTITY_ORDER,
              "counter_order": c.ENTITY_ORDER, (c.Account, "id"): c.ENTITY_ACCOUNT, (c.Portfolio, "id"): c.ENTITY_PORTFOLIO,
              (c.Order, "id"): c.ENTITY_ORDER}
_NAME_FIELDS = {(c.Result, "status"): "status", (c.Result, "order_status"): "order_status", "reason": "reason",
                "kind": "event", "side": "side", "time_in_force": "time_in_force", "order_type": "order_type",
                (c.Order, "type"): "order_type", (c.Order, "status"): "order_status", (c.Account, "status"): "account_status",
                (c.Portfolio, "status"): "portfolio_status", "loyalty": "loyalty", (c.Activity, "type"): "activity"}
# `reserved` is unused space in most structs, and an amount in these two.
_HIDDEN = {struct: {"size", "reserved"} for struct in c.STRUCTS.values()}
_HIDDEN[c.Position] = _HIDDEN[c.Lot] = set()
_types = {}


def _record_type(struct):
    if struct not in _types:
        fields = [name for name, *_ in struct._fields_ if name not in _HIDDEN[struct]]
        extra = ["reason_code"] if struct is c.Result else []
        _types[struct] = collections.namedtuple(struct.__name__, fields + extra)
    return _types[struct]


def _field(struct, name, value):
    if isinstance(value, c.Decimal):
        return from_decimal(value.value)
    if isinstance(value, c.Id):
        entity = _ID_FIELDS.get((struct, name)) or _ID_FIELDS.get(name)
        return from_id(entity, value) if entity else bytes(value.bytes)
    if isinstance(value, (c.Symbol, c.Currency, c.Total)):
        return value.text.decode()
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, ctypes.Array):
        return bytes(value)
    naming = _NAME_FIELDS.get((struct, name)) or _NAME_FIELDS.get(name)
    if naming:
        return getattr(library, f"trading_{naming}_name")(value).decode() if value else None
    return value


def record(value):
    struct = type(value)
    kind = _record_type(struct)
    fields = [_field(struct, name, getattr(value, name)) for name in kind._fields if name != "reason_code"]
    return kind(*fields, *([value.reason] if struct is c.Result else []))


