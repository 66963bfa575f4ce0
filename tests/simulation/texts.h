/* The texts that simulated customers give, by number: the same number always says the same. */
#ifndef SIMULATION_TEXTS_H
#define SIMULATION_TEXTS_H

#include <stdint.h>

enum simulation_text {
    TEXT_NAME,
    TEXT_PROFILE_NAME,
    TEXT_PROFILE_SURNAME,
    TEXT_EMAIL,
    TEXT_PHONE_NUMBER,
    TEXT_STREET,
    TEXT_POSTAL_CODE,
    TEXT_PROVINCE
};

/* Number 0 says nothing at all. */
const char *simulation_text(int64_t number, enum simulation_text which);

#endif
