"""The structs and functions of libtrading as ctypes sees them: a transcription of the public headers, and nothing else.

tests/ffi holds every struct here against tests/abi/layout.inc and every constant against the headers.
"""
import ctypes
from ctypes import POINTER, c_char, c_char_p, c_int32, c_int64, c_size_t, c_uint8, c_uint32, c_uint64, c_void_p

# trading/error.h
OK, E_TIMEOUT, E_NOT_FOUND, E_OVERFLOW = 0, 4, 5, 20
ERROR_RETRYABLE, ERROR_FATAL, ERROR_OUTCOME_UNKNOWN = 1, 2, 4

# trading/id.h
ENTITY_ACCOUNT, ENTITY_PORTFOLIO, ENTITY_ORDER, ENTITY_INSTRUMENT = 1, 2, 3, 4
ID_TEXT, DECIMAL_TEXT, TIME_TEXT, NAME_BYTES = 32, 24, 36, 120

# trading/command.h
COMMAND_OPEN_ACCOUNT, COMMAND_OPEN_PORTFOLIO, COMMAND_UPDATE_CONTACT, COMMAND_UPDATE_ADDRESS = 1, 2, 3, 4
COMMAND_DEPOSIT, COMMAND_WITHDRAW, COMMAND_CREDIT, COMMAND_DEBIT, COMMAND_ACCEPT_REFUND = 5, 6, 7, 8, 9
COMMAND_FREEZE_ACCOUNT, COMMAND_UNFREEZE_ACCOUNT, COMMAND_CLOSE_ACCOUNT = 10, 11, 12
COMMAND_PLACE_ORDER, COMMAND_CANCEL_ORDER, COMMAND_CLOSE_PORTFOLIO = 13, 14, 15
COMMAND_SET_QUOTE, COMMAND_END_SESSION, COMMAND_TRANSFER = 16, 17, 19
STATUS_ACCEPTED, STATUS_DUPLICATE = 1, 2

# trading/order.h, trading/engine.h, trading/view.h, trading/feed.h
SIDE_BUY, SIDE_SELL = 1, 2
ORDER_TYPE_MARKET, ORDER_TYPE_LIMIT = 1, 2
TIME_IN_FORCE_DAY, TIME_IN_FORCE_GTC, TIME_IN_FORCE_IOC = 1, 2, 3
ENGINE_READ_ONLY, CLOSE_DRAIN = 1, 0
VIEW_NOW, VIEW_LATEST, FEED_AT_CURSOR = -1, -2, -1
EVENT_KINDS = 128
ROW_KEY_BYTES = 256


class Decimal(c_int64):
    """A count of millionths. A subclass, so that a decimal is told from a plain integer."""


class Text(ctypes.Structure):
    _fields_ = [("data", c_char_p), ("length", c_uint64)]


class Symbol(ctypes.Structure):
    _fields_ = [("text", c_char * 16)]


class Currency(ctypes.Structure):
    _fields_ = [("text", c_char * 4)]


class Id(ctypes.Structure):
    _fields_ = [("bytes", c_uint8 * 16)]


class Error(ctypes.Structure):
    _fields_ = [("code", c_int32), ("flags", c_uint32), ("native_code", c_int64), ("message", c_char * 232)]


class Command(ctypes.Structure):
    _fields_ = [("type", c_int32), ("flags", c_uint32), ("key", Id), ("account", Id), ("actor", Id), ("correlation", Id),
                ("expected_version", c_int64), ("body", c_void_p), ("body_size", c_uint64)]


class Result(ctypes.Structure):
    _fields_ = [("status", c_int32), ("reason", c_int32), ("position", c_int64), ("version", c_int64), ("account", Id),
                ("portfolio", Id), ("order", Id), ("order_status", c_int32), ("reserved", c_int32),
                ("filled_quantity", Decimal), ("average_price", Decimal), ("required", Decimal), ("available", Decimal)]


class OpenAccount(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("currency", Currency), ("deposit", Decimal), ("name", Text), ("profile_name", Text),
                ("profile_surname", Text), ("email", Text), ("phone_number", Text), ("street", Text), ("postal_code", Text),
                ("province", Text)]


class UpdateContact(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("reserved", c_uint32), ("email", Text), ("phone_number", Text)]


