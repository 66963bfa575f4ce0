"""libtrading for Python, through its C interface alone (ctypes; nothing to compile).

    with trading.Engine("lmdb:/var/lib/trading") as engine:
        opened = engine.do(trading.open_account("Ada", deposit="1000.00"))
        engine.do(trading.place_order(opened.portfolio, "buy", "GOOG", "3"))
        with engine.view() as view:
            print(view.account(opened.account).balance)

Ids are text (A-…, P-…, ORD-…). Money, prices and quantities are decimal.Decimal, and come in as Decimal, int or text, never
as float. Times are nanoseconds since 1970, UTC. What went wrong in the machinery is an Error; what the domain refuses is Rejected.

The library is found through TRADING_LIBRARY (a path), else as the system finds libtrading.so.0.
"""
import ctypes

import _layout as c
from _values import (Error, Rejected, check, constant, fixed, from_decimal, from_id, library, open_handle, record, text,
                     time_text, to_decimal, to_id, to_key, to_time)

VIEW_NOW, VIEW_LATEST, FEED_AT_CURSOR = c.VIEW_NOW, c.VIEW_LATEST, c.FEED_AT_CURSOR
_SIDES = {"buy": c.SIDE_BUY, "sell": c.SIDE_SELL}
_TIMES_IN_FORCE = {None: 0, "day": c.TIME_IN_FORCE_DAY, "gtc": c.TIME_IN_FORCE_GTC, "ioc": c.TIME_IN_FORCE_IOC}
_PAGE_ELEMENTS = 256
_ROW_VALUE_BYTES = 1 << 20


# ---- Commands ----


class Command:
    """One command, ready for Engine.do or Engine.execute. It keeps alive what the C struct points to."""

    def __init__(self, type_, body=None, account=None, *, key=None, actor=None, correlation=None, expected_version=0):
        self.body = body
        self.struct = c.Command(type=type_, key=to_key(key), account=to_id(c.ENTITY_ACCOUNT, account), actor=to_key(actor),
                                correlation=to_key(correlation), expected_version=expected_version)
        if body is not None:
            body.size = ctypes.sizeof(body)
            self.struct.body, self.struct.body_size = ctypes.addressof(body), ctypes.sizeof(body)


def open_account(name="", *, deposit="0", currency="USD", profile_name="", profile_surname="", email="", phone_number="",
                 street="", postal_code="", province="", **envelope):
    body = c.OpenAccount(
        currency=fixed(c.Currency, currency), deposit=to_decimal(deposit), name=text(name), profile_name=text(profile_name),
        profile_surname=text(profile_surname), email=text(email), phone_number=text(phone_number), street=text(street),
        postal_code=text(postal_code), province=text(province))
    return Command(c.COMMAND_OPEN_ACCOUNT, body, **envelope)


def open_portfolio(account, name="", **envelope):
    return Command(c.COMMAND_OPEN_PORTFOLIO, c.OpenPortfolio(name=text(name)), account, **envelope)


def update_contact(account, email, phone_number, **envelope):
    body = c.UpdateContact(email=text(email), phone_number=text(phone_number))
    return Command(c.COMMAND_UPDATE_CONTACT, body, account, **envelope)


def update_address(account, street, postal_code, province, **envelope):
    body = c.UpdateAddress(street=text(street), postal_code=text(postal_code), province=text(province))
    return Command(c.COMMAND_UPDATE_ADDRESS, body, account, **envelope)


def deposit(account, amount, **envelope):
    return Command(c.COMMAND_DEPOSIT, c.Cash(amount=to_decimal(amount)), account, **envelope)


def withdraw(account, amount, **envelope):
    return Command(c.COMMAND_WITHDRAW, c.Cash(amount=to_decimal(amount)), account, **envelope)


def credit(account, amount, **envelope):
    return Command(c.COMMAND_CREDIT, c.Cash(amount=to_decimal(amount)), account, **envelope)


def debit(account, amount, **envelope):
    return Command(c.COMMAND_DEBIT, c.Cash(amount=to_decimal(amount)), account, **envelope)


