#include "simulation/texts.h"

/* The longest postal code takes 20 bytes, so that each of these may stand anywhere. */
static const char *const words[] = {"Ada",
                                    "Lovelace",
                                    "ada@example.org",
                                    "+39 06 1234567",
                                    "Zoë Strauß",
                                    "Via Appia 7",
                                    "漢字",
                                    "00184",
                                    "Roma",
                                    "x",
                                    "O'Neil \"Bob\"",
                                    "",
                                    "µ¶·",
                                    "\\n",
                                    "12345678901234567890",
                                    "Łódź"};

enum { WORDS = sizeof(words) / sizeof(*words) };

const char *simulation_text(int64_t number, enum simulation_text which)
{
    return number ? words[(uint64_t)(number * 7 + (int64_t)which * 3) % WORDS] : "";
}
