/**
 * @file
 * The Account context: a customer's profile and cash.
 *
 * Cash is double entry: each movement debits one account and credits another, so that over customers, house, bank, clearing and
 * fees every currency sums to zero after every commit.
 */
#ifndef TRADING_ACCOUNT_H
#define TRADING_ACCOUNT_H

#include <trading/command.h>

TRADING_EXTERN_C_BEGIN

/** @name Longest texts, in bytes */
/**@{*/
#define TRADING_NAME_BYTES        120
#define TRADING_EMAIL_BYTES       254
#define TRADING_PHONE_BYTES       40
#define TRADING_STREET_BYTES      200
#define TRADING_POSTAL_CODE_BYTES 20
#define TRADING_PROVINCE_BYTES    100
/**@}*/

/** Body of OPEN_ACCOUNT. All texts are personal data, sealed in the journal under the account's own key; each may be empty. */
typedef struct trading_open_account {
    uint32_t size;
    trading_currency currency;    /**< of all its cash; zero means USD */
    trading_decimal deposit;      /**< the opening deposit, ≥ 0, in the currency's minor unit */
    trading_text name;            /**< of the account and of its first portfolio; TRADING_NAME_BYTES */
    trading_text profile_name;    /**< the person's given name; TRADING_NAME_BYTES */
    trading_text profile_surname; /**< TRADING_NAME_BYTES */
    trading_text email;           /**< TRADING_EMAIL_BYTES */
    trading_text phone_number;    /**< TRADING_PHONE_BYTES */
    trading_text street;          /**< TRADING_STREET_BYTES */
    trading_text postal_code;     /**< TRADING_POSTAL_CODE_BYTES */
    trading_text province;        /**< TRADING_PROVINCE_BYTES */
} trading_open_account;

/** Body of UPDATE_CONTACT: both replace what was there. */
typedef struct trading_update_contact {
    uint32_t size;
    uint32_t reserved;
    trading_text email;
    trading_text phone_number;
} trading_update_contact;

/** Body of UPDATE_ADDRESS: all three replace what was there. */
typedef struct trading_update_address {
    uint32_t size;
    uint32_t reserved;
    trading_text street;
    trading_text postal_code;
    trading_text province;
} trading_update_address;

/** Body of DEPOSIT, WITHDRAW, CREDIT and DEBIT. */
typedef struct trading_cash {
    uint32_t size;
    uint32_t reserved;
    trading_decimal amount; /**< > 0; of DEPOSIT and WITHDRAW in the currency's minor unit */
} trading_cash;

/** Body of TRANSFER: to another account of the same currency. Where that account is in another partition the money is pending until
 *  it is settled there, or returned. */
typedef struct trading_transfer {
    uint32_t size;
    uint32_t reserved;
    trading_decimal amount; /**< > 0 */
    trading_id to;          /**< the account that is to have it; another than the command's */
} trading_transfer;

/** Body of ACCEPT_REFUND: the house pays back. */
typedef struct trading_accept_refund {
    uint32_t size;
    uint32_t reserved;
    trading_decimal amount; /**< > 0 */
    trading_id order;       /**< the buy order that it refunds, at most what was paid for it in all; or zero: a plain payment */
} trading_accept_refund;

/** @name Longest texts of an alias, in bytes */
/**@{*/
#define TRADING_ALIAS_SPACE_BYTES 15
#define TRADING_ALIAS_NAME_BYTES  64
/**@}*/

/** Body of BIND_ALIAS: from here on `name` is the account's in `space`, or the portfolio's. It stays so for ever; nothing else can have it in
 *  this partition, and what has it, has no other in this space. It is kept as it is, so it must not be personal. */
typedef struct trading_bind_alias {
    uint32_t size;
    uint32_t reserved;
    trading_id portfolio; /**< of the account; zero: the account itself */
    trading_text space;   /**< whose name it is; 1 to TRADING_ALIAS_SPACE_BYTES, printable UTF-8 */
    trading_text name;    /**< 1 to TRADING_ALIAS_NAME_BYTES, likewise */
} trading_bind_alias;