def transfer(account, to, amount, **envelope):
    body = c.Transfer(amount=to_decimal(amount), to=to_id(c.ENTITY_ACCOUNT, to))
    return Command(c.COMMAND_TRANSFER, body, account, **envelope)


def accept_refund(account, amount, order=None, **envelope):
    body = c.AcceptRefund(amount=to_decimal(amount), order=to_id(c.ENTITY_ORDER, order))
    return Command(c.COMMAND_ACCEPT_REFUND, body, account, **envelope)


def freeze_account(account, **envelope):
    return Command(c.COMMAND_FREEZE_ACCOUNT, None, account, **envelope)


def unfreeze_account(account, **envelope):
    return Command(c.COMMAND_UNFREEZE_ACCOUNT, None, account, **envelope)


def close_account(account, **envelope):
    return Command(c.COMMAND_CLOSE_ACCOUNT, None, account, **envelope)


def place_order(portfolio, side, symbol, quantity, *, limit_price=None, time_in_force=None, lot=None, **envelope):
    """A limit order when it has a limit price, else a market order."""
    body = c.PlaceOrder(
        side=constant(_SIDES, "side", side), type=c.ORDER_TYPE_MARKET if limit_price is None else c.ORDER_TYPE_LIMIT,
        time_in_force=constant(_TIMES_IN_FORCE, "time_in_force", time_in_force),
        portfolio=to_id(c.ENTITY_PORTFOLIO, portfolio), symbol=fixed(c.Symbol, symbol), quantity=to_decimal(quantity),
        limit_price=0 if limit_price is None else to_decimal(limit_price), lot=to_id(c.ENTITY_ORDER, lot))
    return Command(c.COMMAND_PLACE_ORDER, body, **envelope)


def cancel_order(order, **envelope):
    return Command(c.COMMAND_CANCEL_ORDER, c.CancelOrder(order=to_id(c.ENTITY_ORDER, order)), **envelope)


def close_portfolio(portfolio, **envelope):
    body = c.ClosePortfolio(portfolio=to_id(c.ENTITY_PORTFOLIO, portfolio))
    return Command(c.COMMAND_CLOSE_PORTFOLIO, body, **envelope)


def set_quote(symbol, bid, ask, *, bid_size=None, ask_size=None, currency="USD", **envelope):
    """A side of price 0 is not quoted; a size of None is never used up."""
    body = c.SetQuote()
    library.trading_set_quote_init(ctypes.byref(body))
    body.currency, body.symbol = fixed(c.Currency, currency), fixed(c.Symbol, symbol)
    body.bid, body.ask = to_decimal(bid), to_decimal(ask)
    if bid_size is not None:
        body.bid_size = to_decimal(bid_size)
    if ask_size is not None:
        body.ask_size = to_decimal(ask_size)
    return Command(c.COMMAND_SET_QUOTE, body, **envelope)


def end_session(**envelope):
    return Command(c.COMMAND_END_SESSION, **envelope)


# ---- Handles ----


