/**
 * @file
 * libtrading: accounts, portfolios and trade orders, event sourced, in one library. This header brings the whole stable API.
 */
#ifndef TRADING_H
#define TRADING_H

#include <trading/account.h>
#include <trading/base.h>
#include <trading/bus.h>
#include <trading/command.h>
#include <trading/copy.h>
#include <trading/decimal.h>
#include <trading/engine.h>
#include <trading/error.h>
#include <trading/event.h>
#include <trading/feed.h>
#include <trading/id.h>
#include <trading/market.h>
#include <trading/order.h>
#include <trading/outbox.h>
#include <trading/partition.h>
#include <trading/plugins.h>
#include <trading/portfolio.h>
#include <trading/projection.h>
#include <trading/router.h>
#include <trading/time.h>
#include <trading/venue.h>
#include <trading/view.h>

#endif