class UpdateAddress(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("reserved", c_uint32), ("street", Text), ("postal_code", Text), ("province", Text)]


class Cash(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("reserved", c_uint32), ("amount", Decimal)]


class Transfer(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("reserved", c_uint32), ("amount", Decimal), ("to", Id)]


class AcceptRefund(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("reserved", c_uint32), ("amount", Decimal), ("order", Id)]


class OpenPortfolio(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("reserved", c_uint32), ("name", Text)]


class ClosePortfolio(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("reserved", c_uint32), ("portfolio", Id)]


class PlaceOrder(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("side", c_int32), ("type", c_int32), ("time_in_force", c_int32), ("portfolio", Id),
                ("symbol", Symbol), ("quantity", Decimal), ("limit_price", Decimal), ("lot", Id)]


class CancelOrder(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("reserved", c_uint32), ("order", Id)]


class SetQuote(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("currency", Currency), ("symbol", Symbol), ("bid", Decimal), ("ask", Decimal),
                ("bid_size", Decimal), ("ask_size", Decimal)]


class EngineOptions(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("flags", c_uint32), ("durability", c_int32), ("compression", c_int32),
                ("clock", c_void_p), ("clock_context", c_void_p), ("entropy", c_void_p), ("entropy_context", c_void_p),
                ("market_collar", Decimal), ("queue_commands", c_uint32), ("batch_commands", c_uint32),
                ("commit_bytes", c_uint64), ("map_bytes", c_uint64), ("view_bytes", c_uint64), ("checkpoint_events", c_uint64),
                ("snapshot_events", c_uint64), ("key_age", c_int64), ("key_count", c_uint64),
                ("state_path", c_char_p), ("group_delay", c_int64), ("cache_bytes", c_uint64), ("partitions", c_uint32),
                ("partition", c_uint32)]


class EngineInfo(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("state", c_int32), ("next_position", c_int64), ("checkpoint_position", c_int64),
                ("last_time", c_int64), ("commits", c_uint64), ("commands", c_uint64), ("events", c_uint64),
                ("journal_bytes", c_uint64), ("syncs", c_uint64), ("replayed_events", c_uint64), ("accounts", c_uint64),
                ("portfolios", c_uint64), ("orders", c_uint64), ("instruments", c_uint64), ("keys", c_uint64),
                ("memory_bytes", c_uint64), ("store_bytes_used", c_uint64), ("store_bytes_reserved", c_uint64),
                ("cache_bytes", c_uint64), ("letters_sent", c_uint64), ("letters_received", c_uint64), ("letters_read", c_uint64)]


class Verification(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("sound", c_int32), ("position", c_int64), ("commits", c_uint64), ("events", c_uint64),
                ("accounts", c_uint64), ("portfolios", c_uint64), ("orders", c_uint64), ("currencies", c_uint64),
                ("instruments", c_uint64), ("bad_position", c_int64), ("finding", c_char * 232), ("hash", c_uint8 * 32)]


class Account(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("status", c_int32), ("id", Id), ("currency", Currency), ("portfolio_count", c_uint32),
                ("position", c_int64), ("version", c_int64), ("opened", c_int64), ("balance", Decimal), ("held", Decimal),
                ("available", Decimal), ("pending", Decimal)]


class Profile(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("forgotten", c_int32), ("name", c_char * 128), ("profile_name", c_char * 128),
                ("profile_surname", c_char * 128), ("email", c_char * 256), ("phone_number", c_char * 48),
                ("street", c_char * 208), ("postal_code", c_char * 24), ("province", c_char * 104)]


class Portfolio(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("status", c_int32), ("id", Id), ("account", Id), ("loyalty", c_int32),
                ("currency", Currency), ("position", c_int64), ("version", c_int64), ("opened", c_int64),
                ("position_count", c_uint32), ("open_order_count", c_uint32), ("traded", Decimal), ("cost_basis", Decimal),
                ("market_value", Decimal), ("realized_pnl", Decimal), ("unrealized_pnl", Decimal)]


class Position(ctypes.Structure):
    _fields_ = [("symbol", Symbol), ("quantity", Decimal), ("reserved", Decimal), ("cost_basis", Decimal), ("mark", Decimal),
                ("market_value", Decimal), ("realized_pnl", Decimal), ("unrealized_pnl", Decimal)]


