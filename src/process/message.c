/* What another partition says, and what it comes to here: each message has an answer, or is one. */
#include "process/message.h"

#include "account/decide.h"
#include "base/moment.h"
#include "base/text.h"
#include "process/placing.h"

/* ---- reading them ---- */

void message_reader_begin(struct message_reader *messages, const struct commit *commit)
{
    *messages = (struct message_reader){.reader = {.at = commit->body, .end = commit->body + commit->body_size},
                                        .partition = commit->partition,
                                        .position = commit->first_position,
                                        .entries = commit->entries};
}

static bool next_entry(struct message_reader *messages)
{
    if (messages->entries == 0)
        return false;
    messages->entries--;
    entry_read(&messages->reader, &messages->cause, &messages->events);
    return !messages->reader.bad;
}

bool message_reader_next(struct message_reader *messages, struct message *message)
{
    while (!messages->reader.bad && (messages->events || next_entry(messages))) {
        event_read(&messages->reader, messages->position++, &message->event);
        if (--messages->events == 0)
            entry_read_version(&messages->reader);
        if (messages->reader.bad || !message->event.to)
            continue;
        message->from = messages->partition;
        message->to = message->event.to - 1;
        message->cause = messages->cause;
        return true;
    }
    return false;
}

enum message_turn message_turn(const struct domain *domain, const struct message *message)
{
    int64_t received = domain_peer(domain, message->from)->received;
    if (message->event.position < received)
        return MESSAGE_KNOWN;
    return message->event.before == received - 1 ? MESSAGE_NEXT : MESSAGE_EARLY;
}

/* ---- transfers ---- */

static void emit_account(struct process *process, struct event event, uint32_t account)
{
    event.number = event.account.account = account;
    process_emit(process, &event);
}

/* Money for an account of this partition: it is taken, or refused and so sent back. */
static void receive_transfer(struct process *process, const struct message *message)
{
    const struct account_event *sent = &message->event.account;
    struct accounts *accounts = &process->domain->accounts;
    uint32_t account = account_find(accounts, &sent->other_id);
    struct event answer = {.kind = TRADING_EVENT_TRANSFER_RECEIVED, .to = message->from + 1};
    answer.account = (struct account_event){.other_id = sent->own_id, .amount = sent->amount};
    struct rejection why;
    if (!account_decide_transfer(accounts, account, &sent->currency, sent->amount, &why)) {
        answer.kind = TRADING_EVENT_TRANSFER_REFUSED;
        answer.account.reason = why.reason;
    }
    emit_account(process, answer, account);
}

static void end_transfer(struct process *process, const struct message *message)
{
    const struct account_event *answer = &message->event.account;
    bool refused = message->event.kind == TRADING_EVENT_TRANSFER_REFUSED;
    struct event ended = {.kind = refused ? TRADING_EVENT_TRANSFER_RETURNED : TRADING_EVENT_TRANSFER_SETTLED};
    ended.account = (struct account_event){.amount = answer->amount, .reason = answer->reason};
    emit_account(process, ended, account_find(&process->domain->accounts, &answer->other_id));
}

/* ---- guests ---- */

/* Something came that cannot be done any more: it is in the history all the same. */
static void emit_rejection(struct process *process, uint32_t account, int32_t reason)
{
    struct event event = {.kind = TRADING_EVENT_COMMAND_REJECTED};
    event.account = (struct account_event){.reason = reason};
    emit_account(process, event, account);
}

static void place_guest(struct process *process, const struct message *message)
{
    const struct order_event *sent = &message->event.order;
    struct domain *domain = process->domain;
    if (order_find(&domain->orders, &sent->id) || !domain_has_book(domain, &sent->symbol)) {
        process->broken = "an order came twice, or to a partition that does not have its book";
        return;
    }
    uint32_t instrument = instrument_list(process, &sent->symbol, &sent->currency);
    uint32_t order = table_count(domain->orders.records) + 1;
    struct event placed = {.kind = TRADING_EVENT_GUEST_PLACED, .number = order};
    placed.order = (struct order_event){.order = order,
                                        .id = sent->id,
                                        .instrument = instrument,
                                        .side = sent->side,
                                        .type = sent->type,
                                        .time_in_force = sent->time_in_force,
                                        .quantity = sent->quantity,
                                        .price = sent->price};
    process_emit(process, &placed);
    if (currency_equal(&instrument_get(&domain->market, instrument)->currency, &sent->currency))
        process->work = (struct work){.kind = WORK_MATCH, .order = order};
    else
        order_refuse_guest(process, order, TRADING_REASON_OTHER_CURRENCY);
}

