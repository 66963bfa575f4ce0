/* A simulation is a list of steps; the same list does the same again, and a part of it is a simulation too. */
#ifndef SIMULATION_STEP_H
#define SIMULATION_STEP_H

#include "simulation/model.h"
#include "simulation/names.h"

#include <stdio.h>

#include <trading.h>

enum step_action {
    STEP_COMMAND,
    STEP_CLOSE,  /* closes the engine, which writes a checkpoint, and opens it again */
    STEP_ABANDON /* the same without a checkpoint */
};

struct step {
    enum step_action action;
    int32_t batch;     /* steps of the same batch are handed over together */
    trading_time time; /* what the clock says during the batch */
    struct model_command command;
};

/* A command as the engine takes it, with its body. */
struct step_lowered {
    char space[8]; /* of an alias, and its name */
    char name[24];
    trading_command command;
    union {
        trading_open_account open_account;
        trading_open_portfolio open_portfolio;
        trading_update_contact update_contact;
        trading_update_address update_address;
        trading_cash cash;
        trading_transfer transfer;
        trading_accept_refund accept_refund;
        trading_place_order place_order;
        trading_cancel_order cancel_order;
        trading_book_execution book_execution;
        trading_end_order end_order;
        trading_bind_alias bind_alias;
        trading_close_portfolio close_portfolio;
        trading_set_quote set_quote;
    } body;
};

/* Translates a command into the engine's terms. The result points into itself. `seed` makes the keys of different runs differ. */
void step_lower(const struct model_command *command, const struct names *names, uint64_t seed, struct step_lowered *lowered);

/* Writes a step as one line for people. */
void step_print(const struct step *step, FILE *out);

#endif