class _Handle:
    """Closed by close() or at the end of a with statement."""

    _close_function = None

    def __init__(self, handle):
        self._handle = handle

    def close(self):
        handle, self._handle = self._handle, None
        if handle:
            getattr(library, self._close_function)(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _nanoseconds(timeout):
    """Seconds as the library counts them; None waits for ever."""
    return -1 if timeout is None else int(timeout * 1_000_000_000)


def _next_events(function, handle, maximum, timeout):
    events, count = (c.Event * maximum)(), ctypes.c_size_t()
    check(function, handle, events, maximum, ctypes.byref(count), _nanoseconds(timeout), answers=(c.E_TIMEOUT,))
    return [record(event) for event in events[:count.value]]


class Engine:
    """A store and its state. Use it from as many threads as you like; close views, feeds and projections before it."""

    def __init__(self, uri, *, read_only=False, market_collar=None, compression=0):
        options = c.EngineOptions()
        library.trading_engine_options_init(ctypes.byref(options))
        options.flags = c.ENGINE_READ_ONLY if read_only else 0
        options.compression = compression
        if market_collar is not None:
            options.market_collar = to_decimal(market_collar)
        self._host = open_handle("trading_host_open", None)
        try:
            self._handle = open_handle("trading_engine_open", self._host, uri.encode(), ctypes.byref(options))
        except Error:
            check("trading_host_close", self._host)
            raise

    def close(self):
        """Finishes what was submitted, writes a checkpoint, closes. An Error says what failed; BUSY: it is still open."""
        if self._handle is None:
            return
        check("trading_engine_close", self._handle, c.CLOSE_DRAIN)
        self._handle = None
        check("trading_host_close", self._host)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def execute(self, commands):
        """Executes commands in order and waits until they are durable: one Result each, whatever the domain answered."""
        commands = list(commands)
        array = (c.Command * len(commands))(*[command.struct for command in commands])
        results = (c.Result * len(commands))()
        check("trading_engine_execute", self._handle, array, len(commands), results)
        return [record(result) for result in results]

    def do(self, command):
        """Executes one command; raises Rejected unless it was accepted, now or before under the same key."""
        result = self.execute([command])[0]
        if result.status not in ("ACCEPTED", "DUPLICATE"):
            raise Rejected(result)
        return result

    def view(self, at=VIEW_NOW):
        return View(open_handle("trading_view_open", self._handle, at))

    def view_at_time(self, time):
        return View(open_handle("trading_view_open_at_time", self._handle, time))

    def feed(self, start=0, *, kinds=(), account=None, cursor=None):
        """Events from position `start` on, or from where the named cursor stands with FEED_AT_CURSOR."""
        wanted = _filter(kinds, account)
        name = cursor.encode() if cursor is not None else None
        return Feed(open_handle("trading_feed_open", self._handle, start, ctypes.byref(wanted), name))

    def projection(self, name, version=1, *, kinds=(), account=None):
        options, wanted = c.ProjectionOptions(), _filter(kinds, account)
        library.trading_projection_options_init(ctypes.byref(options))
        options.name, options.version, options.filter = name.encode(), version, ctypes.pointer(wanted)
        return Projection(open_handle("trading_projection_open", self._handle, ctypes.byref(options)))

    def activity(self):
        """The built-in projection of account activity, brought up to date."""
        activity = Activity(open_handle("trading_activity_open", self._handle))
        activity.run()
        return activity

    def forget(self, account):
        """Destroys the key of the account's personal data, for ever."""
        identifier = to_id(c.ENTITY_ACCOUNT, account)
        check("trading_engine_forget", self._handle, ctypes.byref(identifier))

    def checkpoint(self):
        check("trading_engine_checkpoint", self._handle)

    def info(self):
        info = c.EngineInfo(size=ctypes.sizeof(c.EngineInfo))
        check("trading_engine_get_info", self._handle, ctypes.byref(info))
        return record(info)

    def verify(self):
        """Proves the store from its journal; `sound` says whether everything holds, `finding` what does not."""
        verification = c.Verification(size=ctypes.sizeof(c.Verification))
        check("trading_engine_verify", self._handle, ctypes.byref(verification), None, None)
        return record(verification)


def event_kinds():
    """The kinds of event by name."""
    return {library.trading_event_name(kind).decode(): kind for kind in range(1, c.EVENT_KINDS)}


def _filter(kinds, account):
    wanted = c.Filter(size=ctypes.sizeof(c.Filter), account=to_id(c.ENTITY_ACCOUNT, account))
    numbers = event_kinds() if kinds else {}
    for name in kinds:
        kind = constant(numbers, "a kind of event", name)
        wanted.kinds[kind // 64] |= 1 << (kind % 64)
    return wanted


def _pages(function, struct, handle, *names):
    """All elements of a list that is read in pages."""
    cursor, page, count = ctypes.c_uint64(), (struct * _PAGE_ELEMENTS)(), ctypes.c_size_t()
    while True:
        check(function, handle, *names, ctypes.byref(cursor), page, _PAGE_ELEMENTS, ctypes.byref(count))
        if count.value == 0:
            return
        yield from page[:count.value]


class View(_Handle):
    """What the journal amounts to at one position. Lists are generators; an entity that is not there is Error NOT_FOUND."""

    _close_function = "trading_view_close"

    @property
    def position(self):
        return library.trading_view_position(self._handle)

    @property
    def time(self):
        return library.trading_view_time(self._handle)

    def _one(self, function, struct, name):
        out = struct()
        if struct._fields_[0][0] == "size":
            out.size = ctypes.sizeof(struct)
        check(function, self._handle, ctypes.byref(name), ctypes.byref(out))
        return record(out)

    def account(self, account):
        return self._one("trading_view_account", c.Account, to_id(c.ENTITY_ACCOUNT, account))

    def accounts_by_id(self, accounts):
        """Many accounts in one call, all of one position; None for each that is not there."""
        names = [to_id(c.ENTITY_ACCOUNT, account) for account in accounts]
        if not names:
            return []
        found = (c.Account * len(names))()
        found[0].size = ctypes.sizeof(c.Account)
        check("trading_view_accounts_by_id", self._handle, (c.Id * len(names))(*names), len(names), found)
        return [record(account) if account.status else None for account in found]

    def profile(self, account):
        return self._one("trading_view_profile", c.Profile, to_id(c.ENTITY_ACCOUNT, account))

    def portfolio(self, portfolio):
        return self._one("trading_view_portfolio", c.Portfolio, to_id(c.ENTITY_PORTFOLIO, portfolio))

    def portfolio_name(self, portfolio):
        name, identifier = ctypes.create_string_buffer(c.NAME_BYTES + 1), to_id(c.ENTITY_PORTFOLIO, portfolio)
        check("trading_view_portfolio_name", self._handle, ctypes.byref(identifier), name, len(name))
        return name.value.decode()

    def order(self, order):
        return self._one("trading_view_order", c.Order, to_id(c.ENTITY_ORDER, order))

    def quote(self, symbol):
        return self._one("trading_view_quote", c.Quote, fixed(c.Symbol, symbol))

    def accounts(self):
        for identifier in _pages("trading_view_accounts", c.Id, self._handle):
            yield from_id(c.ENTITY_ACCOUNT, identifier)

    def portfolios(self, account):
        for identifier in _pages("trading_view_portfolios", c.Id, self._handle, to_id(c.ENTITY_ACCOUNT, account)):
            yield from_id(c.ENTITY_PORTFOLIO, identifier)

    def instruments(self):
        for symbol in _pages("trading_view_instruments", c.Symbol, self._handle):
            yield symbol.text.decode()

    def positions(self, portfolio):
        identifier = to_id(c.ENTITY_PORTFOLIO, portfolio)
        yield from map(record, _pages("trading_view_positions", c.Position, self._handle, identifier))

    def lots(self, portfolio):
        yield from map(record, _pages("trading_view_lots", c.Lot, self._handle, to_id(c.ENTITY_PORTFOLIO, portfolio)))

    def orders(self, portfolio, *, open_only=False):
        identifier = to_id(c.ENTITY_PORTFOLIO, portfolio)
        yield from map(record, _pages("trading_view_orders", c.Order, self._handle, identifier, int(open_only)))

    def executions(self, order):
        yield from map(record, _pages("trading_view_executions", c.Execution, self._handle, to_id(c.ENTITY_ORDER, order)))

    def book(self, symbol, side):
        levels = _pages("trading_view_book", c.Level, self._handle, fixed(c.Symbol, symbol), constant(_SIDES, "side", side))
        yield from map(record, levels)

    def history(self, identifier):
        """The events of an account, a portfolio, an order (by id) or an instrument (by symbol), the newest first."""
        prefixes = {"A-": c.ENTITY_ACCOUNT, "P-": c.ENTITY_PORTFOLIO, "ORD-": c.ENTITY_ORDER}
        entity = next((prefixes[prefix] for prefix in prefixes if identifier.startswith(prefix)), c.ENTITY_INSTRUMENT)
        name = fixed(c.Symbol, identifier) if entity == c.ENTITY_INSTRUMENT else to_id(entity, identifier)
        yield from map(record, _pages("trading_view_history", c.Event, self._handle, entity, ctypes.byref(name)))

    def ledgers(self):
        """Who holds what, a ledger a currency; each sums to zero."""
        cursor = ctypes.c_uint64()
        while True:
            out = c.Ledger(size=ctypes.sizeof(c.Ledger))
            if check("trading_view_ledger", self._handle, ctypes.byref(cursor), ctypes.byref(out),
                      answers=(c.E_NOT_FOUND,)) == c.E_NOT_FOUND:
                return
            yield record(out)


class Feed(_Handle):
    """All durable events in order, following new ones. One thread at a time."""

    _close_function = "trading_feed_close"

    def next(self, maximum=_PAGE_ELEMENTS, timeout=0):
        """The next events; none when there is nothing new within `timeout` seconds (None: wait for ever)."""
        return _next_events("trading_feed_next", self._handle, maximum, timeout)

    @property
    def position(self):
        return library.trading_feed_position(self._handle)

    def acknowledge(self, position):
        check("trading_feed_acknowledge", self._handle, position)


class _Rows(_Handle):
    """What a projection of the host's and the built-in one have in common."""

    _close_function = "trading_projection_close"

    def position(self):
        """Where it stands, and how many events it is behind."""
        lag = ctypes.c_int64()
        return library.trading_projection_position(self._handle, ctypes.byref(lag)), lag.value

    def reset(self):
        check("trading_projection_reset", self._handle)


class Activity(_Rows):
    """Account activity in the words of a statement."""

    def run(self):
        """Catches up; returns how many events that took."""
        applied = ctypes.c_uint64()
        check("trading_projection_run", self._handle, ctypes.byref(applied))
        return applied.value

    def list(self, account):
        """The account's activity, the oldest first."""
        yield from map(record, _pages("trading_activity_list", c.Activity, self._handle, to_id(c.ENTITY_ACCOUNT, account)))


class Projection(_Rows):
    """State computed from events, kept in the library's store: poll events, put rows, commit both together."""

    def poll(self, maximum=_PAGE_ELEMENTS, timeout=0):
        return _next_events("trading_projection_poll", self._handle, maximum, timeout)

    def put(self, key, value):
        check("trading_projection_put", self._handle, key, len(key), value, len(value))

    def remove(self, key):
        check("trading_projection_remove", self._handle, key, len(key))

    def get(self, key):
        """The row's value; None when there is none."""
        value, size = ctypes.create_string_buffer(_ROW_VALUE_BYTES), ctypes.c_size_t(_ROW_VALUE_BYTES)
        found = check("trading_projection_get", self._handle, key, len(key), value, ctypes.byref(size),
                       answers=(c.E_NOT_FOUND,))
        return value.raw[:size.value] if found == c.OK else None

    def items(self, start=b""):
        """Keys and values in order of bytes, from `start` on."""
        key, value = ctypes.create_string_buffer(c.ROW_KEY_BYTES), ctypes.create_string_buffer(_ROW_VALUE_BYTES)
        while True:
            key.raw = start.ljust(c.ROW_KEY_BYTES, b"\0")
            key_size, value_size = ctypes.c_size_t(len(start)), ctypes.c_size_t(_ROW_VALUE_BYTES)
            if check("trading_projection_seek", self._handle, key, ctypes.byref(key_size), value, ctypes.byref(value_size),
                      answers=(c.E_NOT_FOUND,)) == c.E_NOT_FOUND:
                return
            found = key.raw[:key_size.value]
            yield found, value.raw[:value_size.value]
            start = found + b"\0"

    def commit(self):
        check("trading_projection_commit", self._handle)
