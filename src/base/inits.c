/* The initialisers as functions, for languages that have no macros of C. Each agrees with its macro. */
#include <trading/account.h>
#include <trading/copy.h>
#include <trading/engine.h>
#include <trading/feed.h>
#include <trading/market.h>
#include <trading/order.h>
#include <trading/outbox.h>
#include <trading/portfolio.h>
#include <trading/projection.h>
#include <trading/router.h>
#include <trading/view.h>

void trading_open_account_init(trading_open_account *body)
{
    *body = (trading_open_account)TRADING_OPEN_ACCOUNT_INIT;
}

void trading_update_contact_init(trading_update_contact *body)
{
    *body = (trading_update_contact)TRADING_UPDATE_CONTACT_INIT;
}

void trading_update_address_init(trading_update_address *body)
{
    *body = (trading_update_address)TRADING_UPDATE_ADDRESS_INIT;
}

void trading_cash_init(trading_cash *body)
{
    *body = (trading_cash)TRADING_CASH_INIT;
}

void trading_transfer_init(trading_transfer *body)
{
    *body = (trading_transfer)TRADING_TRANSFER_INIT;
}

void trading_accept_refund_init(trading_accept_refund *body)
{
    *body = (trading_accept_refund)TRADING_ACCEPT_REFUND_INIT;
}

void trading_bind_alias_init(trading_bind_alias *body)
{
    *body = (trading_bind_alias)TRADING_BIND_ALIAS_INIT;
}

void trading_open_portfolio_init(trading_open_portfolio *body)
{
    *body = (trading_open_portfolio)TRADING_OPEN_PORTFOLIO_INIT;
}

void trading_close_portfolio_init(trading_close_portfolio *body)
{
    *body = (trading_close_portfolio)TRADING_CLOSE_PORTFOLIO_INIT;
}

void trading_place_order_init(trading_place_order *body)
{
    *body = (trading_place_order)TRADING_PLACE_ORDER_INIT;
}

void trading_cancel_order_init(trading_cancel_order *body)
{
    *body = (trading_cancel_order)TRADING_CANCEL_ORDER_INIT;
}

void trading_book_execution_init(trading_book_execution *body)
{
    *body = (trading_book_execution)TRADING_BOOK_EXECUTION_INIT;
}

void trading_end_order_init(trading_end_order *body)
{
    *body = (trading_end_order)TRADING_END_ORDER_INIT;
}

void trading_set_quote_init(trading_set_quote *body)
{
    *body = (trading_set_quote)TRADING_SET_QUOTE_INIT;
}

void trading_acknowledge_init(trading_acknowledge *body)
{
    *body = (trading_acknowledge)TRADING_ACKNOWLEDGE_INIT;
}

void trading_engine_options_init(trading_engine_options *options)
{
    *options = (trading_engine_options)TRADING_ENGINE_OPTIONS_INIT;
}

void trading_engine_info_init(trading_engine_info *info)
{
    *info = (trading_engine_info)TRADING_ENGINE_INFO_INIT;
}

void trading_verification_init(trading_verification *verification)
{
    *verification = (trading_verification)TRADING_VERIFICATION_INIT;
}

void trading_filter_init(trading_filter *filter)
{
    *filter = (trading_filter)TRADING_FILTER_INIT;
}

void trading_projection_options_init(trading_projection_options *options)
{
    *options = (trading_projection_options)TRADING_PROJECTION_OPTIONS_INIT;
}

void trading_account_init(trading_account *account)
{
    *account = (trading_account)TRADING_ACCOUNT_INIT;
}

void trading_profile_init(trading_profile *profile)
{
    *profile = (trading_profile)TRADING_PROFILE_INIT;
}

void trading_portfolio_init(trading_portfolio *portfolio)
{
    *portfolio = (trading_portfolio)TRADING_PORTFOLIO_INIT;
}

void trading_ledger_init(trading_ledger *ledger)
{
    *ledger = (trading_ledger)TRADING_LEDGER_INIT;
}

void trading_outbox_options_init(trading_outbox_options *options)
{
    *options = (trading_outbox_options)TRADING_OUTBOX_OPTIONS_INIT;
}

void trading_outbox_info_init(trading_outbox_info *info)
{
    *info = (trading_outbox_info)TRADING_OUTBOX_INFO_INIT;
}

void trading_router_options_init(trading_router_options *options)
{
    *options = (trading_router_options)TRADING_ROUTER_OPTIONS_INIT;
}

void trading_router_info_init(trading_router_info *info)
{
    *info = (trading_router_info)TRADING_ROUTER_INFO_INIT;
}

void trading_copy_options_init(trading_copy_options *options)
{
    *options = (trading_copy_options)TRADING_COPY_OPTIONS_INIT;
}

void trading_copy_init(trading_copy *copy)
{
    *copy = (trading_copy)TRADING_COPY_INIT;
}