/* A guest that has ended has told its home so. */
static void cancel_guest(struct process *process, const struct message *message)
{
    const struct orders *orders = &process->domain->orders;
    uint32_t number = order_find(orders, &message->event.order.id);
    const struct order_record *guest = order_get(orders, number);
    if (!order_is_guest(guest))
        process->broken = "a cancel came for an order that is no guest";
    else if (order_leaves(guest) > 0)
        order_end(process, number, TRADING_EVENT_ORDER_CANCELED);
    else
        emit_rejection(process, 0, TRADING_REASON_ORDER_NOT_OPEN);
}

/* ---- orders that are away ---- */

static uint32_t find_away(struct process *process, const struct message *message)
{
    const struct orders *orders = &process->domain->orders;
    uint32_t number = order_find(orders, &message->event.order.id);
    const struct order_record *order = order_get(orders, number);
    if (order_is_away(order) && order->partition == message->from + 1)
        return number;
    process->broken = "a message is about an order that is not away in its partition";
    return 0;
}

static void settle_execution(struct process *process, const struct message *message)
{
    const struct order_event *executed = &message->event.order;
    uint32_t number = find_away(process, message);
    if (number)
        process->work = (struct work){.kind = WORK_SETTLE,
                                      .order = number,
                                      .quantity = executed->quantity,
                                      .price = executed->price,
                                      .amount = executed->amount,
                                      .counter = executed->counter_id};
}

static void end_away(struct process *process, const struct message *message)
{
    const struct order_event *ended = &message->event.order;
    uint32_t number = find_away(process, message);
    if (!number)
        return;
    const struct order_record *order = order_get(&process->domain->orders, number);
    if (order_leaves(order) == 0) { /* the house took over for it, and it ended then */
        emit_rejection(process, order->account, TRADING_REASON_ORDER_NOT_OPEN);
        return;
    }
    if (order_leaves(order) != ended->quantity) {
        process->broken = "an order ended in its book with another quantity open than in its home";
        return;
    }
    if (ended->reason)
        emit_rejection(process, order->account, ended->reason);
    bool expired = ended->status == TRADING_ORDER_STATUS_EXPIRED;
    order_end(process, number, expired ? TRADING_EVENT_ORDER_EXPIRED : TRADING_EVENT_ORDER_CANCELED);
    process->work = (struct work){.kind = WORK_SETTLE, .order = number}; /* its portfolio may wait for it to close */
}

/* ---- all ---- */

static void apply(struct process *process, const struct message *message)
{
    switch (message->event.kind) {
    case TRADING_EVENT_TRANSFER_SENT:
        receive_transfer(process, message);
        break;
    case TRADING_EVENT_TRANSFER_RECEIVED:
    case TRADING_EVENT_TRANSFER_REFUSED:
        end_transfer(process, message);
        break;
    case TRADING_EVENT_ORDER_SENT:
        place_guest(process, message);
        break;
    case TRADING_EVENT_CANCEL_SENT:
        cancel_guest(process, message);
        break;
    case TRADING_EVENT_GUEST_EXECUTED:
        settle_execution(process, message);
        break;
    default:
        end_away(process, message);
        break;
    }
}

void process_message(struct process *process, const struct message *message)
{
    struct cause cause = {.type = message->cause.type,
                          .flags = ENTRY_MESSAGE,
                          .actor = message->cause.actor,
                          .correlation = message->cause.correlation,
                          .partition = message->from,
                          .position = message->event.position};
    entry_message_key(&cause.key, cause.partition, cause.position);
    struct entry_mark mark;
    process_begin(process, &cause);
    entry_begin(process->out, &cause, &mark);
    process->broken = domain_receive(process->domain, &cause);
    if (!process->broken)
        apply(process, message);
    process_work(process);
    entry_end(process->out, &mark, process->events, 0);
    process->folding.cause = NULL;
}