class Lot(ctypes.Structure):
    _fields_ = [("lot", Id), ("symbol", Symbol), ("quantity", Decimal), ("reserved", Decimal), ("cost_basis", Decimal),
                ("acquired", c_int64)]


class Order(ctypes.Structure):
    _fields_ = [("id", Id), ("account", Id), ("portfolio", Id), ("lot", Id), ("symbol", Symbol), ("side", c_int32),
                ("type", c_int32), ("time_in_force", c_int32), ("status", c_int32), ("reason", c_int32),
                ("execution_count", c_uint32), ("quantity", Decimal), ("limit_price", Decimal), ("filled_quantity", Decimal),
                ("leaves_quantity", Decimal), ("average_price", Decimal), ("consideration", Decimal), ("held", Decimal),
                ("refunded", Decimal), ("placed", c_int64), ("updated", c_int64), ("position", c_int64), ("version", c_int64)]


class Execution(ctypes.Structure):
    _fields_ = [("position", c_int64), ("time", c_int64), ("quantity", Decimal), ("price", Decimal),
                ("consideration", Decimal), ("counter_order", Id)]


class Quote(ctypes.Structure):
    _fields_ = [("symbol", Symbol), ("currency", Currency), ("quoted", c_int32), ("bid", Decimal), ("ask", Decimal),
                ("bid_size", Decimal), ("ask_size", Decimal), ("last_price", Decimal), ("quote_time", c_int64),
                ("trade_time", c_int64), ("position", c_int64), ("version", c_int64)]


class Level(ctypes.Structure):
    _fields_ = [("price", Decimal), ("quantity", Decimal), ("orders", c_uint32), ("reserved", c_uint32)]


class Event(ctypes.Structure):
    _fields_ = [("position", c_int64), ("previous", c_int64), ("time", c_int64), ("kind", c_int32), ("entity", c_int32),
                ("command", c_int32), ("reason", c_int32), ("key", Id), ("actor", Id), ("correlation", Id), ("account", Id),
                ("portfolio", Id), ("order", Id), ("lot", Id), ("counter_order", Id), ("symbol", Symbol),
                ("currency", Currency), ("side", c_int32), ("order_type", c_int32), ("time_in_force", c_int32),
                ("quantity", Decimal), ("price", Decimal), ("amount", Decimal), ("held", Decimal), ("cost", Decimal),
                ("rounding", Decimal), ("bid", Decimal), ("ask", Decimal), ("bid_size", Decimal), ("ask_size", Decimal),
                ("required", Decimal), ("available", Decimal), ("cursor_position", c_int64)]


class Filter(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("partition", c_uint32), ("kinds", c_uint64 * 2), ("account", Id)]


class ProjectionOptions(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("version", c_uint32), ("name", c_char_p), ("filter", POINTER(Filter)),
                ("apply", c_void_p), ("context", c_void_p)]


class Activity(ctypes.Structure):
    _fields_ = [("position", c_int64), ("time", c_int64), ("type", c_int32), ("reserved", c_int32), ("amount", Decimal),
                ("balance", Decimal), ("order", Id), ("symbol", Symbol), ("quantity", Decimal), ("price", Decimal),
                ("realized_pnl", Decimal)]


class Total(ctypes.Structure):
    _fields_ = [("text", c_char * 48)]


class Ledger(ctypes.Structure):
    _fields_ = [("size", c_uint32), ("currency", Currency), ("customers", Total), ("house", Total), ("bank", Total),
                ("clearing", Total), ("fee", Total)]


STRUCTS = {
    "trading_text": Text, "trading_symbol": Symbol, "trading_currency": Currency, "trading_id": Id, "trading_error": Error,
    "trading_command": Command, "trading_result": Result, "trading_open_account": OpenAccount,
    "trading_update_contact": UpdateContact, "trading_update_address": UpdateAddress, "trading_cash": Cash,
    "trading_transfer": Transfer, "trading_accept_refund": AcceptRefund, "trading_open_portfolio": OpenPortfolio,
    "trading_close_portfolio": ClosePortfolio, "trading_place_order": PlaceOrder, "trading_cancel_order": CancelOrder,
    "trading_set_quote": SetQuote, "trading_engine_options": EngineOptions, "trading_engine_info": EngineInfo,
    "trading_verification": Verification, "trading_account": Account, "trading_profile": Profile,
    "trading_portfolio": Portfolio, "trading_position": Position, "trading_lot": Lot, "trading_order": Order,
    "trading_execution": Execution, "trading_quote": Quote, "trading_level": Level, "trading_event": Event,
    "trading_filter": Filter, "trading_projection_options": ProjectionOptions, "trading_activity": Activity,
    "trading_total": Total, "trading_ledger": Ledger,
}