TRADING_API void trading_open_account_init(trading_open_account *body);
TRADING_API void trading_update_contact_init(trading_update_contact *body);
TRADING_API void trading_update_address_init(trading_update_address *body);
TRADING_API void trading_cash_init(trading_cash *body);
TRADING_API void trading_transfer_init(trading_transfer *body);
TRADING_API void trading_accept_refund_init(trading_accept_refund *body);
TRADING_API void trading_bind_alias_init(trading_bind_alias *body);

#define TRADING_OPEN_ACCOUNT_INIT                                                                                              \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_open_account)                                                                         \
    }
#define TRADING_UPDATE_CONTACT_INIT                                                                                            \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_update_contact)                                                                       \
    }
#define TRADING_UPDATE_ADDRESS_INIT                                                                                            \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_update_address)                                                                       \
    }
#define TRADING_CASH_INIT                                                                                                      \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_cash)                                                                                 \
    }
#define TRADING_TRANSFER_INIT                                                                                                  \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_transfer)                                                                             \
    }
#define TRADING_ACCEPT_REFUND_INIT                                                                                             \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_accept_refund)                                                                        \
    }

#define TRADING_BIND_ALIAS_INIT                                                                                                \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_bind_alias)                                                                           \
    }

/** @name Status of an account */
/**@{*/
#define TRADING_ACCOUNT_OPEN   1
#define TRADING_ACCOUNT_FROZEN 2
#define TRADING_ACCOUNT_CLOSED 3
/**@}*/

/** An account as a view shows it; set up by its initialiser before it is handed to one. */
typedef struct trading_account {
    uint32_t size;
    int32_t status; /**< TRADING_ACCOUNT_ */
    trading_id id;
    trading_currency currency;
    uint32_t portfolio_count;
    int64_t position; /**< the journal position that this is as of (the next position then) */
    int64_t version;  /**< events of this account so far */
    trading_time opened;
    trading_decimal balance;   /**< all its cash */
    trading_decimal held;      /**< of it, held for open buy orders */
    trading_decimal available; /**< balance − held */
    trading_decimal pending; /**< sent to accounts in other partitions, neither settled nor returned yet; not in the balance */
} trading_account;

#define TRADING_ACCOUNT_INIT                                                                                                   \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_account)                                                                              \
    }
TRADING_API void trading_account_init(trading_account *account);

/** Personal data of an account as a view shows it; NUL-terminated UTF-8. Set up as trading_account is. */
typedef struct trading_profile {
    uint32_t size;
    int32_t forgotten; /**< 1 when the key was destroyed (trading_engine_forget): all texts are empty */
    char name[TRADING_NAME_BYTES + 8];
    char profile_name[TRADING_NAME_BYTES + 8];
    char profile_surname[TRADING_NAME_BYTES + 8];
    char email[TRADING_EMAIL_BYTES + 2];
    char phone_number[TRADING_PHONE_BYTES + 8];
    char street[TRADING_STREET_BYTES + 8];
    char postal_code[TRADING_POSTAL_CODE_BYTES + 4];
    char province[TRADING_PROVINCE_BYTES + 4];
} trading_profile;

#define TRADING_PROFILE_INIT                                                                                                   \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_profile)                                                                              \
    }
TRADING_API void trading_profile_init(trading_profile *profile);

/** What another system calls an account, or a portfolio of it. The layout is frozen. */
typedef struct trading_alias {
    trading_id account;
    trading_id portfolio; /**< zero: it is the account's */
    char space[TRADING_ALIAS_SPACE_BYTES + 1];
    char name[TRADING_ALIAS_NAME_BYTES + 8];
} trading_alias;

/** The name of an account's status: "open", "frozen", "closed". Never NULL. */
TRADING_API const char *trading_account_status_name(int32_t status);

TRADING_EXTERN_C_END

#endif
