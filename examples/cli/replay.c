#include "arguments.h"

#include <stdio.h>

const struct argument replay_arguments[] = {
    {ARGUMENT_OPERAND, "PRICES.csv", NULL, "the prices: date,symbol,price, or date,open,high,low,close,volume", NULL},
    {ARGUMENT_END, NULL, NULL, NULL, NULL},
};

int replay_main(int argc, char **argv)
{
    struct arguments arguments;
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    return EXIT_DONE;
}