_HANDLE = c_void_p
_ERROR = POINTER(Error)
_PAGE = [POINTER(c_uint64), c_void_p, c_size_t, POINTER(c_size_t), _ERROR]  # cursor, out, max, count, error

# name: (what it returns, what it takes). Functions that return int32 and take an error last are called through check().
FUNCTIONS = {
    "trading_abi_version": (c_int32, []),
    "trading_version": (c_char_p, []),
    "trading_error_name": (c_char_p, [c_int32]),
    "trading_status_name": (c_char_p, [c_int32]),
    "trading_reason_name": (c_char_p, [c_int32]),
    "trading_reason_text": (c_char_p, [c_int32]),
    "trading_event_name": (c_char_p, [c_int32]),
    "trading_side_name": (c_char_p, [c_int32]),
    "trading_order_type_name": (c_char_p, [c_int32]),
    "trading_time_in_force_name": (c_char_p, [c_int32]),
    "trading_order_status_name": (c_char_p, [c_int32]),
    "trading_account_status_name": (c_char_p, [c_int32]),
    "trading_portfolio_status_name": (c_char_p, [c_int32]),
    "trading_loyalty_name": (c_char_p, [c_int32]),
    "trading_activity_name": (c_char_p, [c_int32]),
    "trading_decimal_parse": (c_int32, [c_char_p, c_size_t, POINTER(c_int64)]),
    "trading_decimal_format": (c_size_t, [c_int64, c_int32, c_char_p]),
    "trading_id_parse": (c_int32, [c_int32, c_char_p, c_size_t, POINTER(Id)]),
    "trading_id_format": (c_size_t, [c_int32, POINTER(Id), c_char_p]),
    "trading_key_from_text": (c_int32, [c_char_p, c_size_t, POINTER(Id)]),
    "trading_time_parse": (c_int32, [c_char_p, c_size_t, POINTER(c_int64)]),
    "trading_time_format": (c_size_t, [c_int64, c_char_p]),
    "trading_set_quote_init": (None, [POINTER(SetQuote)]),
    "trading_engine_options_init": (None, [POINTER(EngineOptions)]),
    "trading_projection_options_init": (None, [POINTER(ProjectionOptions)]),
    "trading_host_open": (c_int32, [POINTER(_HANDLE), c_void_p, _ERROR]),
    "trading_host_close": (c_int32, [_HANDLE, _ERROR]),
    "trading_engine_open": (c_int32, [POINTER(_HANDLE), _HANDLE, c_char_p, POINTER(EngineOptions), _ERROR]),
    "trading_engine_close": (c_int32, [_HANDLE, c_int32, _ERROR]),
    "trading_engine_execute": (c_int32, [_HANDLE, POINTER(Command), c_size_t, POINTER(Result), _ERROR]),
    "trading_engine_checkpoint": (c_int32, [_HANDLE, _ERROR]),
    "trading_engine_forget": (c_int32, [_HANDLE, POINTER(Id), _ERROR]),
    "trading_engine_get_info": (c_int32, [_HANDLE, POINTER(EngineInfo), _ERROR]),
    "trading_engine_verify": (c_int32, [_HANDLE, POINTER(Verification), c_void_p, c_void_p, _ERROR]),
    "trading_view_open": (c_int32, [POINTER(_HANDLE), _HANDLE, c_int64, _ERROR]),
    "trading_view_open_at_time": (c_int32, [POINTER(_HANDLE), _HANDLE, c_int64, _ERROR]),
    "trading_view_close": (None, [_HANDLE]),
    "trading_view_position": (c_int64, [_HANDLE]),
    "trading_view_time": (c_int64, [_HANDLE]),
    "trading_view_account": (c_int32, [_HANDLE, POINTER(Id), POINTER(Account), _ERROR]),
    "trading_view_profile": (c_int32, [_HANDLE, POINTER(Id), POINTER(Profile), _ERROR]),
    "trading_view_portfolio": (c_int32, [_HANDLE, POINTER(Id), POINTER(Portfolio), _ERROR]),
    "trading_view_portfolio_name": (c_int32, [_HANDLE, POINTER(Id), c_char_p, c_size_t, _ERROR]),
    "trading_view_order": (c_int32, [_HANDLE, POINTER(Id), POINTER(Order), _ERROR]),
    "trading_view_quote": (c_int32, [_HANDLE, POINTER(Symbol), POINTER(Quote), _ERROR]),
    "trading_view_accounts": (c_int32, [_HANDLE, *_PAGE]),
    "trading_view_accounts_by_id": (c_int32, [_HANDLE, POINTER(Id), c_size_t, POINTER(Account), _ERROR]),
    "trading_view_portfolios": (c_int32, [_HANDLE, POINTER(Id), *_PAGE]),
    "trading_view_instruments": (c_int32, [_HANDLE, *_PAGE]),
    "trading_view_positions": (c_int32, [_HANDLE, POINTER(Id), *_PAGE]),
    "trading_view_lots": (c_int32, [_HANDLE, POINTER(Id), *_PAGE]),
    "trading_view_orders": (c_int32, [_HANDLE, POINTER(Id), c_int32, *_PAGE]),
    "trading_view_executions": (c_int32, [_HANDLE, POINTER(Id), *_PAGE]),
    "trading_view_book": (c_int32, [_HANDLE, POINTER(Symbol), c_int32, *_PAGE]),
    "trading_view_history": (c_int32, [_HANDLE, c_int32, c_void_p, *_PAGE]),
    "trading_view_ledger": (c_int32, [_HANDLE, POINTER(c_uint64), POINTER(Ledger), _ERROR]),
    "trading_feed_open": (c_int32, [POINTER(_HANDLE), _HANDLE, c_int64, POINTER(Filter), c_char_p, _ERROR]),
    "trading_feed_next": (c_int32, [_HANDLE, POINTER(Event), c_size_t, POINTER(c_size_t), c_int64, _ERROR]),
    "trading_feed_position": (c_int64, [_HANDLE]),
    "trading_feed_acknowledge": (c_int32, [_HANDLE, c_int64, _ERROR]),
    "trading_feed_close": (None, [_HANDLE]),
    "trading_projection_open": (c_int32, [POINTER(_HANDLE), _HANDLE, POINTER(ProjectionOptions), _ERROR]),
    "trading_projection_close": (None, [_HANDLE]),
    "trading_projection_poll": (c_int32, [_HANDLE, POINTER(Event), c_size_t, POINTER(c_size_t), c_int64, _ERROR]),
    "trading_projection_put": (c_int32, [_HANDLE, c_char_p, c_size_t, c_char_p, c_size_t, _ERROR]),
    "trading_projection_remove": (c_int32, [_HANDLE, c_char_p, c_size_t, _ERROR]),
    "trading_projection_get": (c_int32, [_HANDLE, c_char_p, c_size_t, c_char_p, POINTER(c_size_t), _ERROR]),
    "trading_projection_seek": (c_int32, [_HANDLE, c_char_p, POINTER(c_size_t), c_char_p, POINTER(c_size_t), _ERROR]),
    "trading_projection_commit": (c_int32, [_HANDLE, _ERROR]),
    "trading_projection_run": (c_int32, [_HANDLE, POINTER(c_uint64), _ERROR]),
    "trading_projection_reset": (c_int32, [_HANDLE, _ERROR]),
    "trading_projection_position": (c_int64, [_HANDLE, POINTER(c_int64)]),
    "trading_activity_open": (c_int32, [POINTER(_HANDLE), _HANDLE, _ERROR]),
    "trading_activity_list": (c_int32, [_HANDLE, POINTER(Id), *_PAGE]),
}


def load(path):
    """Loads the library and says what each function takes and returns."""
    library = ctypes.CDLL(path)
    for name, (returns, takes) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = returns, takes
    return library
